// assay/vector/top_k.h: exact nearest rows of a row-major matrix, and similarities of all its rows.
// Room: vector (uses core).  Threads: pure functions, safe on shared input.
// Method: SIMD dot products over tiles of rows, then a bounded heap (Knuth, TAOCP 3, 5.2.3); time
// O(queries * rows * dim + rows * log k), extra space O(queries * k).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "assay/core/result.h"

namespace assay::vector {

inline constexpr std::size_t kMaxTopK = 4096;        // keeps the heap inside L2
inline constexpr std::size_t kMaxDim = 1 << 16;      // keeps int8 sums inside 32 bits
inline constexpr std::uint32_t kNoRow = 0xFFFFFFFF;  // an empty place of a batched result

// A row and its dot product with the query: the cosine where all vectors have length 1.
struct Hit {
  std::uint32_t row = 0;  // 0-based
  float score = 0;        // larger is nearer
};

// Rows of 8-bit integers, each with the factor that restores it: row r is values[r] * scales[r].
struct Int8Rows {
  std::span<const std::int8_t> values;  // [n * dim] row-major, any alignment
  std::span<const float> scales;        // [n]
};

// The k nearest rows (all of them if there are fewer), best first; equal scores in row order.
// Shapes: query [dim]; rows [n * dim] row-major, any alignment, mapped memory is fine. A row with a
// score that is not a number is never returned. Float scores may differ in their last bits between
// CPUs, not between single and batched calls; int8 scores are the same on every CPU.
// Errors: kInvalidArgument if the shapes do not fit; kOutOfRange if k is 0 or above kMaxTopK, dim
// is 0 or above kMaxDim, or n is above 2^32 - 2.
[[nodiscard]] Result<std::vector<Hit>> TopK(std::span<const float> query,
                                            std::span<const float> rows, std::size_t k);

// The same over int8 rows. The query is rounded to 16 bits: for dim up to 1024 a score differs from
// the dot product with the restored rows by less than 1e-3 times the two lengths, typically by
// 1e-5. Errors: also kInvalidArgument if a query value is not finite.
[[nodiscard]] Result<std::vector<Hit>> TopK(std::span<const float> query, const Int8Rows& rows,
                                            std::size_t k);

// Many queries in one pass over the rows, which is several times faster than one call each.
// Shapes: queries [m * dim]; the result holds min(k, n) hits per query, query by query. Where fewer
// rows have a number as score, the last places hold kNoRow and minus infinity.
[[nodiscard]] Result<std::vector<Hit>> TopKBatch(std::span<const float> queries, std::size_t dim,
                                                 std::span<const float> rows, std::size_t k);
[[nodiscard]] Result<std::vector<Hit>> TopKBatch(std::span<const float> queries, std::size_t dim,
                                                 const Int8Rows& rows, std::size_t k);

// Rounds float rows to 8 bits, each row by its own largest magnitude / 127; a row of zeros gets
// scale 0. Shapes: rows and values [n * dim], scales [n].
// Errors: kInvalidArgument if the shapes do not fit or a value is not finite.
[[nodiscard]] Result<void> QuantizeRows(std::span<const float> rows, std::size_t dim,
                                        std::span<std::int8_t> values, std::span<float> scales);

// All dot products of the rows with each other: out[i * n + j] = rows[i] . rows[j], bit for bit the
// same as [j * n + i]; they may differ from TopK's in their last bits. On all cores, each pair
// once. Both matrices may be of any memory, e.g. of NumPy arrays in C order; a copy of `rows` is
// held meanwhile. Shapes: rows [n * dim], out [n * n]. Errors: kInvalidArgument if the shapes do
// not fit; kOutOfRange for dim.
[[nodiscard]] Result<void> SimilarityMatrix(std::span<const float> rows, std::size_t dim,
                                            std::span<float> out);

// For each row the k others with the largest dot product, best first, equal ones in row order;
// without the matrix in memory. Where there are fewer, the last places hold kNoRow and minus
// infinity. Shapes: rows [n * dim], similar and scores [n * k].
// Errors: as SimilarityMatrix; kOutOfRange if k is 0 or above kMaxTopK.
[[nodiscard]] Result<void> MostSimilarRows(std::span<const float> rows, std::size_t dim,
                                           std::size_t k, std::span<std::uint32_t> similar,
                                           std::span<float> scores);

}  // namespace assay::vector
