// password_internal.h: the bounds of Argon2id here, and base64 as PHC strings have it.
// Room: crypto.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/core/result.h"
#include "assay/crypto/password.h"

namespace assay::crypto {

inline constexpr std::uint32_t kMaxLanes = 64;
inline constexpr std::uint32_t kMaxMemoryKib = 1U << 21;  // 2 GiB, RFC 9106, 4, first choice
inline constexpr std::uint32_t kMaxPasses = 1000;
inline constexpr std::uint32_t kMinHashBytes = 4;
inline constexpr std::uint32_t kMaxHashBytes = 1024;
inline constexpr std::size_t kMinSaltBytes = 8;
inline constexpr std::size_t kMaxSaltBytes = 256;

[[nodiscard]] Result<void> CheckParams(const Argon2Params& params);  // Errors: kOutOfRange

// The standard alphabet without padding; decoding takes one spelling for each byte string.
[[nodiscard]] std::string Base64(std::string_view bytes);
[[nodiscard]] Result<SecretBytes> FromBase64(std::string_view text);  // Errors: kInvalidArgument
// Reads "m=19456,t=2,p=1". Errors: kInvalidArgument; kOutOfRange.
[[nodiscard]] Result<Argon2Params> ParseCost(std::string_view text);
[[nodiscard]] std::string FormatCost(const Argon2Params& params);
// A decimal number without sign or leading zeros. Errors: kInvalidArgument naming `what`.
[[nodiscard]] Result<std::uint64_t> ParseNumber(std::string_view text, std::string_view what);
// Cuts `text` at the first `separator` and returns what is before it; all of it without one.
[[nodiscard]] std::string_view CutAt(std::string_view& text, char separator);

}  // namespace assay::crypto
