#include "bm25/scan_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bm25/scan_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::corpus::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

std::size_t TakeAbove(std::uint32_t* HWY_RESTRICT sums, std::size_t count, std::uint32_t threshold,
                      std::uint32_t* HWY_RESTRICT out, std::uint32_t* HWY_RESTRICT out_sums) {
  const hn::ScalableTag<std::uint32_t> tag;
  const std::size_t lanes = hn::Lanes(tag);
  const auto limit = hn::Set(tag, threshold);
  const auto zero = hn::Zero(tag);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i += lanes) {
    const auto above = hn::Gt(hn::Load(tag, sums + i), limit);
    if (HWY_UNLIKELY(!hn::AllFalse(tag, above))) {
      for (std::size_t at = i; at < i + lanes; ++at) {
        out[found] = static_cast<std::uint32_t>(at);
        out_sums[found] = sums[at];
        found += sums[at] > threshold ? 1 : 0;
      }
    }
    hn::Store(zero, tag, sums + i);
  }
  return found;
}

}  // namespace assay::corpus::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::corpus {
HWY_EXPORT(TakeAbove);

std::size_t TakeAbove(std::uint32_t* sums, std::size_t count, std::uint32_t threshold,
                      std::uint32_t* out, std::uint32_t* out_sums) {
  return HWY_DYNAMIC_DISPATCH(TakeAbove)(sums, count, threshold, out, out_sums);
}

}  // namespace assay::corpus
#endif
