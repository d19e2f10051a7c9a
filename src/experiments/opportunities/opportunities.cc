#include "assay/experiments/opportunities.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "assay/core/parallel.h"
#include "assay/experiments/distributions.h"

#include "opportunities/series_internal.h"

namespace assay::experiments {
namespace {

constexpr std::size_t kFewest = 16;  // values of a series
constexpr double kConfidence = 0.95;
constexpr double kFalseDiscoveries = 0.01;
constexpr std::size_t kRecentPart = 20;  // the last twentieth may be an anomaly

// A test of one kind on one series; what is significant over all of them becomes an opportunity.
struct Candidate {
  Opportunity found;
  bool worth = false;  // in the direction that matters
};

Result<void> Check(const MetricSeries& metric) {
  const auto fail = [&](std::string_view what) {
    return Fail(Code::kInvalidArgument, fmt::format("metric '{}': {}", metric.name, what));
  };
  std::size_t there = 0;
  for (const double value : metric.values) {
    if (std::isinf(value) || std::fabs(value) > 1e140)
      return fail("a value is infinite or beyond 1e140");
    if (!std::isnan(value)) ++there;
  }
  if (there < kFewest) {
    return fail(fmt::format("has {} values; {} are the fewest that tell anything", there, kFewest));
  }
  if (!(metric.weight > 0) || std::isinf(metric.weight)) return fail("the weight must be positive");
  if (metric.target && !std::isfinite(*metric.target)) return fail("the target is not a number");
  for (const DriverSeries& driver : metric.drivers) {
    if (driver.values.size() != metric.values.size()) {
      return fail(fmt::format("driver '{}' has {} values in place of {}", driver.name,
                              driver.values.size(), metric.values.size()));
    }
    for (const double value : driver.values) {
      if (std::isinf(value) || std::fabs(value) > 1e140) {
        return fail(
            fmt::format("driver '{}' has a value that is infinite or beyond 1e140", driver.name));
      }
    }
  }
  return {};
}

struct Recent {
  double level = 0;  // mean of the last quarter, without season
  double error = 0;
  double df = 0;
};

Recent RecentLevel(const internal::Fit& fit) {
  const std::size_t begin = fit.plain.size() - std::max<std::size_t>(fit.plain.size() / 4, 4);
  double n = 0;
  Recent out;
  for (std::size_t i = begin; i < fit.plain.size(); ++i) {
    if (std::isnan(fit.plain[i])) continue;
    n += 1;
    out.level += (fit.plain[i] - out.level) / n;
  }
  if (n == 0) out.level = fit.level;
  out.error = n > 0 ? fit.deviation * std::sqrt(fit.inflation / n) : NAN;
  out.df = static_cast<double>(fit.n_base) - 2;
  return out;
}

class Finder {
 public:
  Finder(const MetricSeries& metric, std::uint32_t index)
      : metric_(metric),
        index_(index),
        recent_size_(std::max<std::size_t>(metric.values.size() / kRecentPart, 2)),
        baseline_(metric.values.size() - recent_size_),
        fit_(internal::FitSeries(metric.values, baseline_, metric.period)),
        recent_(RecentLevel(fit_)),
        // Gains are relative to the level; near 0 to the deviation.
        unit_(std::max(std::fabs(recent_.level), fit_.deviation)),
        good_(metric.direction == Direction::kIncrease ? 1 : -1) {}

  std::vector<Candidate> Find() {
    if (!(fit_.deviation >= 0) || !(unit_ > 0)) return {};
    Trend();
    Anomaly();
    if (metric_.target) Headroom();
    if (!metric_.drivers.empty()) {
      const std::vector<double> rest = internal::RestOf(metric_.values, metric_.period);
      for (std::size_t d = 0; d < metric_.drivers.size(); ++d) Elasticity(d, rest);
    }
    return std::move(found_);
  }

 private:
  // `gain` and `error` are in the metric's unit.
  void Add(OpportunityKind kind, double gain, double error, double df, std::string reason) {
    Candidate one;
    one.found.kind = kind;
    one.found.metric = index_;
    one.worth = gain > 0;
    const double factor = metric_.weight / unit_;
    one.found.impact = gain * factor;
    one.found.p = error > 0 ? StudentTTwoSided(gain / error, df) : (gain == 0 ? 1 : 0);
    const double half = error > 0 ? StudentTQuantile(0.5 + 0.5 * kConfidence, df) * error : 0;
    one.found.interval = {(gain - half) * factor, (gain + half) * factor};
    one.found.reason = std::move(reason);
    found_.push_back(std::move(one));
  }

  void Trend() {
    const double steps = static_cast<double>(metric_.values.size()) / 4;
    const double gain = -good_ * fit_.slope * steps;  // what is lost when it goes on
    const double error = fit_.deviation * std::sqrt(fit_.inflation / fit_.spread) * steps;
    Add(OpportunityKind::kTrend, gain, error, static_cast<double>(fit_.n_base) - 2,
        fmt::format("'{}' {} by {:.3g} a step, {:.1f} % of its level over the next {:.0f} steps",
                    metric_.name, fit_.slope > 0 ? "rises" : "falls", std::fabs(fit_.slope),
                    100 * std::fabs(gain) / unit_, steps));
  }

  void Anomaly() {
    double n = 0;
    double mean = 0;
    double middle = 0;
    for (std::size_t i = baseline_; i < fit_.rest.size(); ++i) {
      if (std::isnan(fit_.rest[i])) continue;
      n += 1;
      mean += (fit_.rest[i] - mean) / n;
      middle += (static_cast<double>(i) - middle) / n;
    }
    if (n == 0) return;
    const double reach = (middle - fit_.middle) * (middle - fit_.middle) / fit_.spread;
    // Neighbours agree: so few values in a row are hardly more than one.
    const double few = std::min(fit_.inflation, n) / n;
    const double error =
        fit_.deviation *
        std::sqrt(few + fit_.inflation * (1 / static_cast<double>(fit_.n_base) + reach));
    Add(OpportunityKind::kAnomaly, -good_ * mean, error, static_cast<double>(fit_.n_base) - 2,
        fmt::format(
            "the last {:.0f} values of '{}' are {:.3g} {} than trend and season predict ({:.1f} "
            "times its usual deviation)",
            n, metric_.name, std::fabs(mean), mean > 0 ? "higher" : "lower",
            std::fabs(mean) / std::max(fit_.deviation, 1e-300)));
  }

  void Headroom() {
    const double gap = good_ * (*metric_.target - recent_.level);
    Add(OpportunityKind::kHeadroom, gap, recent_.error, recent_.df,
        fmt::format("'{}' is at {:.4g}, its target at {:.4g}: {:.1f} % to go", metric_.name,
                    recent_.level, *metric_.target, 100 * gap / unit_));
  }

  // `rest` is the metric's own.
  void Elasticity(std::size_t index, std::span<const double> rest) {
    const DriverSeries& driver = metric_.drivers[index];
    const internal::Slope slope = internal::Regress(
        rest, internal::RestOf(driver.values, metric_.period), 2 + metric_.period);
    if (std::isnan(slope.error)) return;
    const double gain = std::fabs(slope.slope) * slope.driver_deviation;
    const bool raise = good_ * slope.slope > 0;
    Add(OpportunityKind::kElasticity, gain, slope.error * slope.driver_deviation, slope.df,
        fmt::format("'{}' moves by {:.3g} with each unit of '{}': {} that by {:.3g}, its usual "
                    "deviation, brings {:.1f} %",
                    metric_.name, slope.slope, driver.name, raise ? "raising" : "lowering",
                    slope.driver_deviation, 100 * gain / unit_));
    found_.back().found.driver = static_cast<std::uint32_t>(index);
  }

  const MetricSeries& metric_;
  std::uint32_t index_;
  std::size_t recent_size_;
  std::size_t baseline_;
  internal::Fit fit_;
  Recent recent_;
  double unit_;
  double good_;
  std::vector<Candidate> found_;
};

}  // namespace

std::string_view NameOf(OpportunityKind kind) {
  constexpr std::array<std::string_view, 4> kNames = {"trend", "anomaly", "headroom", "elasticity"};
  return kNames[static_cast<std::size_t>(kind)];
}

Result<std::vector<Opportunity>> IdentifyImprovementOpportunities(
    std::span<const MetricSeries> metrics_data) {
  for (const MetricSeries& metric : metrics_data) ASSAY_TRY(Check(metric));
  std::vector<std::vector<Candidate>> of_metric(metrics_data.size());
  core::ParallelFor(metrics_data.size(), 2, [&](std::size_t begin, std::size_t end) {
    for (std::size_t m = begin; m < end; ++m) {
      of_metric[m] = Finder(metrics_data[m], static_cast<std::uint32_t>(m)).Find();
    }
  });
  std::vector<Candidate> all;
  for (std::vector<Candidate>& part : of_metric) std::ranges::move(part, std::back_inserter(all));
  std::vector<double> p;
  for (const Candidate& one : all) p.push_back(one.found.p);
  const std::vector<double> adjusted = BenjaminiHochberg(p);
  std::vector<Opportunity> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].worth && adjusted[i] < kFalseDiscoveries) out.push_back(std::move(all[i].found));
  }
  std::ranges::stable_sort(out, std::greater(), &Opportunity::impact);
  return out;
}

}  // namespace assay::experiments
