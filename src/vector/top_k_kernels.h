// Dot products of a few queries with a tile of rows, by the widest instructions of this CPU.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::vector::internal {

// scores[q * rows + r] = queries[q] . rows[r]. One pair is summed in the same order whatever the
// other queries and rows are.
void FloatDots(const float* queries, std::size_t query_count, const float* rows,
               std::size_t row_count, std::size_t dim, float* scores);

// The same in integers, exact as long as dim * 128 * max|query| < 2^31.
void Int8Dots(const std::int16_t* queries, std::size_t query_count, const std::int8_t* rows,
              std::size_t row_count, std::size_t dim, std::int32_t* dots);

}  // namespace assay::vector::internal
