// Dot products of some rows with two vectors of other rows, lanes being rows: no sum crosses lanes.
// Included once for each Highway target (so it has no ordinary include guard).
#if defined(ASSAY_VECTOR_PAIR_SUMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_VECTOR_PAIR_SUMS_INL
#undef ASSAY_VECTOR_PAIR_SUMS_INL
#else
#define ASSAY_VECTOR_PAIR_SUMS_INL
#endif

#include <algorithm>
#include <cstddef>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {

// Each value that is loaded serves two multiply-adds. Eight chains of them hide their latency;
// where there are 32 registers, 16 chains need fewer loads each.
#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON
#define ASSAY_EIGHT_POINTS 1
constexpr std::size_t kPairPoints = 8;
#else
#define ASSAY_EIGHT_POINTS 0
constexpr std::size_t kPairPoints = 4;
#endif

// A panel holds 2 * lanes rows: value d of row l at (l / lanes * dim + d) * lanes + l % lanes.
// Rows from `count` on are zeros. Shapes: rows [count * dim], panel [2 * lanes * dim].
HWY_INLINE void PackPanel(const float* HWY_RESTRICT rows, std::size_t count, std::size_t dim,
                          std::size_t lanes, float* HWY_RESTRICT panel) {
  for (std::size_t l = 0; l < 2 * lanes; ++l) {
    float* to = panel + l / lanes * lanes * dim + l % lanes;
    if (l < count) {
      for (std::size_t i = 0; i < dim; ++i) to[i * lanes] = rows[l * dim + i];
    } else {
      for (std::size_t i = 0; i < dim; ++i) to[i * lanes] = 0;
    }
  }
}

// Calls keep(p, s0, s1) for each of kPairPoints points: start0 and start1 plus the dot products
// with the panel's first and second half. Sums are plain variables because scalable vectors cannot
// stand in arrays.
template <class D, class V, class KeepSums>
HWY_INLINE void PairSums(D d, const float* const* points, const float* HWY_RESTRICT panel,
                         std::size_t dim, V start0, V start1, const KeepSums& keep) {
  namespace hn = hwy::HWY_NAMESPACE;
  const std::size_t lanes = hn::Lanes(d);
  const float* HWY_RESTRICT left = panel;
  const float* HWY_RESTRICT right = left + lanes * dim;
  auto a0 = start0, b0 = start0, c0 = start0, e0 = start0;
  auto a1 = start1, b1 = start1, c1 = start1, e1 = start1;
#if ASSAY_EIGHT_POINTS
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
#if ASSAY_EIGHT_POINTS
    add(4, f0, f1);
    add(5, g0, g1);
    add(6, h0, h1);
    add(7, k0, k1);
#endif
  }
  keep(0, a0, a1);
  keep(1, b0, b1);
  keep(2, c0, c1);
  keep(3, e0, e1);
#if ASSAY_EIGHT_POINTS
  keep(4, f0, f1);
  keep(5, g0, g1);
  keep(6, h0, h1);
  keep(7, k0, k1);
#endif
}

#undef ASSAY_EIGHT_POINTS

}  // namespace assay::vector::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // ASSAY_VECTOR_PAIR_SUMS_INL
