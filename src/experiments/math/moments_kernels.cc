#include "math/moments_kernels.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/moments_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::experiments::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Four accumulators hide the latency of an addition.
HWY_INLINE double Sum(const double* HWY_RESTRICT from, std::size_t n) {
  const hn::ScalableTag<double> d;
  const std::size_t step = hn::Lanes(d);
  auto a = hn::Zero(d), b = hn::Zero(d), c = hn::Zero(d), e = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    a = hn::Add(a, hn::LoadU(d, from + i));
    b = hn::Add(b, hn::LoadU(d, from + i + step));
    c = hn::Add(c, hn::LoadU(d, from + i + 2 * step));
    e = hn::Add(e, hn::LoadU(d, from + i + 3 * step));
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
  for (; i < n; ++i) sum += from[i];
  return sum;
}

Moments TwoPasses(const double* HWY_RESTRICT from, std::size_t n) {
  const hn::ScalableTag<double> d;
  const std::size_t step = hn::Lanes(d);
  const double mean = Sum(from, n) / static_cast<double>(n);
  const auto center = hn::Set(d, mean);
  auto s0 = hn::Zero(d), s1 = hn::Zero(d), r0 = hn::Zero(d), r1 = hn::Zero(d);
  auto s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    const auto x0 = hn::Sub(hn::LoadU(d, from + i), center);
    const auto x1 = hn::Sub(hn::LoadU(d, from + i + step), center);
    const auto x2 = hn::Sub(hn::LoadU(d, from + i + 2 * step), center);
    const auto x3 = hn::Sub(hn::LoadU(d, from + i + 3 * step), center);
    s0 = hn::MulAdd(x0, x0, s0);
    s1 = hn::MulAdd(x1, x1, s1);
    s2 = hn::MulAdd(x2, x2, s2);
    s3 = hn::MulAdd(x3, x3, s3);
    r0 = hn::Add(r0, hn::Add(x0, x1));
    r1 = hn::Add(r1, hn::Add(x2, x3));
  }
  double squares = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  double rest = hn::GetLane(hn::SumOfLanes(d, hn::Add(r0, r1)));
  for (; i < n; ++i) {
    const double x = from[i] - mean;
    squares += x * x;
    rest += x;
  }
  const double correction = rest / static_cast<double>(n);
  // Of equal values the rounding of the mean is all there is.
  const double left = squares - rest * correction;
  return {mean + correction, left > 0 ? left : (left == left ? 0 : left)};
}

}  // namespace assay::experiments::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::experiments::internal {
HWY_EXPORT(TwoPasses);

Moments MomentsOf(std::span<const double> values) {
  if (values.empty()) return {};
  return HWY_DYNAMIC_DISPATCH(TwoPasses)(values.data(), values.size());
}

}  // namespace assay::experiments::internal
#endif
