#include "upstream/policy/latency_window.h"

#include <algorithm>
#include <cmath>

namespace assay::gateway {

void LatencyWindow::Add(std::int64_t latency_ns) {
  const std::scoped_lock lock(mutex_);
  latencies_ns_[added_ % kSize] = latency_ns;
  ++added_;
}

std::int64_t LatencyWindow::Quantile(double quantile) const {
  std::array<std::int64_t, kSize> copy;
  std::size_t count = 0;
  {
    const std::scoped_lock lock(mutex_);
    count = std::min(added_, kSize);
    copy = latencies_ns_;
  }
  if (count < kMinimum) return -1;
  const auto rank = static_cast<std::ptrdiff_t>(std::ceil(quantile * static_cast<double>(count)));
  const auto place = copy.begin() + std::clamp<std::ptrdiff_t>(
                                        rank - 1, 0, static_cast<std::ptrdiff_t>(count) - 1);
  std::nth_element(copy.begin(), place, copy.begin() + static_cast<std::ptrdiff_t>(count));
  return *place;
}

}  // namespace assay::gateway
