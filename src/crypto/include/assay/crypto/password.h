// assay/crypto/password.h: passwords are stored as Argon2id hashes.
// Room: crypto (uses core).  Threads: pure functions.
// Method: Argon2id v1.3 (RFC 9106), by libsodium where it can (one lane, salt of 16 bytes: the
// faster one, see bench/crypto), else by libargon2. Text form: PHC string format.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/crypto/secret.h"

namespace assay::crypto {

// Bounds keep a damaged or hostile hash string from taking all memory or hours.
struct Argon2Params {
  std::uint32_t memory_kib = 19 * 1024;  // 8 * lanes to 2^21
  std::uint32_t passes = 2;              // 1 to 1,000
  std::uint32_t lanes = 1;               // 1 to 64
  std::uint32_t hash_bytes = 32;         // 4 to 1,024
  friend bool operator==(const Argon2Params&, const Argon2Params&) = default;
};
// The least that OWASP advises for logins (Password Storage Cheat Sheet, 2024): about 16 ms.
inline constexpr Argon2Params kLoginParams = {};
// For what an attacker may try offline: RFC 9106, 4, second choice, but with one lane. 100 ms.
inline constexpr Argon2Params kKeyFileParams = {.memory_kib = 64 * 1024, .passes = 3};

struct Argon2Input {
  std::string_view password;
  std::string_view salt;        // 8 bytes or more; 16 random ones are what to use
  std::string_view secret;      // optional, RFC 9106 "K"
  std::string_view associated;  // optional, RFC 9106 "X"
};

enum class Argon2Library : std::uint8_t { kFaster, kSodium, kArgon2 };

// The raw hash. Errors: kOutOfRange for parameters or salt past their bounds; kInvalidArgument for
// what the named library cannot do; kResourceExhausted when there is not so much memory.
[[nodiscard]] Result<SecretBytes> Argon2id(const Argon2Input& input, const Argon2Params& params,
                                           Argon2Library library = Argon2Library::kFaster);

// The same for many, on all cores: memory_kib are in use for each core at a time.
[[nodiscard]] Result<std::vector<SecretBytes>> Argon2idBatch(std::span<const Argon2Input> inputs,
                                                             const Argon2Params& params);

// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>, with a random salt. Of all of `passwords`, on all
// cores, in HashPasswords.
[[nodiscard]] Result<std::string> HashPassword(std::string_view password,
                                               const Argon2Params& params = kLoginParams);
[[nodiscard]] Result<std::vector<std::string>> HashPasswords(
    std::span<const std::string_view> passwords, const Argon2Params& params = kLoginParams);

struct PasswordHash {
  Argon2Params params;
  std::string salt;
  std::string hash;
};
// Reads the text form strictly: one spelling for each hash. Errors: kInvalidArgument naming the
// part; kOutOfRange for parameters past their bounds.
[[nodiscard]] Result<PasswordHash> ParsePasswordHash(std::string_view phc);
[[nodiscard]] std::string FormatPasswordHash(const PasswordHash& hash);

// Whether it is the password. Errors: those of ParsePasswordHash and Argon2id.
[[nodiscard]] Result<bool> VerifyPassword(std::string_view password, std::string_view phc);

}  // namespace assay::crypto
