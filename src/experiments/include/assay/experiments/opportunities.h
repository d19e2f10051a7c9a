// assay/experiments/opportunities.h: where a running system has most to gain.
// Room: experiments (uses core).  Threads: pure functions; uses all cores.
// JSON form of the input: docs/experiments.md.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/experiments/analysis.h"

namespace assay::experiments {

struct DriverSeries {
  std::string name = {};
  std::span<const double> values = {};  // beside the metric's, NaN where missing
};

// Values at equal distances in time, oldest first.
struct MetricSeries {
  std::string name = {};
  std::span<const double> values = {};  // NaN where missing; at least 16 must be there
  Direction direction = Direction::kIncrease;
  std::optional<double> target = {};
  std::size_t period = 0;  // values a season (24 for hourly values); 0 or 1: none
  double weight = 1;       // of this metric's relative changes against the other metrics'
  std::vector<DriverSeries> drivers = {};
};

enum class OpportunityKind : std::uint8_t { kTrend, kAnomaly, kHeadroom, kElasticity };
[[nodiscard]] std::string_view NameOf(OpportunityKind kind);

struct Opportunity {
  OpportunityKind kind = OpportunityKind::kTrend;
  std::uint32_t metric = 0;             // index
  std::optional<std::uint32_t> driver;  // of the metric; kElasticity only
  double impact = 0;  // expected gain, relative to the metric's recent level, times its weight
  Interval interval;  // of the impact, 95 %
  double p = 1;       // that there is nothing
  std::string reason;
};

// What each kind means, and what its impact is:
//   trend: the metric worsens steadily; the loss of a quarter of the series' length to come.
//   anomaly: the last twentieth of the values is worse than trend and season predict; the
//   difference. headroom: the last quarter's level misses the target; the gap. elasticity: the
//   metric moves with a driver; what one standard deviation of the driver brings.
// Method: per series a line and the medians of the seasons' phases, fitted to all but the last
// twentieth, outliers pulled in to 3 robust deviations; standard errors widened for autocorrelation
// (Newey and West 1987). What is found over all series and kinds keeps to a false discovery rate of
// 1 % (Benjamini and Hochberg). Largest impact first; equal ones in the order of metrics. O(total
// values). Errors: kInvalidArgument naming the metric: infinite values, fewer than 16, drivers of
// another length, a weight that is not positive.
[[nodiscard]] Result<std::vector<Opportunity>> IdentifyImprovementOpportunities(
    std::span<const MetricSeries> metrics_data);

struct MetricsDocument {
  std::vector<MetricSeries> metrics;
  std::vector<std::vector<double>> values;  // what the spans point into
};
[[nodiscard]] Result<MetricsDocument> ReadMetrics(std::string_view json, std::string_view file);

}  // namespace assay::experiments
