// Columns of the distance matrices of several patterns and one text, a pattern in each 64-bit lane.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace assay::text::internal {

// Rows of a matrix that are worked on together: 4 blocks of 64 keep their state in registers.
inline constexpr std::size_t kStripBlocks = 4;

// How many patterns one call takes; depends on the active SIMD target.
[[nodiscard]] std::size_t EditLanes();

// One strip of rows of `lanes` patterns against one text.
struct Strip {
  std::size_t blocks = 0;  // 1 to kStripBlocks
  // [rows][blocks][lanes]: bit r of masks[..] says that row r of the pattern is the symbol. The
  // first row is empty.
  const std::uint64_t* masks = nullptr;
  const std::uint32_t* row_of = nullptr;  // by symbol: first word of its row in `masks`
  std::span<const std::uint32_t> text;    // symbols
  // [text.size()][lanes]: what goes over from the strip above to the one below in each column.
  std::uint64_t* carry = nullptr;
};

// Vertical differences of the last column, [blocks][lanes]: +1 where a bit of `plus` is set, -1
// where one of `minus` is. `first`: the strip is the uppermost, `carry` is not read.
void LevenshteinStrip(const Strip& strip, bool first, std::uint64_t* plus, std::uint64_t* minus);

// Rows at which the longest common subsequence grows in the last column, [blocks][lanes], as bits
// that are 0 there.
void LcsStrip(const Strip& strip, bool first, std::uint64_t* rows);

}  // namespace assay::text::internal
