// assay experiments plan|opportunities, and the group itself
#include <cmath>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/experiments/opportunities.h"
#include "assay/experiments/sequential.h"

#include "experiments/experiments_commands.h"
#include "json_output.h"

namespace assay::cli {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1ULL << 30;

struct PlanOptions {
  double baseline = 0;
  double deviation = 0;
  double lift = 0.05;
  double power = 0.8;
  double confidence = 0.95;
  double ratio = 1;
  double daily = 0;
  bool json = false;
};

// Without --deviation the baseline is a rate.
Result<int> RunPlan(const PlanOptions& options) {
  const double alpha = 1 - options.confidence;
  const bool rate = options.deviation == 0;
  Result<double> n = 0.0;
  if (rate) {
    const double treatment = options.baseline * (1 + options.lift);
    n = experiments::SampleSizeOfProportions(options.baseline, treatment, options.power, alpha,
                                             options.ratio);
  } else {
    const double effect = options.baseline * options.lift / options.deviation;
    n = experiments::SampleSizeOfMeans(effect, options.power, alpha, options.ratio);
  }
  if (!n) return std::unexpected(n.error());
  const double control = std::ceil(*n);
  const double treatment = std::ceil(*n * options.ratio);
  const double days = options.daily > 0 ? std::ceil((control + treatment) / options.daily) : 0;
  if (options.json) {
    boost::json::object out = {{"kind", rate ? "rate" : "mean"},
                               {"n_control_exact", *n},
                               {"n_control", control},
                               {"n_treatment", treatment}};
    if (days > 0) out["days"] = days;
    fmt::print("{}", PrettyJson(out));
    return kExitSuccess;
  }
  fmt::print(
      "{:.0f} units in the control and {:.0f} in the treatment find a change of {:+.3g} % of a {} "
      "of {} in "
      "{:.0f} % of all experiments, at {:.4g} % confidence.\n",
      control, treatment, 100 * options.lift, rate ? "rate" : "mean", options.baseline,
      100 * options.power, 100 * options.confidence);
  if (days > 0) fmt::print("At {:g} units a day that takes {:.0f} days.\n", options.daily, days);
  return kExitSuccess;
}

struct OpportunityOptions {
  std::string file;
  bool json = false;
};

Result<int> RunOpportunities(const OpportunityOptions& options) {
  ASSAY_ASSIGN(const std::string text,
               core::FileSystem::Real().ReadFile(options.file, kMaxFileBytes));
  ASSAY_ASSIGN(const experiments::MetricsDocument document,
               experiments::ReadMetrics(text, options.file));
  auto found = experiments::IdentifyImprovementOpportunities(document.metrics);
  if (!found) return Fail(found.error().code, options.file + ": " + found.error().message);
  if (options.json) {
    boost::json::array list;
    for (const experiments::Opportunity& one : *found) {
      const experiments::MetricSeries& metric = document.metrics[one.metric];
      boost::json::object item = {{"kind", experiments::NameOf(one.kind)},
                                  {"metric", metric.name},
                                  {"impact", one.impact},
                                  {"interval", {one.interval.low, one.interval.high}},
                                  {"p", one.p},
                                  {"reason", one.reason}};
      if (one.driver) item["driver"] = metric.drivers[*one.driver].name;
      list.push_back(std::move(item));
    }
    fmt::print("{}", PrettyJson(boost::json::object{{"opportunities", std::move(list)}}));
    return kExitSuccess;
  }
  if (found->empty()) fmt::print("Nothing stands out.\n");
  for (const experiments::Opportunity& one : *found) {
    fmt::print("{:>6.1f} %  ({:.1f} to {:.1f})  {:<10}  {}\n", 100 * one.impact,
               100 * one.interval.low, 100 * one.interval.high, experiments::NameOf(one.kind),
               one.reason);
  }
  return kExitSuccess;
}

}  // namespace

void AddExperimentsPlan(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<PlanOptions>();
  CLI::App* command = group.add_subcommand("plan", "How many units an experiment needs.");
  command
      ->add_option("--baseline", options->baseline, "The control's rate, or mean with --deviation")
      ->required();
  command
      ->add_option("--deviation", options->deviation,
                   "Standard deviation of the metric; without it, a rate")
      ->check(CLI::PositiveNumber);
  command->add_option("--lift", options->lift, "The smallest relative change that matters")
      ->capture_default_str();
  command->add_option("--power", options->power, "Share of experiments that shall find it")
      ->check(CLI::Range(0.01, 0.9999))
      ->capture_default_str();
  command->add_option("--significance", options->confidence, "Confidence")
      ->check(CLI::Range(0.5, 0.999999))
      ->capture_default_str();
  command->add_option("--ratio", options->ratio, "Units of the treatment for each of the control")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--daily", options->daily, "Units a day, to say how long it takes")
      ->check(CLI::PositiveNumber);
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Examples:\n  assay experiments plan --baseline 0.12 --lift 0.05 --daily 4000\n"
      "  assay experiments plan --baseline 820 --deviation 310 --lift -0.03");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return RunPlan(*options); }; });
}

void AddExperimentsOpportunities(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<OpportunityOptions>();
  CLI::App* command = group.add_subcommand(
      "opportunities", "Where a system has most to gain, from the history of its metrics.");
  command
      ->add_option("file", options->file, "JSON: {\"metrics\": {name: {\"values\": [...], ...}}}")
      ->required();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "The form of the file: docs/experiments.md.\nExample:\n  assay experiments opportunities "
      "metrics.json");
  command->callback([&invocation, options] {
    invocation.run = [options] { return RunOpportunities(*options); };
  });
}

void AddExperimentsCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* group = app.add_subcommand(
      "experiments", "A/B tests: plan and analyse them; find what is worth improving.");
  group->require_subcommand(1);
  AddExperimentsAnalyze(*group, invocation);
  AddExperimentsPlan(*group, invocation);
  AddExperimentsOpportunities(*group, invocation);
  group->footer(
      "Examples:\n  assay experiments plan --baseline 0.12 --lift 0.05\n"
      "  assay experiments analyze results.json --improvement 0.02\n"
      "  assay experiments opportunities metrics.json --json");
}

}  // namespace assay::cli
