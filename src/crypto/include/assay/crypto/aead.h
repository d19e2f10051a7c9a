// assay/crypto/aead.h: sealing with AES-256-GCM: nobody without the key reads or changes it.
// Room: crypto (uses core).  Threads: keys and sealers may be used by many threads at once.
// Method: AES-256-GCM (NIST SP 800-38D) of OpenSSL 3 with kept contexts.
// Format of sealed bytes, and why nonces never repeat: docs/formats/sealed.md.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::crypto {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadNonceBytes = 12;
inline constexpr std::size_t kAeadTagBytes = 16;
inline constexpr std::size_t kMaxAeadMessageBytes = std::size_t{1}
                                                    << 30;  // the standard: 2^36 - 32
using AeadNonce = std::array<char, kAeadNonceBytes>;

// The bare cipher, for those who own a scheme of nonces: one nonce twice under one key gives both
// messages away. All others use a Sealer.
class AeadKey {
 public:
  [[nodiscard]] static Result<AeadKey> Create(std::string_view key);  // kAeadKeyBytes
  AeadKey(AeadKey&&) noexcept;
  AeadKey& operator=(AeadKey&&) noexcept;
  ~AeadKey();

  // Writes ciphertext and tag. `aad` is authenticated, not stored: the opener must know it.
  // Shapes: out [plain.size() + kAeadTagBytes], may not overlap plain. Errors: kInvalidArgument for
  // other shapes; kOutOfRange over kMaxAeadMessageBytes.
  [[nodiscard]] Result<void> Seal(const AeadNonce& nonce, std::string_view aad,
                                  std::string_view plain, std::span<char> out) const;
  // Shapes: out [sealed.size() - kAeadTagBytes]. Errors: kDataLoss when key, nonce, aad or a byte
  // of `sealed` is not what it was; `out` is then wiped. Others as above.
  [[nodiscard]] Result<void> Open(const AeadNonce& nonce, std::string_view aad,
                                  std::string_view sealed, std::span<char> out) const;

 private:
  class Impl;
  explicit AeadKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

class KeyRing;

inline constexpr std::size_t kSealedHeaderBytes = 32;
inline constexpr std::size_t kSealedOverheadBytes = kSealedHeaderBytes + kAeadTagBytes;
// After so many messages or bytes a sealer goes on under a fresh key by itself.
inline constexpr std::uint64_t kMaxMessagesPerKey = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kMaxBytesPerKey = std::uint64_t{1} << 40;  // 2^36 AES blocks

struct SealItem {
  std::string_view aad;
  std::string_view bytes;  // to seal, or sealed
};

// Seals for one purpose with the newest key of a ring, opens what any key of the ring has sealed.
// Each sealer works under keys of its own, derived from the ring's with 128 random bits, and counts
// its nonces: neither a restart nor a second process nor a restored backup can repeat one.
class Sealer {
 public:
  // `purpose`, such as "cache", keeps apart what one ring seals for different uses. The ring need
  // not outlive the sealer. Errors: kFailedPrecondition for a ring without keys.
  [[nodiscard]] static Result<Sealer> Create(const KeyRing& ring, std::string_view purpose);
  // With fewer messages per key, to see the change of keys.
  [[nodiscard]] static Result<Sealer> CreateForTest(const KeyRing& ring, std::string_view purpose,
                                                    std::uint64_t max_messages);
  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) noexcept;
  ~Sealer();

  // kSealedOverheadBytes longer than `plain`. `aad`, such as the entry's key, must be shown again
  // to open it: one sealed entry cannot be passed off as another.
  [[nodiscard]] Result<std::string> Seal(std::string_view aad, std::string_view plain) const;
  // Errors: kDataLoss when it was changed, cut, or sealed for another purpose or aad;
  // kNotFound when the ring no longer holds its key; kFailedPrecondition for a later format.
  [[nodiscard]] Result<std::string> Open(std::string_view aad, std::string_view sealed) const;

  // The same for many, on all cores. `out` keeps its strings' capacity. Errors: that of the first
  // failing item; the content of `out` is then of no use.
  [[nodiscard]] Result<void> SealBatch(std::span<const SealItem> items,
                                       std::span<std::string> out) const;
  [[nodiscard]] Result<void> OpenBatch(std::span<const SealItem> items,
                                       std::span<std::string> out) const;

  // The identifier of the key that sealed these bytes, without opening them. Errors: kDataLoss.
  [[nodiscard]] static Result<std::uint32_t> KeyIdOf(std::string_view sealed);
  [[nodiscard]] std::uint32_t newest_key_id() const;

 private:
  class Impl;
  explicit Sealer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::crypto
