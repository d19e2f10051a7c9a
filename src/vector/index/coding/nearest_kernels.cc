// Method: lanes are centroids, so no sum crosses lanes and the best of each lane stays in a
// register. Blocks of 4 points x 2 vectors of centroids keep eight chains of multiply-adds going;
// where there are 32 registers, 8 points make 16 chains of fewer loads each.
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

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
#define ASSAY_WIDE_BLOCKS 1
constexpr std::size_t kPoints = 8;
#else
#define ASSAY_WIDE_BLOCKS 0
constexpr std::size_t kPoints = 4;
#endif
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

// Keeps the better of what one point had in each lane and its scores with a pair of vectors.
template <class D, class V = hn::VFromD<D>>
HWY_INLINE void Keep(D d, std::size_t pair, V s0, V s1, float* HWY_RESTRICT best,
                     std::int32_t* HWY_RESTRICT best_at) {
  const hn::RebindToSigned<D> di;
  const auto lanes = static_cast<std::int32_t>(hn::Lanes(d));
  const auto first = hn::Iota(di, static_cast<std::int32_t>(pair) * 2 * lanes);
  const auto second = hn::Add(first, hn::Set(di, lanes));
  auto score = hn::LoadU(d, best);
  auto at = hn::LoadU(di, best_at);
  at = hn::IfThenElse(hn::RebindMask(di, hn::Gt(s0, score)), first, at);
  score = hn::Max(s0, score);
  at = hn::IfThenElse(hn::RebindMask(di, hn::Gt(s1, score)), second, at);
  score = hn::Max(s1, score);
  hn::StoreU(score, d, best);
  hn::StoreU(at, di, best_at);
}

// kPoints points with a pair of vectors of centroids. best and best_at: of each lane so far,
// [kPoints * lanes]. Sums are plain variables because scalable vectors cannot stand in arrays.
HWY_INLINE void ScorePair(const float* const* points, const Layout& layout, std::size_t pair,
                          std::size_t dim, float* HWY_RESTRICT best,
                          std::int32_t* HWY_RESTRICT best_at) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const float* HWY_RESTRICT left = layout.values.data() + pair * 2 * lanes * dim;
  const float* HWY_RESTRICT right = left + lanes * dim;
  const float* halves = layout.half_squares.data() + pair * 2 * lanes;
  const auto start0 = hn::Neg(hn::LoadU(d, halves));
  const auto start1 = hn::Neg(hn::LoadU(d, halves + lanes));
  auto a0 = start0, b0 = start0, c0 = start0, e0 = start0;
  auto a1 = start1, b1 = start1, c1 = start1, e1 = start1;
#if ASSAY_WIDE_BLOCKS
  auto f0 = start0, g0 = start0, h0 = start0, k0 = start0;
  auto f1 = start1, g1 = start1, h1 = start1, k1 = start1;
#endif
  for (std::size_t i = 0; i < dim; ++i) {
    const auto l = hn::LoadU(d, left + i * lanes);
    const auto r = hn::LoadU(d, right + i * lanes);
    const auto add = [&](std::size_t p, auto& s0, auto& s1) HWY_ATTR {
      const auto v = hn::Set(d, points[p][i]);
      s0 = hn::MulAdd(v, l, s0);
      s1 = hn::MulAdd(v, r, s1);
    };
    add(0, a0, a1);
    add(1, b0, b1);
    add(2, c0, c1);
    add(3, e0, e1);
#if ASSAY_WIDE_BLOCKS
    add(4, f0, f1);
    add(5, g0, g1);
    add(6, h0, h1);
    add(7, k0, k1);
#endif
  }
  const auto keep = [&](std::size_t p, auto s0, auto s1)
                        HWY_ATTR { Keep(d, pair, s0, s1, best + p * lanes, best_at + p * lanes); };
  keep(0, a0, a1);
  keep(1, b0, b1);
  keep(2, c0, c1);
  keep(3, e0, e1);
#if ASSAY_WIDE_BLOCKS
  keep(4, f0, f1);
  keep(5, g0, g1);
  keep(6, h0, h1);
  keep(7, k0, k1);
#endif
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
        ScorePair(some.data(), layout, pair, dim, best.data() + p * lanes,
                  best_at.data() + p * lanes);
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

#undef ASSAY_WIDE_BLOCKS
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
