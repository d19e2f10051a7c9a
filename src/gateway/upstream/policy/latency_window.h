// upstream/policy/latency_window.h: a quantile of the latest latencies.
// Room: gateway (private).  Threads: safe.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace assay::gateway {

// Remembers the last 128. Too few to be sure of less than 1 in 100, enough to follow an upstream
// that changes.
class LatencyWindow {
 public:
  static constexpr std::size_t kSize = 128;
  static constexpr std::size_t kMinimum = 16;  // below so many there is no quantile

  void Add(std::int64_t latency_ns);
  // The latency that a share `quantile` in [0, 1] of those remembered does not exceed (nearest
  // rank); -1 while there are too few. O(kSize).
  [[nodiscard]] std::int64_t Quantile(double quantile) const;

 private:
  mutable std::mutex mutex_;
  std::array<std::int64_t, kSize> latencies_ns_ = {};
  std::size_t added_ = 0;
};

}  // namespace assay::gateway
