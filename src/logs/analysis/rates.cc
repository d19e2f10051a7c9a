#include "assay/logs/rates.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "assay/logs/log_format.h"

namespace assay::logs {
namespace {

constexpr std::size_t kMinStepsForBursts = 8;
constexpr std::size_t kMinStepsForChanges = 16;
constexpr std::size_t kWarmUp =
    8;  // steps that a mean is taken of before anything is compared with it
constexpr double kAlpha = 0.01;
constexpr double kLogsPerFalseAlarm = 100;
constexpr std::uint64_t kLeastBurst = 5;

// P(X >= count) of a Poisson variable; by the sum of the tail, or of what is below it.
double PoissonTail(double count, double mean) {
  if (count <= 0) return 1;
  if (mean <= 0) return 0;
  const double k = std::ceil(count);
  int sign = 0;  // std::lgamma keeps it in a variable of the process
  double term = std::exp(k * std::log(mean) - mean - ::lgamma_r(k + 1, &sign));
  double sum = 0;
  if (k > mean) {
    for (double i = k; term > 0 && term > sum * 1e-17; ++i) {
      sum += term;
      term *= mean / (i + 1);
    }
    return std::min(sum, 1.0);
  }
  for (double i = k; i > 0 && term > sum * 1e-17;) {
    term *= i-- / mean;
    sum += term;
  }
  return std::clamp(1 - sum, 0.0, 1.0);
}

struct Usual {
  double mean = 0;
  double dispersion = 1;  // variance over mean, at least 1
};

Usual UsualOf(const std::vector<double>& counts) {
  Usual out;
  const auto n = static_cast<double>(counts.size());
  out.mean = std::accumulate(counts.begin(), counts.end(), 0.0) / n;
  double squares = 0;
  for (const double count : counts) squares += (count - out.mean) * (count - out.mean);
  if (out.mean > 0 && n > 1) out.dispersion = std::max(1.0, squares / (n - 1) / out.mean);
  return out;
}

// Of the lowest nine tenths of the steps in which anything was logged.
Usual UsualErrors(const TimeSeries& series, const std::vector<std::uint64_t>& counts) {
  std::vector<double> steps;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto& levels = series.buckets[i];
    if (std::ranges::any_of(levels, [](std::uint64_t lines) { return lines > 0; })) {
      steps.push_back(static_cast<double>(counts[i]));
    }
  }
  if (steps.size() < kMinStepsForBursts) return {-1, 1};
  std::ranges::sort(steps);
  steps.resize(steps.size() - steps.size() / 10);
  Usual usual = UsualOf(steps);
  // Where nothing ever went wrong, one in all that time is the most that is known.
  usual.mean = std::max(usual.mean, 1.0 / static_cast<double>(steps.size()));
  return usual;
}

// A log-likelihood ratio that is summed up as long as it is above zero.
struct Cusum {
  double sum = 0;
  std::size_t since = 0;  // the step at which it last left zero

  void Add(double ratio, std::size_t step) {
    if (sum <= 0) since = step;
    sum = std::max(0.0, sum + ratio);
  }
};

std::vector<std::uint64_t> CountsFrom(const TimeSeries& series, std::size_t lowest_level) {
  std::vector<std::uint64_t> counts;
  counts.reserve(series.buckets.size());
  for (const auto& levels : series.buckets) {
    counts.push_back(std::accumulate(levels.begin() + static_cast<std::ptrdiff_t>(lowest_level),
                                     levels.end(), std::uint64_t{0}));
  }
  return counts;
}

double MeanRate(const TimeSeries& series, const std::vector<std::uint64_t>& counts,
                std::size_t begin, std::size_t end) {
  const auto sum =
      std::accumulate(counts.begin() + static_cast<std::ptrdiff_t>(begin),
                      counts.begin() + static_cast<std::ptrdiff_t>(end), std::uint64_t{0});
  return static_cast<double>(sum) / static_cast<double>(end - begin) /
         static_cast<double>(series.width_s);
}

// The first step in [begin, end) at which the rate changed for good; `end` for none.
std::size_t NextChange(const std::vector<std::uint64_t>& counts, std::size_t begin, std::size_t end,
                       double threshold) {
  if (end - begin <= kWarmUp) return end;
  std::vector<double> first(counts.begin() + static_cast<std::ptrdiff_t>(begin),
                            counts.begin() + static_cast<std::ptrdiff_t>(begin + kWarmUp));
  const double dispersion = UsualOf(first).dispersion;
  double sum = std::accumulate(first.begin(), first.end(), 0.0);
  Cusum up;
  Cusum down;
  for (std::size_t i = begin + kWarmUp; i < end; ++i) {
    const auto count = static_cast<double>(counts[i]);
    const auto seen = static_cast<double>(i - begin);
    const double mean = std::max(sum / seen, 0.5 / seen);
    // ln(L1 / L0) of the doubled and the halved rate.
    up.Add((count * std::log(2.0) - mean) / dispersion, i);
    down.Add((mean / 2 - count * std::log(2.0)) / dispersion, i);
    if (up.sum > threshold) return up.since;
    if (down.sum > threshold) return down.since;
    sum += count;
  }
  return end;
}

}  // namespace

std::vector<std::uint64_t> AllCounts(const TimeSeries& series) {
  return CountsFrom(series, 0);
}

std::vector<std::uint64_t> ErrorCounts(const TimeSeries& series) {
  return CountsFrom(series, static_cast<std::size_t>(LogLevel::kError));
}

std::vector<Burst> FindBursts(const TimeSeries& series, const std::vector<std::uint64_t>& counts) {
  std::vector<Burst> bursts;
  const Usual usual = UsualErrors(series, counts);
  if (usual.mean < 0) return bursts;
  const auto steps = static_cast<double>(counts.size());
  std::size_t last = 0;  // the step behind the last burst
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < kLeastBurst || static_cast<double>(counts[i]) <= usual.mean) continue;
    const double p_value =
        std::min(1.0, steps * PoissonTail(static_cast<double>(counts[i]) / usual.dispersion,
                                          usual.mean / usual.dispersion));
    if (p_value >= kAlpha) continue;
    const std::int64_t begin_s = series.begin_s + static_cast<std::int64_t>(i) * series.width_s;
    if (bursts.empty() || last != i) bursts.push_back({.begin_s = begin_s});
    Burst& burst = bursts.back();
    burst.end_s = begin_s + series.width_s;
    burst.count += counts[i];
    burst.expected += usual.mean;
    burst.p_value = std::min(burst.p_value, p_value);
    last = i + 1;
  }
  return bursts;
}

std::vector<RateChange> FindRateChanges(const TimeSeries& series,
                                        const std::vector<std::uint64_t>& counts) {
  std::vector<RateChange> changes;
  if (counts.size() < kMinStepsForChanges) return changes;
  const std::size_t end = counts.size() - 1;
  const double threshold = std::log(kLogsPerFalseAlarm * static_cast<double>(counts.size()));
  std::vector<std::size_t> at = {1};
  while (true) {
    const std::size_t next = NextChange(counts, at.back(), end, threshold);
    if (next >= end) break;
    at.push_back(next);
  }
  at.push_back(end);
  for (std::size_t i = 1; i + 1 < at.size(); ++i) {
    changes.push_back({series.begin_s + static_cast<std::int64_t>(at[i]) * series.width_s,
                       MeanRate(series, counts, at[i - 1], at[i]),
                       MeanRate(series, counts, at[i], at[i + 1])});
  }
  return changes;
}

}  // namespace assay::logs
