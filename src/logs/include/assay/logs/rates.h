// assay/logs/rates.h: how often something happens over time, and when that is out of the ordinary.
// Room: logs (uses core).  Threads: pure functions.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "assay/logs/log_format.h"

namespace assay::logs {

inline constexpr std::size_t kMaxTimeBuckets = 2048;

// Lines per level in equal steps of time. The width is the finest of a fixed list (1 s, 2 s, 10 s,
// 30 s, 1 min, 5 min, 10 min, 30 min, 1 h, 2 h, 6 h, 12 h, 1 d, 7 d, 28 d, 364 d, ...) with which
// all times fit into kMaxTimeBuckets, so it depends on the earliest and the latest time alone.
struct TimeSeries {
  std::int64_t begin_s = 0;  // since the Unix epoch, a multiple of the width
  std::int64_t width_s = 1;
  std::vector<std::array<std::uint64_t, kLogLevels>> buckets;

  friend bool operator==(const TimeSeries&, const TimeSeries&) = default;
};

// Steps in a row with far more than the usual number.
struct Burst {
  std::int64_t begin_s = 0;
  std::int64_t end_s = 0;  // behind the last step
  std::uint64_t count = 0;
  double expected = 0;  // in that time, at the usual rate
  double p_value = 1;   // of its most unlikely step, corrected for the number of steps

  friend bool operator==(const Burst&, const Burst&) = default;
};

// The rate was one thing before and is another after.
struct RateChange {
  std::int64_t at_s = 0;
  double before_per_s = 0;  // since the change before, or the begin
  double after_per_s = 0;   // until the next change, or the end

  friend bool operator==(const RateChange&, const RateChange&) = default;
};

// Bursts in `counts`, one for each step of `series`; steps in which nothing at all was logged say
// nothing about what is usual. The usual rate is the mean of the lowest nine tenths; a step is out
// of the ordinary where P(X >= count) of a Poisson variable, scaled by the dispersion of those
// steps (quasi-Poisson; McCullagh and Nelder 1989, 6.2) and corrected by Bonferroni, is below 0.01.
// Needs 8 steps; O(n log n). Requires: counts.size() == series.buckets.size().
[[nodiscard]] std::vector<Burst> FindBursts(const TimeSeries& series,
                                            const std::vector<std::uint64_t>& counts);

// When the rate at least doubled or halved for good: a two-sided CUSUM (Page 1954) of the Poisson
// log-likelihood ratio (Lucas 1985), scaled by the dispersion, against the mean since the change
// before. The threshold ln(100 n) bounds false alarms to one in a hundred logs (Lorden 1971). The
// first and the last step, which the log may fill only in part, are left out. Needs 16 steps; O(n).
// Requires: counts.size() == series.buckets.size().
[[nodiscard]] std::vector<RateChange> FindRateChanges(const TimeSeries& series,
                                                      const std::vector<std::uint64_t>& counts);

// Counts of all levels, or of errors and worse, for each step.
[[nodiscard]] std::vector<std::uint64_t> AllCounts(const TimeSeries& series);
[[nodiscard]] std::vector<std::uint64_t> ErrorCounts(const TimeSeries& series);

}  // namespace assay::logs
