// token_internal.h: the form of a token: ask_<identifier>_<secret><checksum>.
// Room: crypto.
//
// ask_ (4) + identifier (8) + _ (1) + secret of 32 characters (190 bits) + checksum (6): 51 bytes.
// The checksum, a CRC-32C in base 62, tells a typing error or a cut token from an unknown key, and
// lets programs that look for leaked secrets be sure of what they have found.
#pragma once
#include <optional>
#include <string_view>

#include "assay/crypto/grant.h"
#include "assay/crypto/secret.h"

namespace assay::crypto {

inline constexpr std::string_view kTokenPrefix = "ask_";
inline constexpr std::size_t kTokenBytes = 51;

[[nodiscard]] KeyId NewKeyId();
[[nodiscard]] SecretString NewToken(const KeyId& id);

// The identifier of a token of the right form and checksum; nullopt for everything else. The
// secret is not checked.
[[nodiscard]] std::optional<KeyId> IdOfToken(std::string_view token);
// "Ab3dE5f7" or a whole token.
[[nodiscard]] std::optional<KeyId> ParseIdOrToken(std::string_view text);

}  // namespace assay::crypto
