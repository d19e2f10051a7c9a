#include "similarity_kernels.h"

#include <algorithm>
#include <array>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "similarity/similarity_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "similarity/pair_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

std::size_t PanelRows() {
  return 2 * hn::Lanes(hn::ScalableTag<float>());
}

void PackRows(const float* rows, std::size_t count, std::size_t dim, float* panel) {
  PackPanel(rows, count, dim, hn::Lanes(hn::ScalableTag<float>()), panel);
}

void PanelDots(const float* points, std::size_t count, const float* panel, std::size_t dim,
               float* out) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t p = 0; p < count; p += kPairPoints) {
    std::array<const float*, kPairPoints> some;  // the last group repeats its last point
    for (std::size_t i = 0; i < kPairPoints; ++i)
      some[i] = points + std::min(p + i, count - 1) * dim;
    PairSums(d, some.data(), panel, dim, hn::Zero(d), hn::Zero(d),
             [&](std::size_t i, auto s0, auto s1) HWY_ATTR {
               if (p + i >= count) return;
               hn::StoreU(s0, d, out + (p + i) * 2 * lanes);
               hn::StoreU(s1, d, out + (p + i) * 2 * lanes + lanes);
             });
  }
}

}  // namespace assay::vector::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::vector::internal {

HWY_EXPORT(PanelRows);
HWY_EXPORT(PackRows);
HWY_EXPORT(PanelDots);

std::size_t PanelRows() {
  return HWY_DYNAMIC_DISPATCH(PanelRows)();
}

void PackRows(const float* rows, std::size_t count, std::size_t dim, float* panel) {
  HWY_DYNAMIC_DISPATCH(PackRows)(rows, count, dim, panel);
}

void PanelDots(const float* points, std::size_t count, const float* panel, std::size_t dim,
               float* out) {
  HWY_DYNAMIC_DISPATCH(PanelDots)(points, count, panel, dim, out);
}

}  // namespace assay::vector::internal
#endif  // HWY_ONCE
