#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/text/utf8.h"

#include "pattern/series_internal.h"

namespace assay::consensus {
namespace {

namespace json = boost::json;

void CountPatterns(std::span<const Event> events, std::size_t top, PatternReport& report) {
  std::map<std::string_view, std::pair<std::uint64_t, double>> counts;
  for (const Event& event : events) {
    auto& [count, sum] = counts[event.pattern];
    ++count;
    sum += event.value;
  }
  const auto n = static_cast<double>(events.size());
  report.distinct = counts.size();
  report.repeated = 1 - static_cast<double>(counts.size()) / n;
  for (const auto& [pattern, tally] : counts) {
    const auto count = static_cast<double>(tally.first);
    report.entropy_bits -= count / n * std::log2(count / n);
    report.top.push_back({std::string(pattern), tally.first, count / n, tally.second / count});
  }
  std::ranges::stable_sort(report.top, std::ranges::greater(), &PatternCount::count);
  if (report.top.size() > top) report.top.resize(top);
}

Result<void> CheckEvents(std::span<const Event> events) {
  if (events.empty()) return Fail(Code::kInvalidArgument, "there are no events");
  if (events.size() > kMaxEvents) {
    return Fail(Code::kOutOfRange, fmt::format("{} events, at most {}", events.size(), kMaxEvents));
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!std::isfinite(events[i].time_s) || !std::isfinite(events[i].value)) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("event {}: time or value is not finite", i + 1));
    }
  }
  return {};
}

double Rounded(double value) {
  return value == 0 ? 0 : std::stod(fmt::format("{:.6g}", value));
}

}  // namespace

std::vector<std::uint32_t> internal::OrderByTime(std::span<const Event> events) {
  std::vector<std::uint32_t> order(events.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return events[i].time_s; });
  return order;
}

Result<PatternReport> AnalyzePatterns(std::span<const Event> events, std::size_t top) {
  ASSAY_TRY(CheckEvents(events));
  PatternReport report;
  report.events = events.size();
  CountPatterns(events, top, report);
  std::vector<double> times, values;
  for (const std::uint32_t i : internal::OrderByTime(events)) {
    times.push_back(events[i].time_s);
    values.push_back(events[i].value);
  }
  report.first_s = times.front();
  report.last_s = times.back();
  report.values = internal::StatisticsOf(values);
  report.geometry = internal::GeometryOf(times, values);
  report.periods = internal::PeriodsOf(times);
  const std::vector<std::size_t> levels = internal::LevelsOf(values);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const auto mean = [&](std::size_t begin, std::size_t end) {
      return std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(begin),
                             values.begin() + static_cast<std::ptrdiff_t>(end), 0.0) /
             static_cast<double>(end - begin);
    };
    const std::size_t begin = i == 0 ? 0 : levels[i - 1];
    const std::size_t end = i + 1 == levels.size() ? values.size() : levels[i + 1];
    report.changes.push_back(
        {levels[i], times[levels[i]], mean(begin, levels[i]), mean(levels[i], end)});
  }
  report.outliers = internal::OutliersOf(times, values, levels);
  return report;
}

json::object ToJson(const PatternReport& report) {
  json::array top, periods, changes, outliers;
  for (const PatternCount& one : report.top) {
    top.push_back({{"pattern", text::RepairUtf8(one.pattern)},
                   {"count", one.count},
                   {"share", Rounded(one.share)},
                   {"value_mean", Rounded(one.value_mean)}});
  }
  for (const Period& one : report.periods) {
    periods.push_back({{"seconds", Rounded(one.seconds)}, {"strength", Rounded(one.strength)}});
  }
  for (const ChangePoint& one : report.changes) {
    changes.push_back({{"index", one.index},
                       {"time_s", one.time_s},
                       {"before", Rounded(one.before)},
                       {"after", Rounded(one.after)}});
  }
  for (const Outlier& one : report.outliers) {
    outliers.push_back({{"index", one.index},
                        {"time_s", one.time_s},
                        {"value", one.value},
                        {"score", Rounded(one.score)}});
  }
  const ValueStatistics& v = report.values;
  const Geometry& g = report.geometry;
  return {{"events", report.events},
          {"distinct", report.distinct},
          {"repeated", Rounded(report.repeated)},
          {"entropy_bits", Rounded(report.entropy_bits)},
          {"first_s", report.first_s},
          {"last_s", report.last_s},
          {"top", std::move(top)},
          {"values",
           {{"mean", Rounded(v.mean)},
            {"deviation", Rounded(v.deviation)},
            {"median", Rounded(v.median)},
            {"spread", Rounded(v.spread)},
            {"least", v.least},
            {"most", v.most},
            {"low", Rounded(v.low)},
            {"high", Rounded(v.high)},
            {"skewness", Rounded(v.skewness)},
            {"kurtosis", Rounded(v.kurtosis)}}},
          {"geometry",
           {{"length", Rounded(g.length)},
            {"straightness", Rounded(g.straightness)},
            {"area", Rounded(g.area)},
            {"hull_area", Rounded(g.hull_area)},
            {"turning", Rounded(g.turning)},
            {"slope", Rounded(g.slope)}}},
          {"periods", std::move(periods)},
          {"changes", std::move(changes)},
          {"outliers", std::move(outliers)}};
}

}  // namespace assay::consensus
