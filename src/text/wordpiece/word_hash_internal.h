// Words of at most 16 bytes as two integers, the key of WordPiece's hash table.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace assay::text {

inline constexpr std::size_t kShortWord = 16;  // bytes

// The first character is the lowest byte; the fast path of wordpiece_run.cc counts on it.
static_assert(std::endian::native == std::endian::little);

struct ShortWord {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  // Requires: word.size() <= kShortWord.
  [[nodiscard]] static ShortWord Of(std::string_view word) {
    char bytes[kShortWord] = {};
    std::memcpy(bytes, word.data(), word.size());
    ShortWord key;
    std::memcpy(&key.low, bytes, 8);
    std::memcpy(&key.high, bytes + 8, 8);
    return key;
  }

  // Multiplicative hashing (Knuth, TAOCP 3, 6.4); the high bits are the good ones. The odd
  // constants are those of xxHash64.
  [[nodiscard]] std::uint64_t Hash() const {
    std::uint64_t mixed = low ^ std::rotl(high * 0xC2B2AE3D27D4EB4FULL, 31);
    mixed *= 0x9E3779B185EBCA87ULL;
    mixed ^= mixed >> 29;
    return mixed * 0x165667B19E3779F9ULL;
  }
};

}  // namespace assay::text
