// assay experiments analyze FILE
#include <cmath>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/experiments/analysis.h"
#include "assay/experiments/resample.h"

#include "experiments/experiments_commands.h"
#include "json_output.h"

namespace assay::cli {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1ULL << 30;

struct Options {
  std::string file;
  double significance = 0.95;
  double improvement = 0;
  std::uint32_t bootstrap = 0;
  std::uint64_t seed = 1;
  bool json = false;
};

// JSON has no NaN: what is not defined is null.
boost::json::value Number(double value) {
  return std::isfinite(value) ? boost::json::value(value) : boost::json::value(nullptr);
}

boost::json::array Pair(const experiments::Interval& interval) {
  return {Number(interval.low), Number(interval.high)};
}

boost::json::object ToJson(const experiments::ExperimentData& data,
                           const experiments::Comparison& one) {
  return {{"variant", data.variants[one.variant].name},
          {"metric", data.metrics[one.metric].name},
          {"method", one.method},
          {"n_control", one.n_control},
          {"n_treatment", one.n_treatment},
          {"control", Number(one.control)},
          {"treatment", Number(one.treatment)},
          {"effect", Number(one.test.effect)},
          {"standard_error", Number(one.test.error)},
          {"interval", Pair(one.test.interval)},
          {"relative", Number(one.relative)},
          {"relative_interval", Pair(one.relative_interval)},
          {"statistic", Number(one.test.statistic)},
          {"df", Number(one.test.df)},
          {"p", Number(one.test.p)},
          {"p_adjusted", Number(one.p_adjusted)},
          {"significant", one.significant},
          {"better", one.better},
          {"worse", one.worse}};
}

// Rates also get the answer of Bayes; plain values a bootstrap, where it was asked for.
Result<void> AddExtras(const experiments::ExperimentData& data, const experiments::Comparison& one,
                       const Options& options, boost::json::object& out) {
  const experiments::MetricValues& control = data.variants[0].metrics[one.metric];
  const experiments::MetricValues& treatment = data.variants[one.variant].metrics[one.metric];
  if (control.counts && treatment.counts) {
    ASSAY_ASSIGN(const auto bayes,
                 experiments::CompareBetaBinomial(*control.counts, *treatment.counts, {},
                                                  options.significance));
    out["bayes"] = {{"probability_higher", bayes.probability_better},
                    {"expected_loss", bayes.expected_loss},
                    {"control", Pair(bayes.control)},
                    {"treatment", Pair(bayes.treatment)}};
  }
  if (options.bootstrap > 0 && one.method != "ratio" && one.method != "cuped" &&
      control.values.size() > 1 && treatment.values.size() > 1) {
    const auto resampled = experiments::Bootstrap(
        control.values, treatment.values,
        {.resamples = options.bootstrap, .seed = options.seed, .confidence = options.significance});
    if (!resampled) {
      return Fail(resampled.error().code,
                  fmt::format("{}: variant '{}', metric '{}': {}", options.file,
                              data.variants[one.variant].name, data.metrics[one.metric].name,
                              resampled.error().message));
    }
    out["bootstrap"] = {{"resamples", options.bootstrap},
                        {"seed", options.seed},
                        {"standard_error", resampled->error},
                        {"percentile", Pair(resampled->percentile)},
                        {"bca", Pair(resampled->bca)}};
  }
  return {};
}

Result<boost::json::object> ToJson(const experiments::ExperimentData& data,
                                   const experiments::ExperimentAnalysis& analysis,
                                   const Options& options) {
  boost::json::array comparisons;
  for (const experiments::Comparison& one : analysis.comparisons) {
    boost::json::object item = ToJson(data, one);
    ASSAY_TRY(AddExtras(data, one, options, item));
    comparisons.push_back(std::move(item));
  }
  boost::json::object variants;
  for (std::size_t v = 1; v < data.variants.size(); ++v) {
    const experiments::VariantVerdict& verdict = analysis.verdicts[v - 1];
    variants[data.variants[v].name] = {
        {"improves", verdict.improves}, {"harms", verdict.harms}, {"reason", verdict.reason}};
  }
  boost::json::object out;
  out["experiment"] = data.id;
  out["control"] = data.variants[0].name;
  out["winner"] = analysis.winner ? boost::json::value(data.variants[*analysis.winner].name)
                                  : boost::json::value(nullptr);
  out["reason"] = analysis.reason;
  out["significance_threshold"] = options.significance;
  out["improvement_threshold"] = options.improvement;
  out["sequential"] = data.sequential;
  out["sample_ratio"] = {{"p", Number(analysis.ratio_mismatch_p)},
                         {"mismatch", analysis.ratio_mismatch}};
  out["variants"] = std::move(variants);
  out["comparisons"] = std::move(comparisons);
  return out;
}

void PrintTable(const experiments::ExperimentData& data,
                const experiments::ExperimentAnalysis& analysis, Painter paint) {
  fmt::print("{:<16}{:<20}{:>12}{:>12}{:>10}{:>22}{:>11}  {}\n", "variant", "metric", "control",
             "treatment", "relative", "interval", "p adjusted", "");
  for (const experiments::Comparison& one : analysis.comparisons) {
    const std::string interval = fmt::format(
        "{:+.2f} to {:+.2f} %", 100 * one.relative_interval.low, 100 * one.relative_interval.high);
    const std::string verdict =
        one.better ? paint.Green("better") : (one.worse ? paint.Red("worse") : "");
    fmt::print("{:<16}{:<20}{:>12.5g}{:>12.5g}{:>8.2f} %{:>22}{:>11.3g}  {}\n",
               data.variants[one.variant].name, data.metrics[one.metric].name, one.control,
               one.treatment, 100 * one.relative, interval, one.p_adjusted, verdict);
  }
  if (analysis.ratio_mismatch) {
    fmt::print("\n{}\n", paint.Red(fmt::format("sample-ratio mismatch, p = {:.2g}",
                                               analysis.ratio_mismatch_p)));
  }
  fmt::print("\n{}\n", analysis.reason);
}

Result<int> Run(const Options& options, ColorMode color) {
  ASSAY_ASSIGN(const std::string text,
               core::FileSystem::Real().ReadFile(options.file, kMaxFileBytes));
  ASSAY_ASSIGN(const experiments::ExperimentDocument document,
               experiments::ReadExperiment(text, options.file));
  const auto analysis = experiments::AnalyzeExperimentResults(document.data, options.significance,
                                                              options.improvement);
  if (!analysis) {
    return Fail(analysis.error().code, options.file + ": " + analysis.error().message);
  }
  if (options.json) {
    ASSAY_ASSIGN(const boost::json::object out, ToJson(document.data, *analysis, options));
    fmt::print("{}", PrettyJson(out));
  } else {
    PrintTable(document.data, *analysis, Painter(color, 1));
  }
  return kExitSuccess;
}

}  // namespace

void AddExperimentsAnalyze(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = group.add_subcommand(
      "analyze", "Compare all variants of an experiment with its control, and name the winner.");
  command->add_option("file", options->file, "JSON: {\"variants\": {name: {\"metrics\": {...}}}}")
      ->required();
  command->add_option("--significance", options->significance, "Confidence")
      ->check(CLI::Range(0.5, 0.999999))
      ->capture_default_str();
  command
      ->add_option("--improvement", options->improvement,
                   "Relative improvement that a winner needs")
      ->check(CLI::Range(0.0, 1000.0))
      ->capture_default_str();
  command->add_option("--bootstrap", options->bootstrap, "Resamples of each pair (with --json)")
      ->check(CLI::Range(100, 10000000));
  command->add_option("--seed", options->seed, "Of the bootstrap")->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "The form of the file: docs/experiments.md.\nExamples:\n"
      "  assay experiments analyze results.json --improvement 0.02\n"
      "  assay experiments analyze results.json --json --bootstrap 10000");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
