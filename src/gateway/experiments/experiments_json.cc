#include <algorithm>
#include <array>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "experiments/experiments_json_internal.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;

json::value Number(double value) {
  return std::isfinite(value) ? json::value(value) : json::value(nullptr);
}

Result<std::string> TextOf(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr) return std::string();
  if (!value->is_string() || value->get_string().empty() ||
      value->get_string().size() > kMaxOutcomeUnitBytes) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' must be a text of 1 to {} bytes.", name, kMaxOutcomeUnitBytes));
  }
  return std::string(value->get_string());
}

Result<double> ValueOf(std::string_view metric, const json::value& value) {
  if (value.is_bool()) return value.get_bool() ? 1.0 : 0.0;
  boost::system::error_code error;
  const auto number = value.is_number() ? value.to_number<double>(error) : std::nan("");
  if (error || !std::isfinite(number)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'values.{}' must be a number, true or false.", metric));
  }
  return number;
}

std::string_view DecisionOf(const ExperimentReport& report) {
  const experiments::ExperimentAnalysis& analysis = report.analysis;
  if (analysis.ratio_mismatch) return "broken_assignment";
  if (analysis.winner) return "winner";
  const bool harmful = !analysis.verdicts.empty() &&
                       std::ranges::all_of(analysis.verdicts, &experiments::VariantVerdict::harms);
  return harmful ? "harmful" : "undecided";
}

json::object SumJson(const experiments::OutcomeSum& sum) {
  const experiments::Summary summary = sum.summary();
  return {{"n", summary.n},
          {"mean", Number(summary.mean)},
          {"deviation", Number(std::sqrt(summary.variance))}};
}

json::array VariantsJson(const ExperimentReport& report) {
  json::array variants;
  for (std::size_t v = 0; v < report.variants.size(); ++v) {
    const VariantReport& variant = report.variants[v];
    json::object metrics;
    for (std::size_t m = 0; m < report.settings.metrics.size(); ++m) {
      metrics[report.settings.metrics[m].name] = SumJson(variant.outcomes[m]);
    }
    json::object measured;
    for (std::size_t i = 0; i < kMeasures; ++i) {
      measured[kMeasureNames[i]] = SumJson(variant.measures[i]);
    }
    json::object shown{
        {"name", report.settings.variants[v].name},
        {"share", report.settings.variants[v].share},
        {"units", variant.units},
        {"requests", variant.measures[static_cast<std::size_t>(Measure::kError)].state().n},
        {"metrics", std::move(metrics)},
        {"measured", std::move(measured)}};
    if (v > 0 && v - 1 < report.analysis.verdicts.size()) {
      shown["verdict"] = report.analysis.verdicts[v - 1].reason;
    }
    variants.push_back(std::move(shown));
  }
  return variants;
}

json::object ComparisonJson(const ExperimentReport& report, const experiments::Comparison& one) {
  const OutcomeSettings& metric = report.settings.metrics[one.metric];
  return {{"variant", report.settings.variants[one.variant].name},
          {"metric", metric.name},
          {"role", metric.role == OutcomeRole::kGoal ? "goal" : "guardrail"},
          {"direction", metric.direction == OutcomeDirection::kIncrease ? "increase" : "decrease"},
          {"n_control", one.n_control},
          {"n_variant", one.n_treatment},
          {"control", Number(one.control)},
          {"mean", Number(one.treatment)},
          {"effect", Number(one.test.effect)},
          {"low", Number(one.test.interval.low)},
          {"high", Number(one.test.interval.high)},
          {"relative", Number(one.relative)},
          {"p", Number(one.test.p)},
          {"p_adjusted", Number(one.p_adjusted)},
          {"significant", one.significant},
          {"better", one.better},
          {"worse", one.worse}};
}

}  // namespace

Result<ReportedOutcome> ReadOutcome(std::string_view body) {
  boost::system::error_code error;
  const json::value parsed = json::parse(body, error);
  if (error || !parsed.is_object()) {
    return Fail(Code::kInvalidArgument, "The body is not a JSON object.");
  }
  const json::object& object = parsed.get_object();
  static constexpr std::array<std::string_view, 3> kKnown = {"request_id", "unit", "values"};
  for (const auto& member : object) {
    if (std::ranges::find(kKnown, std::string_view(member.key())) == kKnown.end()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("'{}' is no member of an outcome; there are {}.",
                              std::string_view(member.key()), fmt::join(kKnown, ", ")));
    }
  }
  ReportedOutcome outcome;
  ASSAY_ASSIGN(outcome.request_id, TextOf(object, "request_id"));
  ASSAY_ASSIGN(outcome.unit, TextOf(object, "unit"));
  if (outcome.request_id.empty() == outcome.unit.empty()) {
    return Fail(Code::kInvalidArgument, "Name the 'request_id' or the 'unit', one of the two.");
  }
  const json::value* const values = object.if_contains("values");
  if (values == nullptr || !values->is_object() || values->get_object().empty() ||
      values->get_object().size() > kMaxMetrics) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'values' must be an object of 1 to {} metrics.", kMaxMetrics));
  }
  for (const auto& member : values->get_object()) {
    const std::string metric(member.key());
    ASSAY_ASSIGN(const double value, ValueOf(metric, member.value()));
    outcome.values.emplace_back(metric, value);
  }
  return outcome;
}

json::object ExperimentRow(const ExperimentReport& report) {
  json::array variants;
  std::int64_t units = 0;
  for (std::size_t v = 0; v < report.variants.size(); ++v) {
    variants.emplace_back(report.settings.variants[v].name);
    units += report.variants[v].units;
  }
  const auto& winner = report.analysis.winner;
  return {{"id", report.settings.name},
          {"running", report.running},
          {"stopped", report.stopped},
          {"variants", std::move(variants)},
          {"units", units},
          {"outcomes", report.outcomes},
          {"gateways", report.gateways},
          {"partial", report.partial},
          {"decision",
           {{"state", DecisionOf(report)},
            {"variant",
             winner ? json::value(report.settings.variants[*winner].name) : json::value(nullptr)},
            {"reason", report.analysis.reason}}}};
}

json::object ExperimentJson(const ExperimentReport& report) {
  json::object shown = ExperimentRow(report);
  shown["routes"] = json::value_from(report.settings.routes);
  shown["ramp"] = report.settings.ramp;
  shown["significance"] = report.settings.significance;
  shown["improvement"] = report.settings.improvement;
  shown["set_aside"] = report.set_aside;
  shown["lost"] = report.lost;
  shown["variants"] = VariantsJson(report);
  shown["assignment"] = {{"p", Number(report.analysis.ratio_mismatch_p)},
                         {"mismatch", report.analysis.ratio_mismatch}};
  json::array comparisons;
  for (const experiments::Comparison& one : report.analysis.comparisons) {
    comparisons.push_back(ComparisonJson(report, one));
  }
  shown["comparisons"] = std::move(comparisons);
  json::array history;
  for (const HistoryPoint& point : report.history) {
    history.push_back(json::object{{"at_ms", point.at_ms},
                                   {"outcomes", point.outcomes},
                                   {"variant", report.settings.variants[point.variant].name},
                                   {"metric", report.settings.metrics[point.metric].name},
                                   {"effect", Number(point.effect)},
                                   {"low", Number(point.interval.low)},
                                   {"high", Number(point.interval.high)}});
  }
  shown["history"] = std::move(history);
  return shown;
}

}  // namespace assay::gateway
