// Which bytes of a text part words, which are digits: one bit a byte.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace assay::logs::templates {

// Bit i % 64 of word i / 64 is byte i; the bits behind the text are delimiters, and there may be
// more words than the text needs.
struct ByteMasks {
  std::vector<std::uint64_t> delimiter;  // white space and =:,;()[]{}<>'"|@#&
  std::vector<std::uint64_t> digit;      // 0-9
  std::vector<std::uint64_t> dots;       // a dot with a dot behind it
};

// Overwrites what the text needs of `masks`, which only grow. About 20 GB/s.
void FindBytes(std::string_view text, ByteMasks& masks);

// The same, a byte at a time: what the kernels are compared with.
void FindBytesScalar(std::string_view text, ByteMasks& masks);

// The first bit at or behind `from` that is set in `bits ^ flip`; `end` if there is none before it.
[[nodiscard]] inline std::size_t NextBit(const std::vector<std::uint64_t>& bits, std::uint64_t flip,
                                         std::size_t from, std::size_t end) {
  if (from >= end) return end;
  std::size_t block = from / 64;
  std::uint64_t found = (bits[block] ^ flip) >> from % 64;
  if (found != 0) {
    const std::size_t at = from + static_cast<std::size_t>(std::countr_zero(found));
    return at < end ? at : end;
  }
  while (++block * 64 < end) {
    found = bits[block] ^ flip;
    if (found == 0) continue;
    const std::size_t at = block * 64 + static_cast<std::size_t>(std::countr_zero(found));
    return at < end ? at : end;
  }
  return end;
}

// Is one of the bits [begin, end) set? Requires: begin < end.
[[nodiscard]] inline bool AnyBit(const std::vector<std::uint64_t>& bits, std::size_t begin,
                                 std::size_t end) {
  const std::size_t shift = begin % 64;
  std::size_t block = begin / 64;
  std::uint64_t found = bits[block] >> shift;
  const std::size_t length = end - begin;
  if (shift + length <= 64) return found << (64 - length) != 0;
  for (const std::size_t last = (end - 1) / 64; ++block < last;) found |= bits[block];
  return (found | bits[block] << (63 - (end - 1) % 64)) != 0;
}

}  // namespace assay::logs::templates
