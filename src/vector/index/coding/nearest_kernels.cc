// Method: lanes are centroids, so no sum crosses lanes and the best of each lane stays in a
// register. Blocks of 4 points x 2 vectors of centroids keep eight chains of multiply-adds going.
#include "nearest_kernels.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/coding/nearest_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kPoints = 4;
constexpr std::size_t kTileBytes = 512 * 1024;  // of centroids, that stay in L2 for all points

// Lane l of vector d of block b is value d of centroid b * lanes + l; blocks come in pairs. Absent
// centroids get an infinite half square, so that they are never the nearest.
struct Layout {
  std::size_t lanes = 1;
  std::size_t pairs = 0;
  std::vector<float> values;
  std::vector<float> half_squares;
};

Layout LayOut(const float* centroids, const float* half_squares, std::size_t count, std::size_t dim,
              std::size_t lanes) {
  Layout layout;
  layout.lanes = lanes;
  layout.pairs = (count + 2 * lanes - 1) / (2 * lanes);
  layout.values.resize(layout.pairs * 2 * lanes * dim);
  layout.half_squares.assign(layout.pairs * 2 * lanes, std::numeric_limits<float>::infinity());
  std::copy_n(half_squares, count, layout.half_squares.begin());
  for (std::size_t c = 0; c < count; ++c) {
    float* block = layout.values.data() + c / lanes * lanes * dim;
    for (std::size_t i = 0; i < dim; ++i) block[i * lanes + c % lanes] = centroids[c * dim + i];
  }
  return layout;
}

HWY_INLINE void ScorePair(const std::array<const float*, kPoints>& points, const Layout& layout,
                          std::size_t pair, std::size_t dim,
                          float* HWY_RESTRICT best,  // of each lane so far, [kPoints * lanes]

                          std::int32_t* HWY_RESTRICT best_at) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const std::size_t lanes = hn::Lanes(d);
  const float* HWY_RESTRICT left = layout.values.data() + pair * 2 * lanes * dim;
  const float* HWY_RESTRICT right = left + lanes * dim;
  const float* halves = layout.half_squares.data() + pair * 2 * lanes;
  const auto start0 = hn::Neg(hn::LoadU(d, halves));
  const auto start1 = hn::Neg(hn::LoadU(d, halves + lanes));
  auto a0 = start0, b0 = start0, c0 = start0, e0 = start0;
  auto a1 = start1, b1 = start1, c1 = start1, e1 = start1;
  for (std::size_t i = 0; i < dim; ++i) {
    const auto l = hn::LoadU(d, left + i * lanes);
    const auto r = hn::LoadU(d, right + i * lanes);
    const auto a = hn::Set(d, points[0][i]);
    const auto b = hn::Set(d, points[1][i]);
    const auto c = hn::Set(d, points[2][i]);
    const auto e = hn::Set(d, points[3][i]);
    a0 = hn::MulAdd(a, l, a0);
    a1 = hn::MulAdd(a, r, a1);
    b0 = hn::MulAdd(b, l, b0);
    b1 = hn::MulAdd(b, r, b1);
    c0 = hn::MulAdd(c, l, c0);
    c1 = hn::MulAdd(c, r, c1);
    e0 = hn::MulAdd(e, l, e0);
    e1 = hn::MulAdd(e, r, e1);
  }
  const auto first = hn::Iota(di, static_cast<std::int32_t>(pair * 2 * lanes));
  const auto second = hn::Add(first, hn::Set(di, static_cast<std::int32_t>(lanes)));
  const auto keep = [&](std::size_t p, auto s0, auto s1) HWY_ATTR {
    auto score = hn::LoadU(d, best + p * lanes);
    auto at = hn::LoadU(di, best_at + p * lanes);
    at = hn::IfThenElse(hn::RebindMask(di, hn::Gt(s0, score)), first, at);
    score = hn::Max(s0, score);
    at = hn::IfThenElse(hn::RebindMask(di, hn::Gt(s1, score)), second, at);
    score = hn::Max(s1, score);
    hn::StoreU(score, d, best + p * lanes);
    hn::StoreU(at, di, best_at + p * lanes);
  };
  keep(0, a0, a1);
  keep(1, b0, b1);
  keep(2, c0, c1);
  keep(3, e0, e1);
}

void NearestCentroids(const float* points, std::size_t n, const float* centroids,
                      const float* half_squares, std::size_t count, std::size_t dim,
                      std::uint32_t* nearest) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const Layout layout = LayOut(centroids, half_squares, count, dim, lanes);
  const std::size_t padded = (n + kPoints - 1) / kPoints * kPoints;
  std::vector<float> best(padded * lanes, -std::numeric_limits<float>::infinity());
  std::vector<std::int32_t> best_at(padded * lanes);
  const std::size_t tile = std::max<std::size_t>(1, kTileBytes / (2 * lanes * dim * sizeof(float)));
  for (std::size_t begin = 0; begin < layout.pairs; begin += tile) {
    const std::size_t end = std::min(layout.pairs, begin + tile);
    for (std::size_t p = 0; p < n; p += kPoints) {
      std::array<const float*, kPoints> some;  // the last group repeats its last point
      for (std::size_t i = 0; i < kPoints; ++i) some[i] = points + std::min(p + i, n - 1) * dim;
      for (std::size_t pair = begin; pair < end; ++pair) {
        ScorePair(some, layout, pair, dim, best.data() + p * lanes, best_at.data() + p * lanes);
      }
    }
  }
  for (std::size_t p = 0; p < n; ++p) {
    std::size_t at = p * lanes;
    for (std::size_t l = p * lanes; l < (p + 1) * lanes; ++l) {
      const bool better = best[l] > best[at] || (best[l] == best[at] && best_at[l] < best_at[at]);
      if (better) at = l;
    }
    nearest[p] = static_cast<std::uint32_t>(best_at[at]);
  }
}

}  // namespace assay::vector::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::vector::internal {

HWY_EXPORT(NearestCentroids);

void NearestCentroids(const float* points, std::size_t n, const float* centroids,
                      const float* half_squares, std::size_t count, std::size_t dim,
                      std::uint32_t* nearest) {
  HWY_DYNAMIC_DISPATCH(NearestCentroids)(points, n, centroids, half_squares, count, dim, nearest);
}

}  // namespace assay::vector::internal
#endif  // HWY_ONCE
