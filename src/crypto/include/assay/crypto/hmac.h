// assay/crypto/hmac.h: message authentication and key derivation with SHA-256.
// Room: crypto (uses core).  Threads: a key may be used by many threads at once.
// Method: HMAC (RFC 2104, FIPS 198-1) and HKDF (RFC 5869) of OpenSSL 3, with kept contexts.
#pragma once
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "assay/core/result.h"
#include "assay/crypto/secret.h"

namespace assay::crypto {

inline constexpr std::size_t kMacBytes = 32;
using Mac = std::array<char, kMacBytes>;

[[nodiscard]] constexpr std::string_view ViewOf(const Mac& mac) {
  return {mac.data(), mac.size()};
}

// One HMAC-SHA256 key. Its contexts are kept: a message costs no allocation after warm-up and no
// hashing of the key.
class HmacKey {
 public:
  // Any length (also 0, as the RFC has it; 32 random bytes are what to use).
  [[nodiscard]] static Result<HmacKey> Create(std::string_view key);
  HmacKey(HmacKey&&) noexcept;
  HmacKey& operator=(HmacKey&&) noexcept;
  ~HmacKey();

  // About 0.25 us + 0.6 ns a byte.
  [[nodiscard]] Mac Sign(std::string_view message) const;
  // The MAC of the concatenation.
  [[nodiscard]] Mac Sign(std::string_view first, std::string_view second) const;
  // In constant time for a length of `mac`; false for any length but kMacBytes.
  [[nodiscard]] bool Verify(std::string_view message, std::string_view mac) const;

  // macs[i] = Sign(messages[i]), on all cores where the messages are many.
  // Errors: kInvalidArgument when the sizes differ.
  [[nodiscard]] Result<void> SignBatch(std::span<const std::string_view> messages,
                                       std::span<Mac> macs) const;

 private:
  class Impl;
  explicit HmacKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// `size_bytes` bytes (1 to 8,160) from a secret: HKDF-SHA256 extract and expand. `info` names what
// they are for: other purposes get independent bytes. Errors: kOutOfRange.
[[nodiscard]] Result<SecretBytes> DeriveKey(std::string_view secret, std::string_view salt,
                                            std::string_view info, std::size_t size_bytes);

}  // namespace assay::crypto
