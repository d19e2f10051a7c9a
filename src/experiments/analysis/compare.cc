#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "analysis/compare_internal.h"

namespace assay::experiments::internal {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Result<Cell> SummarizeCell(const MetricValues& from) {
  Cell cell;
  if (from.counts) {
    cell.kind = CellKind::kProportion;
    cell.counts = *from.counts;
    if (cell.counts.n < 1 || cell.counts.successes < 0 || cell.counts.successes > cell.counts.n) {
      return Fail(Code::kInvalidArgument, fmt::format("{} successes of {} cannot be",
                                                      cell.counts.successes, cell.counts.n));
    }
    const auto n = static_cast<double>(cell.counts.n);
    cell.summary.n = cell.counts.n;
    cell.summary.mean = static_cast<double>(cell.counts.successes) / n;
    cell.summary.variance = cell.summary.mean * (1 - cell.summary.mean) * n / (n - 1);
    return cell;
  }
  if (from.summary) {
    cell.summary = *from.summary;
    const Summary& s = cell.summary;
    if (s.n < 0 || !(s.scale > 0) || (s.n > 0 && !std::isfinite(s.mean)) ||
        (s.n > 1 && (!(s.variance >= 0) || std::isinf(s.variance)))) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("n {}, mean {}, variance {} cannot be", s.n, s.mean, s.variance));
    }
    return cell;
  }
  if (!from.denominators.empty() || !from.covariates.empty()) {
    const bool ratio = !from.denominators.empty();
    cell.kind = ratio ? CellKind::kRatio : CellKind::kCuped;
    ASSAY_ASSIGN(cell.pair,
                 SummarizePairs(from.values, ratio ? from.denominators : from.covariates));
    cell.summary.n = cell.pair.n;
    cell.summary.missing = cell.pair.missing;
    return cell;
  }
  ASSAY_ASSIGN(cell.summary, Summarize(from.values));
  return cell;
}

// CUPED needs all variants at once: one theta, one overall mean of the covariate.
void AdjustByCovariates(std::span<Cell> cells, std::size_t metric, std::size_t metrics) {
  std::vector<PairSummary> groups;
  double total = 0;
  double n = 0;
  for (std::size_t i = metric; i < cells.size(); i += metrics) {
    const PairSummary& pair = cells[i].pair;
    groups.push_back(pair);
    if (pair.n == 0) continue;
    total += pair.mean_y * static_cast<double>(pair.n);
    n += static_cast<double>(pair.n);
  }
  const double theta = CupedTheta(groups);
  for (std::size_t i = metric; i < cells.size(); i += metrics) {
    cells[i].summary = CupedAdjust(cells[i].pair, theta, n > 0 ? total / n : 0);
  }
}

// Value and squared standard error of a cell, unscaled.
struct Estimate {
  double value;
  double square;
};

Estimate EstimateOf(const Cell& cell) {
  if (cell.kind == CellKind::kRatio) {
    const PairSummary& s = cell.pair;
    const double r = s.mean_x / s.mean_y;
    const double spread = s.variance_x - 2 * r * s.covariance + r * r * s.variance_y;
    return {r, std::max(spread, 0.0) / (static_cast<double>(s.n) * s.mean_y * s.mean_y)};
  }
  const Summary& s = cell.summary;
  return {s.mean_value(), s.variance * s.scale * s.scale / static_cast<double>(s.n)};
}

void FillRelative(const Cell& c, const Cell& t, double z, Comparison& out) {
  const Estimate control = EstimateOf(c);
  const Estimate treatment = EstimateOf(t);
  out.control = control.value;
  out.treatment = treatment.value;
  out.relative = kNaN;
  out.relative_interval = {kNaN, kNaN};
  if (control.value == 0 || std::isnan(control.value) || std::isnan(treatment.value)) return;
  if (c.summary.scale != 1 || t.summary.scale != 1) {
    const TestResult lift = RelativeLift(c.summary, t.summary, 0.95);
    const double error = lift.error;
    out.relative = lift.effect;
    out.relative_interval = {lift.effect - z * error, lift.effect + z * error};
    return;
  }
  const double ratio = treatment.value / control.value;
  const double error =
      std::sqrt(treatment.square + ratio * ratio * control.square) / std::fabs(control.value);
  // A negative control turns the sign: better is still the direction of the difference.
  out.relative = (treatment.value - control.value) / std::fabs(control.value);
  out.relative_interval = {out.relative - z * error, out.relative + z * error};
}

Result<TestResult> TestCells(const MetricValues& control, const MetricValues& treatment,
                             const Cell& c, const Cell& t, MetricTest test, double confidence,
                             std::string_view& method) {
  switch (c.kind) {
    case CellKind::kProportion:
      method = "two_proportions";
      return TwoProportions(c.counts, t.counts, confidence);
    case CellKind::kRatio:
      method = "ratio";
      return RatioOfMeans(c.pair, t.pair, confidence);
    case CellKind::kCuped:
      method = "cuped";
      return Welch(c.summary, t.summary, confidence);
    case CellKind::kMean:
      break;
  }
  const bool has_values = !control.values.empty() && !treatment.values.empty();
  if (test == MetricTest::kStudent) {
    method = "student";
    return Student(c.summary, t.summary, confidence);
  }
  TestResult welch = Welch(c.summary, t.summary, confidence);
  method = "welch";
  if (test == MetricTest::kMannWhitney && has_values) {
    // The size of the effect stays that of the means; the ranks decide how sure it is.
    const TestResult ranks = MannWhitney(control.values, treatment.values);
    method = "mann_whitney";
    welch.p = ranks.p;
    welch.statistic = ranks.statistic;
    welch.df = ranks.df;
  }
  return welch;
}

// Always-valid p and interval in place of those of one look.
void MakeSequential(const CompareOptions& options, Comparison& one) {
  if (!(one.test.error > 0)) return;
  const double size = options.improvement * std::fabs(one.control);
  double tau = size;
  if (options.effect_size > 0 || !(size > 0)) {
    // The deviation of one value, as the error has it: it hardly changes while values come in.
    const double deviation = one.test.error / std::sqrt(1 / static_cast<double>(one.n_control) +
                                                        1 / static_cast<double>(one.n_treatment));
    tau = deviation * (options.effect_size > 0 ? options.effect_size : kUsualEffectSize);
  }
  const SequentialResult valid =
      MixtureTest(one.test.effect, one.test.error, tau, options.confidence);
  one.test.p = valid.p;
  one.test.interval = valid.interval;
}

}  // namespace

Result<std::vector<Cell>> SummarizeCells(const ExperimentData& data) {
  const std::size_t metrics = data.metrics.size();
  std::vector<Cell> cells(data.variants.size() * metrics);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const VariantData& variant = data.variants[i / metrics];
    auto cell = SummarizeCell(variant.metrics[i % metrics]);
    const bool mixed = cell && cell->kind != cells[i % metrics].kind && i >= metrics;
    if (!cell || mixed) {
      return Fail(
          Code::kInvalidArgument,
          fmt::format("variant '{}', metric '{}': {}", variant.name, data.metrics[i % metrics].name,
                      cell ? "its form is not the control's" : cell.error().message));
    }
    cells[i] = *std::move(cell);
  }
  for (std::size_t m = 0; m < metrics; ++m) {
    if (cells[m].kind == CellKind::kCuped) AdjustByCovariates(cells, m, metrics);
  }
  return cells;
}

Result<Comparison> Compare(const ExperimentData& data, std::span<const Cell> cells,
                           std::size_t variant, std::size_t metric, const CompareOptions& options) {
  const std::size_t metrics = data.metrics.size();
  const Cell& c = cells[metric];
  const Cell& t = cells[variant * metrics + metric];
  Comparison out;
  out.variant = static_cast<std::uint32_t>(variant);
  out.metric = static_cast<std::uint32_t>(metric);
  out.n_control = c.summary.n;
  out.n_treatment = t.summary.n;
  ASSAY_ASSIGN(out.test,
               TestCells(data.variants[0].metrics[metric], data.variants[variant].metrics[metric],
                         c, t, data.metrics[metric].test, options.confidence, out.method));
  FillRelative(c, t, options.z, out);
  if (options.sequential) MakeSequential(options, out);
  return out;
}

}  // namespace assay::experiments::internal
