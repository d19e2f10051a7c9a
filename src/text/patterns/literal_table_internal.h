// Literals, their four-byte windows, and the nibble masks that find the windows.
//
// Each literal gives one window: the four neighbouring bytes of it that are rarest in English. The
// windows are shared out over 8, 16 or 32 buckets. A filter table maps the low nibble of something
// that depends on one or two bytes of the text to the buckets that allow it; a place of the text
// where the eight tables agree on a bucket is a candidate. Only bits 0-4 of the bytes are used:
// they tell all letters and the space apart, and upper from lower case not at all.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::text::patterns {

inline constexpr std::size_t kFilterTables = 8;     // four of single bytes, four of pairs
inline constexpr std::size_t kMaxFilterGroups = 4;  // groups of eight buckets
inline constexpr std::size_t kMaxWindowOffset =
    60;                                          // what a scan keeps readable before a candidate
inline constexpr std::size_t kInlineBytes = 32;  // compared without a loop

// Index into filter table `table` for the window bytes b[0..3]: tables 0-3 look at one byte, 4-7 at
// a byte and its right neighbour (the last byte's neighbour is the first).
[[nodiscard]] constexpr std::uint32_t FilterIndex(std::size_t table,
                                                  const std::array<std::uint8_t, 4>& b) {
  if (table < 4) return b[table] & 15U;
  return (b[table - 4] ^ (static_cast<std::uint32_t>(b[(table - 3) % 4]) >> 1)) & 15U;
}

struct Literal {
  std::string bytes;
  std::uint32_t id = 0;  // of the pattern, or of the prefixed expression
  bool ignore_case = true;
  bool whole_word = false;
  bool starts_regex = false;  // its end is only the beginning of a match of expression `id`
};

enum LiteralFlags : std::uint8_t { kWholeWord = 1, kLong = 2, kStartsRegex = 4 };

// Everything that a comparison needs in two cache lines. A text byte t agrees when
// (t | fold) == want: fold is 0x20 at letters without case, and 0xFF (as is want) past the end.
struct alignas(64) LiteralEntry {
  std::array<std::uint8_t, kInlineBytes> want{};
  std::array<std::uint8_t, kInlineBytes> fold{};
  std::uint64_t bit = 0;   // in word `word` of the result; 0 if `flags` ask for more than the bytes
  std::uint32_t word = 0;  // 0 where `bit` is
  std::uint32_t id = 0;
  std::uint32_t next = 0;  // another entry with the same hash; 0 ends the chain
  std::uint32_t literal = 0;
  std::uint16_t length = 0;
  std::uint8_t offset = 0;  // of the window
  std::uint8_t flags = 0;
};
static_assert(sizeof(LiteralEntry) == 128);

// Windows of one length (4, or the whole of a literal of 1 to 3 bytes), by multiplicative hash
// (Knuth, TAOCP 3, 6.4).
struct WindowTable {
  std::uint32_t byte_mask = 0;
  std::uint32_t shift = 0;
  std::vector<std::uint32_t> heads;  // entry, 0 for none

  [[nodiscard]] static std::uint32_t Slot(std::uint32_t window, std::uint32_t byte_mask,
                                          std::uint32_t shift) {
    return (((window | 0x20202020U) & byte_mask) * 0x9E3779B1U) >> shift;  // 2^32 / golden ratio
  }
};

struct LiteralTable {
  std::size_t groups = 0;  // 0 (no literals), 1, 2 or 4
  alignas(64) std::array<std::array<std::array<std::uint8_t, 16>, kFilterTables>,
                         kMaxFilterGroups> filter{};
  std::vector<WindowTable> windows;
  std::vector<LiteralEntry> entries;  // entry 0 agrees with nothing
  std::vector<Literal> literals;
};

[[nodiscard]] LiteralTable BuildLiteralTable(std::vector<Literal> literals);

// Share of a byte in English text, without regard to case; sums to about 1 over all bytes.
[[nodiscard]] double ByteShare(std::uint8_t byte);

}  // namespace assay::text::patterns
