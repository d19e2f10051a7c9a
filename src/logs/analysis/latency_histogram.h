// A histogram of durations whose counts can be added up in any order; see LatencySummary.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "assay/logs/analysis.h"

namespace assay::logs::internal {

class LatencyHistogram {
 public:
  // Requires: ns >= 0.
  void Add(std::int64_t ns) {
    if (counts_.empty()) counts_.resize(kBuckets);
    ++counts_[BucketOf(static_cast<std::uint64_t>(ns))];
    AddTotals(1, static_cast<double>(ns), ns, ns);
  }

  void Merge(const LatencyHistogram& other) {
    if (other.lines_ == 0) return;
    if (counts_.empty()) counts_.resize(kBuckets);
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    AddTotals(other.lines_, other.sum_ns_, other.min_ns_, other.max_ns_);
  }

  void Clear() {
    if (lines_ > 0) std::ranges::fill(counts_, 0);
    lines_ = 0;
    sum_ns_ = 0;
    min_ns_ = max_ns_ = 0;
  }

  [[nodiscard]] LatencySummary Summary() const {
    if (lines_ == 0) return {};
    return {lines_,         sum_ns_ / static_cast<double>(lines_),
            min_ns_,        Quantile(0.5),
            Quantile(0.9),  Quantile(0.95),
            Quantile(0.99), Quantile(0.999),
            max_ns_};
  }

 private:
  static constexpr unsigned kStepBits = 5;  // 32 steps in each power of two
  static constexpr unsigned kSteps = 1U << kStepBits;
  static constexpr std::size_t kBuckets = (63 - kStepBits + 1) * kSteps;

  static std::size_t BucketOf(std::uint64_t value) {
    if (value < kSteps) return value;
    const unsigned power = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
    return (std::size_t{power} << kStepBits) + static_cast<std::size_t>(value >> power);
  }
  // The middle of a bucket.
  static std::int64_t ValueOf(std::size_t bucket) {
    if (bucket < 2 * kSteps) return static_cast<std::int64_t>(bucket);
    const std::size_t power = (bucket >> kStepBits) - 1;
    const std::uint64_t low = ((bucket & (kSteps - 1)) + kSteps) << power;
    return static_cast<std::int64_t>(low + (std::uint64_t{1} << power) / 2);
  }
  // The smallest value that is not below a share `q` of all (nearest rank).
  [[nodiscard]] std::int64_t Quantile(double q) const {
    const auto exact = q * static_cast<double>(lines_);
    auto rank = static_cast<std::uint64_t>(exact);
    if (static_cast<double>(rank) < exact) ++rank;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen >= rank && seen > 0) return std::clamp(ValueOf(i), min_ns_, max_ns_);
    }
    return max_ns_;
  }
  void AddTotals(std::uint64_t lines, double sum_ns, std::int64_t min_ns, std::int64_t max_ns) {
    min_ns_ = lines_ == 0 ? min_ns : std::min(min_ns_, min_ns);
    max_ns_ = std::max(max_ns_, max_ns);
    lines_ += lines;
    sum_ns_ += sum_ns;
  }

  std::vector<std::uint64_t> counts_;  // empty until something is counted
  std::uint64_t lines_ = 0;
  double sum_ns_ = 0;
  std::int64_t min_ns_ = 0;
  std::int64_t max_ns_ = 0;
};

}  // namespace assay::logs::internal
