// Method: lanes are centroids (pair_sums-inl.h), so the best of each lane is found at the end.
#include "nearest_kernels.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/coding/nearest_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "similarity/pair_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kTileBytes = 512 * 1024;  // of centroids, that stay in L2 for all points

// Panels of centroids. Absent ones get an infinite half square, so that they are never the nearest.
struct Layout {
  std::size_t pairs = 0;  // of vectors: panels
  std::vector<float> values;
  std::vector<float> half_squares;
};

Layout LayOut(const float* centroids, const float* half_squares, std::size_t count, std::size_t dim,
              std::size_t lanes) {
  Layout layout;
  const std::size_t width = 2 * lanes;
  layout.pairs = (count + width - 1) / width;
  layout.values.resize(layout.pairs * width * dim);
  layout.half_squares.assign(layout.pairs * width, std::numeric_limits<float>::infinity());
  std::copy_n(half_squares, count, layout.half_squares.begin());
  for (std::size_t c = 0; c < count; c += width) {
    PackPanel(centroids + c * dim, std::min(width, count - c), dim, lanes,
              layout.values.data() + c * dim);
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

void NearestCentroids(const float* points, std::size_t n, const float* centroids,
                      const float* half_squares, std::size_t count, std::size_t dim,
                      std::uint32_t* nearest) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const Layout layout = LayOut(centroids, half_squares, count, dim, lanes);
  const std::size_t padded = (n + kPairPoints - 1) / kPairPoints * kPairPoints;
  std::vector<float> best(padded * lanes, -std::numeric_limits<float>::infinity());
  std::vector<std::int32_t> best_at(padded * lanes);
  const std::size_t tile = std::max<std::size_t>(1, kTileBytes / (2 * lanes * dim * sizeof(float)));
  for (std::size_t begin = 0; begin < layout.pairs; begin += tile) {
    const std::size_t end = std::min(layout.pairs, begin + tile);
    for (std::size_t p = 0; p < n; p += kPairPoints) {
      std::array<const float*, kPairPoints> some;  // the last group repeats its last point
      for (std::size_t i = 0; i < kPairPoints; ++i) some[i] = points + std::min(p + i, n - 1) * dim;
      for (std::size_t pair = begin; pair < end; ++pair) {
        const float* halves = layout.half_squares.data() + pair * 2 * lanes;
        PairSums(d, some.data(), layout.values.data() + pair * 2 * lanes * dim, dim,
                 hn::Neg(hn::LoadU(d, halves)), hn::Neg(hn::LoadU(d, halves + lanes)),
                 [&](std::size_t i, auto s0, auto s1) HWY_ATTR {
                   Keep(d, pair, s0, s1, best.data() + (p + i) * lanes,
                        best_at.data() + (p + i) * lanes);
                 });
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
