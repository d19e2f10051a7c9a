#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "coder_internal.h"

namespace assay::vector::internal {
namespace {

// Of a row's largest magnitude, what the outermost code stands for; the best of these is taken
// (the exact search of arXiv 2409.09913, section 4, is no better by more than 1% of the error).
constexpr float kGrids[] = {0.40F, 0.46F, 0.52F, 0.58F, 0.64F, 0.70F,
                            0.76F, 0.82F, 0.88F, 0.94F, 1.0F};
constexpr float kHalfCodes = 8;  // codes 0 to 15 stand for -7.5 to 7.5
constexpr float kOffset = 7.5F;

// Cut off rather than floored: what is cut is positive, and vectors of any CPU can do it.
float Rounded(float value) {
  return static_cast<float>(
      static_cast<std::int32_t>(std::min(std::max(value + kHalfCodes, 0.0F), 15.0F)));
}

// The cosine of the values with their codes on a grid, times the values' length.
float Agreement(std::span<const float> values, float inverse) {
  std::array<float, kGroupDims> dots = {};
  std::array<float, kGroupDims> squares = {};
  for (std::size_t first = 0; first < values.size(); first += kGroupDims) {
    for (std::size_t i = 0; i < kGroupDims; ++i) {  // lanes of vectors
      const float code = Rounded(values[first + i] * inverse) - kOffset;
      dots[i] += code * values[first + i];
      squares[i] += code * code;
    }
  }
  float dot = 0;
  float square = 0;
  for (std::size_t i = 0; i < kGroupDims; ++i) {
    dot += dots[i];
    square += squares[i];
  }
  return dot / std::sqrt(square);
}

}  // namespace

float EncodeGroupCodes(std::span<const float> values, std::span<std::uint8_t> codes) {
  float largest = 0;
  double square = 0;
  for (const float v : values) {
    largest = std::max(largest, std::abs(v));
    square += double{v} * v;
  }
  std::ranges::fill(codes, std::uint8_t{0});
  if (!(largest > 0) || !std::isfinite(largest) || !std::isfinite(square)) return 0;
  float best = -1;
  float chosen = 0;
  for (const float grid : kGrids) {
    const float inverse = kOffset / (largest * grid);
    const float agreement = Agreement(values, inverse);
    if (agreement <= best) continue;
    best = agreement;
    chosen = inverse;
  }
  double dot = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float code = Rounded(values[i] * chosen);
    dot += (double{code} - kOffset) * values[i];
    const std::size_t within = i % kGroupDims;
    codes[i / kGroupDims * 4 + within % 4] |=
        static_cast<std::uint8_t>(static_cast<unsigned>(code) << (within < 4 ? 0U : 4U));
  }
  const double scale = square / dot;
  return std::isfinite(scale) ? static_cast<float>(scale) : 0;
}

void MakeCodeQuery(std::span<const float> values, CodeQuery& query) {
  query.scale = 0;
  query.offset = 0;
  query.values.resize(values.size());
  query.pairs.resize(values.size() / 2);
  query.lows.resize(values.size() / 2);
  query.highs.resize(values.size() / 2);
  float largest = 0;
  for (const float v : values) largest = std::max(largest, std::abs(v));
  constexpr float kLargestValue = 127;
  query.scale = largest / kLargestValue;
  if (!(query.scale > 0) || !std::isfinite(query.scale)) {
    query.scale = 0;  // all codes count for nothing
    return;
  }
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    query.values[i] = static_cast<std::int8_t>(std::lrintf(values[i] / query.scale));
    sum += query.values[i];
  }
  query.offset = -kOffset * static_cast<float>(sum) * query.scale;
  for (std::size_t g = 0; g < values.size(); g += kGroupDims) {
    for (std::size_t i = 0; i < kGroupDims; ++i) {
      (i < 4 ? query.lows : query.highs)[g / 2 + i % 4] = query.values[g + i];
    }
  }
  constexpr std::size_t kFirst[] = {0, 4, 1, 5};
  for (std::size_t p = 0; p < query.pairs.size(); ++p) {
    const std::size_t at = p / 4 * kGroupDims + kFirst[p % 4];
    const auto low = static_cast<std::uint16_t>(query.values[at]);
    const auto high = static_cast<std::uint16_t>(query.values[at + 2]);
    query.pairs[p] = std::uint32_t{low} | std::uint32_t{high} << 16;
  }
}

void StoreInBlock(std::uint8_t* blocks, std::size_t dims, std::size_t entry, float scale,
                  std::span<const std::uint8_t> codes) {
  std::uint8_t* block = blocks + entry / kBlockRows * BlockBytes(dims);
  const std::size_t place = entry % kBlockRows;
  std::memcpy(block + place * sizeof(float), &scale, sizeof(scale));
  std::uint8_t* groups = block + kBlockRows * sizeof(float) + 4 * place;
  for (std::size_t g = 0; g < dims / kGroupDims; ++g) {
    std::memcpy(groups + g * kGroupBytes, codes.data() + 4 * g, 4);
  }
}

void MoveInBlocks(std::uint8_t* blocks, std::size_t dims, std::size_t from, std::size_t to) {
  const std::uint8_t* block = blocks + from / kBlockRows * BlockBytes(dims);
  const std::size_t place = from % kBlockRows;
  float scale = 0;
  std::memcpy(&scale, block + place * sizeof(float), sizeof(scale));
  std::vector<std::uint8_t> codes(dims / 2);
  const std::uint8_t* groups = block + kBlockRows * sizeof(float) + 4 * place;
  for (std::size_t g = 0; g < dims / kGroupDims; ++g) {
    std::memcpy(codes.data() + 4 * g, groups + g * kGroupBytes, 4);
  }
  StoreInBlock(blocks, dims, to, scale, codes);
}

Coder::Coder(Projection projection, std::vector<float> centroids)
    : projection_(std::move(projection)),
      centroids_(std::move(centroids)),
      half_squares_(HalfSquares(centroids_, projection_.dims())) {
  const std::size_t dims = projection_.dims();
  const std::size_t blocks = (lists() + kBlockRows - 1) / kBlockRows;
  blocks_.resize(blocks * BlockBytes(dims));
  std::vector<std::uint8_t> codes(dims / 2);
  for (std::size_t c = 0; c < lists(); ++c) {
    const float scale = EncodeGroupCodes({Centroid(c), dims}, codes);
    StoreInBlock(blocks_.data(), dims, c, scale, codes);
  }
}

std::size_t Coder::resident_bytes() const {
  return (projection_.directions.size() + centroids_.size() + half_squares_.size()) *
             sizeof(float) +
         blocks_.size();
}

EncodedRow Coder::Encode(std::span<const float> row) const {
  std::vector<float> head(projection_.dims());
  projection_.Project(row, head);
  std::uint32_t list = 0;
  Assign(head, {&list, 1});
  return EncodeHead(head, list);
}

EncodedRow Coder::EncodeHead(std::span<const float> head, std::uint32_t list) const {
  std::vector<float> rest(head.begin(), head.end());
  const float* centroid = Centroid(list);
  for (std::size_t i = 0; i < rest.size(); ++i) rest[i] -= centroid[i];
  EncodedRow row;
  row.list = list;
  row.front.resize(projection_.front / 2);
  row.back.resize(projection_.back / 2);
  row.front_scale = EncodeGroupCodes(std::span(rest).first(projection_.front), row.front);
  row.back_scale = EncodeGroupCodes(std::span(rest).subspan(projection_.front), row.back);
  return row;
}

}  // namespace assay::vector::internal
