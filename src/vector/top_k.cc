#include "assay/vector/top_k.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "best_hits_internal.h"
#include "top_k_kernels.h"

namespace assay::vector {
namespace {

constexpr std::size_t kTileBytes = 128 << 10;  // rows that stay in L2 while all queries pass
constexpr std::size_t kMaxTileRows = 1024;
constexpr std::size_t kQueriesPerPass = 64;  // their scores of one tile stay in L2, too

struct Shape {
  std::size_t queries;
  std::size_t rows;
  std::size_t dim;
};

Result<Shape> ShapeOf(std::size_t query_values, std::size_t row_values, std::size_t dim,
                      std::size_t k) {
  if (dim == 0 || dim > kMaxDim) {
    return Fail(Code::kOutOfRange, fmt::format("vectors of {} dimensions", dim));
  }
  if (k == 0 || k > kMaxTopK) {
    return Fail(Code::kOutOfRange, fmt::format("k is {}, allowed are 1 to {}", k, kMaxTopK));
  }
  if (query_values % dim != 0 || row_values % dim != 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} query values and {} row values are no vectors of {} dimensions",
                            query_values, row_values, dim));
  }
  const std::size_t rows = row_values / dim;
  if (rows >= kNoRow) {
    return Fail(Code::kOutOfRange, fmt::format("{} rows are too many for one matrix", rows));
  }
  return Shape{query_values / dim, rows, dim};
}

// Queries in 16 bits: value[i] = round(query[i] / scale), small enough that no sum overflows.
struct RoundedQueries {
  std::vector<std::int16_t> values;
  std::vector<float> scales;
};

RoundedQueries RoundQueries(std::span<const float> queries, std::size_t dim) {
  // |row value| <= 128, so dim * 128 * limit <= 2^31 - 1.
  const std::size_t limit = std::min<std::size_t>(32767, ((1U << 31U) - 1) / (128 * dim));
  RoundedQueries rounded;
  rounded.values.resize(queries.size());
  for (std::size_t begin = 0; begin < queries.size(); begin += dim) {
    const std::span<const float> query = queries.subspan(begin, dim);
    float largest = 0;
    for (const float value : query) largest = std::max(largest, std::abs(value));
    const float scale = largest / static_cast<float>(limit);
    // A query of zeros, or one so small that its scale is lost, scores 0 with every row.
    const float inverse = scale > 0 && std::isfinite(1 / scale) ? 1 / scale : 0;
    for (std::size_t i = 0; i < dim; ++i) {
      const long value = std::lrint(query[i] * inverse);
      const long bound = static_cast<long>(limit);
      rounded.values[begin + i] = static_cast<std::int16_t>(std::clamp(value, -bound, bound));
    }
    rounded.scales.push_back(scale);
  }
  return rounded;
}

// Runs all queries over the rows, a tile at a time. `score(q, q_count, r, r_count, out)` writes
// out[i * r_count + j] for query q + i and row r + j.
template <typename Score>
std::vector<Hit> Search(const Shape& shape, std::size_t k, std::size_t row_bytes,
                        const Score& score) {
  const std::size_t kept = std::min(k, shape.rows);
  std::vector<Hit> storage(shape.queries * kept);
  if (storage.empty()) return storage;
  const std::size_t tile = std::clamp<std::size_t>(kTileBytes / row_bytes & ~std::size_t{3}, 4,
                                                   std::min(kMaxTileRows, shape.rows + 3));
  std::vector<float> scores(std::min(shape.queries, kQueriesPerPass) * tile);
  std::vector<internal::BestHits> best;
  std::vector<Hit> hits;
  hits.reserve(storage.size());
  for (std::size_t q = 0; q < shape.queries; q += kQueriesPerPass) {
    const std::size_t q_count = std::min(kQueriesPerPass, shape.queries - q);
    best.clear();
    for (std::size_t i = 0; i < q_count; ++i) {
      best.emplace_back(std::span(storage).subspan((q + i) * kept, kept));
    }
    for (std::size_t r = 0; r < shape.rows; r += tile) {
      const std::size_t r_count = std::min(tile, shape.rows - r);
      score(q, q_count, r, r_count, scores.data());
      for (std::size_t i = 0; i < q_count; ++i) {
        best[i].Add(static_cast<std::uint32_t>(r), {&scores[i * r_count], r_count});
      }
    }
    for (internal::BestHits& one : best) {
      const std::span<const Hit> sorted = one.Sorted();
      hits.insert(hits.end(), sorted.begin(), sorted.end());
    }
  }
  return hits;
}

Result<std::vector<Hit>> WithoutEmptyPlaces(Result<std::vector<Hit>> hits) {
  if (hits) std::erase_if(*hits, [](const Hit& hit) { return hit.row == kNoRow; });
  return hits;
}

bool AllFinite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

}  // namespace

Result<std::vector<Hit>> TopKBatch(std::span<const float> queries, std::size_t dim,
                                   std::span<const float> rows, std::size_t k) {
  ASSAY_ASSIGN(const Shape shape, ShapeOf(queries.size(), rows.size(), dim, k));
  return Search(
      shape, k, dim * sizeof(float),
      [&](std::size_t q, std::size_t q_count, std::size_t r, std::size_t r_count, float* out) {
        internal::FloatDots(queries.data() + q * dim, q_count, rows.data() + r * dim, r_count, dim,
                            out);
      });
}

Result<std::vector<Hit>> TopKBatch(std::span<const float> queries, std::size_t dim,
                                   const Int8Rows& rows, std::size_t k) {
  ASSAY_ASSIGN(const Shape shape, ShapeOf(queries.size(), rows.values.size(), dim, k));
  if (rows.scales.size() != shape.rows) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} scales for {} rows", rows.scales.size(), shape.rows));
  }
  if (!AllFinite(queries)) {
    return Fail(Code::kInvalidArgument, "a query holds a value that is not finite");
  }
  const RoundedQueries rounded = RoundQueries(queries, dim);
  std::vector<std::int32_t> dots;
  return Search(
      shape, k, dim,
      [&](std::size_t q, std::size_t q_count, std::size_t r, std::size_t r_count, float* out) {
        dots.resize(std::max(dots.size(), q_count * r_count));
        internal::Int8Dots(rounded.values.data() + q * dim, q_count, rows.values.data() + r * dim,
                           r_count, dim, dots.data());
        for (std::size_t i = 0; i < q_count; ++i) {
          const float query_scale = rounded.scales[q + i];
          for (std::size_t j = i * r_count, row = r; row < r + r_count; ++j, ++row) {
            out[j] = static_cast<float>(dots[j]) * (query_scale * rows.scales[row]);
          }
        }
      });
}

Result<std::vector<Hit>> TopK(std::span<const float> query, std::span<const float> rows,
                              std::size_t k) {
  return WithoutEmptyPlaces(TopKBatch(query, query.size(), rows, k));
}

Result<std::vector<Hit>> TopK(std::span<const float> query, const Int8Rows& rows, std::size_t k) {
  return WithoutEmptyPlaces(TopKBatch(query, query.size(), rows, k));
}

Result<void> QuantizeRows(std::span<const float> rows, std::size_t dim,
                          std::span<std::int8_t> values, std::span<float> scales) {
  if (dim == 0 || rows.size() % dim != 0 || values.size() != rows.size() ||
      scales.size() != rows.size() / dim) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} floats of dimension {} do not fit {} bytes and {} scales",
                            rows.size(), dim, values.size(), scales.size()));
  }
  if (!AllFinite(rows)) {
    return Fail(Code::kInvalidArgument, "a row holds a value that is not finite");
  }
  for (std::size_t r = 0; r < scales.size(); ++r) {
    const std::span<const float> row = rows.subspan(r * dim, dim);
    float largest = 0;
    for (const float value : row) largest = std::max(largest, std::abs(value));
    scales[r] = largest / 127;
    const float inverse = scales[r] > 0 && std::isfinite(1 / scales[r]) ? 1 / scales[r] : 0;
    for (std::size_t i = 0; i < dim; ++i) {
      const long value = std::lrint(row[i] * inverse);
      values[r * dim + i] = static_cast<std::int8_t>(std::clamp(value, -127L, 127L));
    }
  }
  return {};
}

}  // namespace assay::vector
