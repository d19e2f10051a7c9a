// Scores of blocks of 4-bit codes against one query, by the widest instructions of this CPU.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace assay::vector::internal {

// 16 rows stand together: 16 scales, then 64 bytes for each group of 8 dimensions. Of the four
// bytes of row r in a group, byte b has dimension b in its low half and dimension 4 + b in its
// high. So one 32-bit lane belongs to one row, and no sum ever crosses lanes.
inline constexpr std::size_t kBlockRows = 16;
inline constexpr std::size_t kGroupDims = 8;
inline constexpr std::size_t kGroupBytes = 4 * kBlockRows;

[[nodiscard]] constexpr std::size_t BlockBytes(std::size_t dims) {
  return kBlockRows * sizeof(float) + dims / kGroupDims * kGroupBytes;
}

// A query rounded to 8 bits. A code c stands for the values c - 7.5 times the row's scale, so the
// dot product is row scale * (scale * sum(query * c) + offset).
struct CodeQuery {
  std::vector<std::int8_t> values;   // [dims], a multiple of 8
  std::vector<std::uint32_t> pairs;  // [dims / 2]: dimensions 0|2, 4|6, 1|3, 5|7 of each group
  std::vector<std::int8_t> lows;     // [dims / 2]: dimensions 0 to 3 of each group
  std::vector<std::int8_t> highs;    // [dims / 2]: dimensions 4 to 7
  float scale = 0;
  float offset = 0;
};

struct Survivor {
  float score = 0;
  std::uint32_t list = 0;
  std::uint32_t entry = 0;  // within the list
};

// Writes those of the `rows` first rows of `blocks` whose score, base + dot product, is above
// `threshold`; returns how many. Requires: room for `rows` at `out`.
std::size_t ScanBlocks(const CodeQuery& query, const std::uint8_t* blocks, std::size_t rows,
                       float base, float threshold, std::uint32_t list, Survivor* out);

// sum(query * c) of one row whose groups stand one behind the other, 4 bytes each.
std::int32_t CodeDot(const CodeQuery& query, const std::uint8_t* row);

// out[i] = query . rows[i] for scattered rows. One pair is summed in the same order whatever the
// others are. `next`, which may be null, is a row that is going to be asked for soon.
void GatherDots(const float* query, const float* const* rows, std::size_t count, std::size_t dim,
                const float* next, float* out);

}  // namespace assay::vector::internal
