#include <algorithm>
#include <array>
#include <functional>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "dashboard/json_internal.h"
#include "dashboard/metric_names_internal.h"

namespace assay::gateway::dashboard {
namespace {

namespace json = boost::json;
using telemetry::IntervalPoint;
using telemetry::MetricsSnapshot;
using telemetry::SeriesSnapshot;

using Read = double (*)(const IntervalPoint&);
double Value(const IntervalPoint& point) {
  return point.value;
}

std::string_view LabelOf(const SeriesSnapshot& series, std::string_view name) {
  const auto found =
      std::ranges::find(series.labels, name, &std::pair<std::string, std::string>::first);
  return found == series.labels.end() ? std::string_view() : std::string_view(found->second);
}

class Table {
 public:
  Table(const MetricsSnapshot& metrics, Range range) : metrics_(metrics), range_(range) {
    for (const SeriesSnapshot& series : metrics.series) {
      if (IsShown(series.name)) size_ = std::max(size_, Points(series).size());
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }

  // The sum over all series of that name that `fits` accepts, step by step, oldest first. A series
  // that began later than others has zeros before.
  template <typename Fits>
  [[nodiscard]] std::vector<double> Sum(std::string_view name, Fits fits, Read read = Value) const {
    std::vector<double> sums(size_, 0.0);
    for (const SeriesSnapshot& series : metrics_.series) {
      if (series.name != name || !fits(series)) continue;
      const std::vector<IntervalPoint>& points = Points(series);
      const std::size_t first = size_ - std::min(size_, points.size());
      for (std::size_t i = 0; i + first < size_; ++i) sums[first + i] += read(points[i]);
    }
    return sums;
  }

 private:
  static bool IsShown(std::string_view name) {
    return std::ranges::find(kShownMetrics, name) != kShownMetrics.end();
  }
  [[nodiscard]] const std::vector<IntervalPoint>& Points(const SeriesSnapshot& series) const {
    return range_ == Range::kHour ? series.minutes : series.seconds;
  }

  const MetricsSnapshot& metrics_;
  Range range_;
  std::size_t size_ = 0;
};

bool Any(const SeriesSnapshot& /*series*/) {
  return true;
}

auto With(std::string_view label, std::string_view value) {
  return [label, value](const SeriesSnapshot& series) { return LabelOf(series, label) == value; };
}

// The percentiles of one step; null where nothing was observed.
json::value Percentile(double seconds, double observations) {
  return observations > 0 ? json::value(seconds * 1e6) : json::value(nullptr);
}

}  // namespace

std::string TrafficJson(const MetricsSnapshot& metrics, Range range) {
  const Table table(metrics, range);
  const std::vector<double> requests = table.Sum(kRequests, Any);
  const std::vector<double> errors = table.Sum(kRequests, With(kSourceLabel, kErrorSource));
  std::array<std::vector<double>, kSources.size()> answered;
  for (std::size_t i = 0; i < kSources.size(); ++i) {
    answered[i] = table.Sum(kRequests, With(kSourceLabel, kSources[i]));
  }
  std::array<std::vector<double>, kVerdicts.size()> verdicts;
  for (std::size_t i = 0; i < kVerdicts.size(); ++i) {
    verdicts[i] = table.Sum(kVerdictCount, With(kVerdictLabel, kVerdicts[i]));
  }
  const auto saved = table.Sum(kSavedUsd, Any);
  const auto spent = table.Sum(kSpentUsd, Any);
  const auto prompt = table.Sum(kTokens, With(kTokenLabel, "prompt"));
  const auto completion = table.Sum(kTokens, With(kTokenLabel, "completion"));
  const auto observed = table.Sum(kLatency, Any);
  const auto p50 = table.Sum(kLatency, Any, [](const IntervalPoint& p) { return p.p50; });
  const auto p95 = table.Sum(kLatency, Any, [](const IntervalPoint& p) { return p.p95; });
  const auto p99 = table.Sum(kLatency, Any, [](const IntervalPoint& p) { return p.p99; });

  const std::int64_t step_ms = range == Range::kHour ? 60'000 : 1'000;
  json::array points;
  points.reserve(table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    json::object by_source;
    for (std::size_t s = 0; s < kSources.size(); ++s) by_source[kSources[s]] = answered[s][i];
    json::object by_verdict;
    for (std::size_t v = 0; v < kVerdicts.size(); ++v) by_verdict[kVerdicts[v]] = verdicts[v][i];
    const auto steps_back = static_cast<std::int64_t>(table.size() - 1 - i);
    points.push_back(json::object{{"t", metrics.unix_ms - steps_back * step_ms},
                                  {"requests", requests[i]},
                                  {"errors", errors[i]},
                                  {"answered", std::move(by_source)},
                                  {"p50_us", Percentile(p50[i], observed[i])},
                                  {"p95_us", Percentile(p95[i], observed[i])},
                                  {"p99_us", Percentile(p99[i], observed[i])},
                                  {"saved_nanousd", saved[i] * 1e9},
                                  {"spent_nanousd", spent[i] * 1e9},
                                  {"prompt_tokens", prompt[i]},
                                  {"completion_tokens", completion[i]},
                                  {"verdicts", std::move(by_verdict)}});
  }
  return json::serialize(json::object{
      {"now_ms", metrics.unix_ms}, {"step_ms", step_ms}, {"points", std::move(points)}});
}

}  // namespace assay::gateway::dashboard
