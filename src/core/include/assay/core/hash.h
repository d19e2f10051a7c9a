// assay/core/hash.h: content hashes and checksums of byte strings.
// Room: core.  Threads: pure functions; a Hasher belongs to one thread at a time.
// Method: XXH3 (Collet, xxHash 0.8 specification); CRC-32C (Castagnoli 1993; RFC 3720, 12.1).
#pragma once
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace assay::core {

// 128 bits, enough to stand for the content itself: two of 2^40 different texts collide with a
// probability of about 2^-49. Not safe against an adversary who chooses both texts.
struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;
  friend constexpr auto operator<=>(const Hash128&, const Hash128&) = default;
};

// The values are the same on every machine and in every version of Assay, so they may be stored.
[[nodiscard]] std::uint64_t HashBytes64(std::string_view bytes, std::uint64_t seed = 0);
[[nodiscard]] Hash128 HashBytes128(std::string_view bytes, std::uint64_t seed = 0);

// 32 lower-case hexadecimal digits, high word first.
[[nodiscard]] std::string ToHex(const Hash128& hash);

// CRC-32C of `bytes`, going on from the checksum `before` of the bytes in front of them:
// Crc32c(b, Crc32c(a)) == Crc32c(ab).
[[nodiscard]] std::uint32_t Crc32c(std::string_view bytes, std::uint32_t before = 0);

// Hashes bytes that come in pieces; the digest does not depend on how they were cut, and equals
// that of the functions above. About 600 bytes of state, no allocation.
class Hasher {
 public:
  explicit Hasher(std::uint64_t seed = 0);

  void Add(std::string_view bytes);
  // May be asked at any time; more bytes can follow.
  [[nodiscard]] std::uint64_t Digest64() const;
  [[nodiscard]] Hash128 Digest128() const;

 private:
  static constexpr std::size_t kStateBytes = 576;  // XXH3_state_t, checked in hash.cc
  alignas(64) std::array<std::byte, kStateBytes> state_;
};

}  // namespace assay::core

// Lets a Hash128 be the key of std::unordered_map: its bits are uniform already.
template <>
struct std::hash<assay::core::Hash128> {
  std::size_t operator()(const assay::core::Hash128& key) const noexcept {
    return static_cast<std::size_t>(key.low);
  }
};
