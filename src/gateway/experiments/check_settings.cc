// What must hold of the settings' experiments beyond single values.
#include <algorithm>

#include <fmt/format.h>

#include "assay/config/reader.h"
#include "assay/experiments/live.h"

#include "experiments/definition_internal.h"
#include "openai/edit_internal.h"
#include "settings/walk.h"

namespace assay::gateway::settings {
namespace {

using Report = std::function<void(const Path&, const std::string&)>;

bool Alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// What may stand in a header, a path and a file's name.
bool ValidName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && Alphanumeric(name[0]) &&
         std::ranges::all_of(
             name, [](char c) { return Alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

void CheckName(const Path& path, const Report& report) {
  if (!ValidName(path.back())) {
    report(path, "a name has letters, digits, '-', '_' and '.', 64 at most");
  }
}

void CheckRouteName(const Settings& s, const Path& path, const std::string& name,
                    const Report& report) {
  std::vector<std::string_view> names;
  for (const RouteSettings& route : s.routes) names.push_back(route.name);
  if (std::ranges::find(names, name) != names.end()) return;
  const std::string_view near = config::DidYouMean(name, names);
  report(path, near.empty() ? fmt::format("'{}' is no route", name)
                            : fmt::format("'{}' is no route; did you mean '{}'?", name, near));
}

void CheckVariants(const Settings& s, const ExperimentSettings& e, const Report& report) {
  const Path path = {"experiments", e.name, "variants"};
  if (e.variants.size() < 2 || e.variants.size() > kMaxVariants) {
    report(path, fmt::format("are {}; an experiment has a control and at least one other, {} at "
                             "most",
                             e.variants.size(), kMaxVariants));
  }
  double shares = 0;
  for (const VariantSettings& variant : e.variants) {
    Path at = path;
    at.push_back(variant.name);
    CheckName(at, report);
    shares += variant.share;
    at.emplace_back("route");
    if (!variant.route.empty()) CheckRouteName(s, at, variant.route, report);
    at.back() = "fields";
    if (variant.fields.empty()) continue;
    if (const auto checked = CheckEditFields(variant.fields); !checked) {
      report(at, checked.error().message);
    }
  }
  if (!e.variants.empty() && !(shares > 0)) report(path, "all have the share 0");
}

void CheckMetrics(const ExperimentSettings& e, const Report& report) {
  const Path path = {"experiments", e.name, "metrics"};
  if (e.metrics.empty() || e.metrics.size() > kMaxMetrics) {
    report(path, fmt::format("are {}; an experiment has 1 to {}", e.metrics.size(), kMaxMetrics));
  }
  bool goal = e.metrics.empty();
  for (const OutcomeSettings& metric : e.metrics) {
    Path at = path;
    at.push_back(metric.name);
    CheckName(at, report);
    goal = goal || metric.role == OutcomeRole::kGoal;
    at.emplace_back("minimum");
    if (metric.minimum > metric.maximum) report(at, "is more than 'maximum'");
  }
  if (!goal) report(path, "are guardrails only, so nothing could win; one must be a goal");
}

void CheckExperiment(const Settings& s, const ExperimentSettings& e, const Report& report) {
  const Path path = {"experiments", e.name};
  CheckName(path, report);
  for (const std::string& route : e.routes) {
    CheckRouteName(s, {"experiments", e.name, "routes"}, route, report);
  }
  const bool token = !e.header.empty() && std::ranges::all_of(e.header, [](char c) {
    return Alphanumeric(c) || c == '-' || c == '_';
  });
  if (e.unit == ExperimentUnit::kHeader ? !token : !e.header.empty()) {
    report({"experiments", e.name, "header"},
           e.unit == ExperimentUnit::kHeader
               ? "must be the name of a header, since 'unit' is 'header'"
               : "has no meaning unless 'unit' is 'header'");
  }
  CheckVariants(s, e, report);
  CheckMetrics(e, report);
}

}  // namespace

void CheckExperiments(const Settings& s,
                      const std::function<void(const Path&, const std::string&)>& report) {
  std::vector<experiments::LiveExperiment> before;
  for (const ExperimentSettings& e : s.experiments) {
    bool good = true;
    CheckExperiment(s, e, [&](const Path& path, const std::string& message) {
      good = false;
      report(path, message);
    });
    if (!good) continue;
    before.push_back(LiveOf(e));
    if (const auto made = experiments::Assigner::Create(before); !made) {
      report({"experiments", e.name, "slots"}, made.error().message);
      before.pop_back();
    }
  }
  for (const RouteSettings& route : s.routes) {
    const auto on = std::ranges::count_if(
        s.experiments, [&](const ExperimentSettings& e) { return RunsOn(e, route.name); });
    if (static_cast<std::size_t>(on) > kMaxRouteExperiments) {
      report({"routes", route.name},
             fmt::format("has {} experiments; {} at most", on, kMaxRouteExperiments));
    }
  }
}

}  // namespace assay::gateway::settings
