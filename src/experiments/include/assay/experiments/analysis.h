// assay/experiments/analysis.h: the results of an experiment, and whether one variant wins.
// Room: experiments (uses core).  Threads: pure functions.
// JSON form of the input: docs/experiments.md.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/experiments/sequential.h"
#include "assay/experiments/tests.h"

namespace assay::experiments {

enum class Direction : std::uint8_t { kIncrease, kDecrease };  // which way is better
enum class MetricRole : std::uint8_t { kGoal, kGuardrail };
enum class MetricTest : std::uint8_t { kWelch, kStudent, kMannWhitney };  // of plain values
inline constexpr double kUsualEffectSize = 0.1;
enum class Correction : std::uint8_t { kHolm, kBenjaminiHochberg, kNone };

struct MetricSpec {
  std::string name = {};
  Direction direction = Direction::kIncrease;
  MetricRole role = MetricRole::kGoal;
  MetricTest test = MetricTest::kWelch;
  double margin = 0;  // relative harm that a guardrail bears before it counts as hurt
};

// What one variant has for one metric; the first form that is there is used. Spans are borrowed.
struct MetricValues {
  std::optional<Proportion> counts = {};
  std::optional<Summary> summary = {};
  // One value a unit, NaN where missing.
  std::span<const double> values = {};
  // Beside values: the metric is sum(values) / sum(denominators).
  std::span<const double> denominators = {};
  // Beside values: from before the experiment, for CUPED.
  std::span<const double> covariates = {};
};

struct VariantData {
  std::string name = {};
  double share = 1;        // of the units, relative to the other variants'
  std::int64_t units = 0;  // assigned to it; 0: the most that any of its metrics has
  std::vector<MetricValues> metrics = {};  // as in ExperimentData::metrics
};

struct ExperimentData {
  std::string id = {};
  std::vector<MetricSpec> metrics = {};
  std::vector<VariantData> variants = {};  // the first one is the control
  Correction correction = Correction::kHolm;
  // Somebody looks while it runs: always-valid p-values and intervals decide.
  bool sequential = false;
  // Of the sequential test: the size of effect, in deviations of one value, where it is sharpest.
  // 0: the improvement threshold, or kUsualEffectSize where that is 0.
  double effect_size = 0;
};

// One variant against the control in one metric.
struct Comparison {
  std::uint32_t variant = 0;  // indices into ExperimentData
  std::uint32_t metric = 0;
  std::string_view method;  // "welch", "two_proportions", "ratio", "cuped", ...
  std::int64_t n_control = 0;
  std::int64_t n_treatment = 0;
  double control = 0;  // mean, rate or ratio
  double treatment = 0;
  TestResult test;      // of treatment - control; p always-valid where the experiment is sequential
  double relative = 0;  // treatment / control - 1; NaN for a control of 0
  Interval relative_interval;  // by the delta method
  double p_adjusted = 1;       // over all goals and variants; guardrails keep their p
  bool significant = false;
  bool better = false;  // significant in the metric's direction
  bool worse = false;   // significant against it; of a guardrail, beyond its margin too
};

struct VariantVerdict {
  bool improves = false;  // a goal is better, by the improvement threshold or more
  bool harms = false;     // a goal or guardrail is worse
  std::string reason;     // in words
};

struct ExperimentAnalysis {
  std::vector<Comparison> comparisons;   // variant by variant, metrics in order
  std::vector<VariantVerdict> verdicts;  // of variants 1, 2, ...
  std::optional<std::uint32_t> winner;   // index of the variant
  std::string reason;
  double ratio_mismatch_p = 1;  // chi-square of units against shares
  bool ratio_mismatch = false;  // p < 0.001: the assignment is broken, so nothing wins
};

// Compares every variant with the control in every metric. A variant wins when a goal is
// significantly better after correction, by at least improvement_threshold (relative), no goal is
// significantly worse and no guardrail is hurt; among several, the one with the largest relative
// improvement in the first goal in which any of them improves. significance_threshold: confidence
// in [0.5, 1), such as 0.95. improvement_threshold: >= 0, such as 0.05. Cost: two passes over the
// values. Errors: kInvalidArgument naming variant and metric.
[[nodiscard]] Result<ExperimentAnalysis> AnalyzeExperimentResults(const ExperimentData& data,
                                                                  double significance_threshold,
                                                                  double improvement_threshold);

// ExperimentData that owns its values.
struct ExperimentDocument {
  ExperimentData data;
  std::vector<std::vector<double>> values;  // what the spans of `data` point into
};

// Reads the JSON form. `file` names the source in errors: "exp.json: variants.b.metrics.ctr: ...".
// Errors: kInvalidArgument for JSON that is broken or not of that form.
[[nodiscard]] Result<ExperimentDocument> ReadExperiment(std::string_view json,
                                                        std::string_view file);

}  // namespace assay::experiments
