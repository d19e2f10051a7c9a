#include "assay/experiments/analysis.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "assay/experiments/distributions.h"

#include "analysis/compare_internal.h"

namespace assay::experiments {
namespace {

constexpr double kMismatchAlpha = 0.001;  // Fabijan et al. 2019, section 4

Result<void> Check(const ExperimentData& data, double significance, double improvement) {
  if (!(significance >= 0.5) || !(significance < 1)) {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("significance threshold {}: it is a confidence such as 0.95, in [0.5, 1)",
                    significance));
  }
  if (!(improvement >= 0) || std::isinf(improvement)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("improvement threshold {}: it is a share such as 0.05", improvement));
  }
  if (data.variants.size() < 2 || data.metrics.empty()) {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("{} variants and {} metrics: there must be a control, another variant and "
                    "a metric",
                    data.variants.size(), data.metrics.size()));
  }
  for (const VariantData& variant : data.variants) {
    if (variant.metrics.size() != data.metrics.size()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("variant '{}' has {} metrics in place of {}", variant.name,
                              variant.metrics.size(), data.metrics.size()));
    }
  }
  return {};
}

void CheckRatio(const ExperimentData& data, std::span<const internal::Cell> cells,
                ExperimentAnalysis& out) {
  std::vector<double> counts;
  std::vector<double> shares;
  for (std::size_t v = 0; v < data.variants.size(); ++v) {
    const VariantData& variant = data.variants[v];
    std::int64_t units = variant.units;
    if (units == 0) {
      for (std::size_t m = 0; m < data.metrics.size(); ++m) {
        const internal::Cell& cell = cells[v * data.metrics.size() + m];
        units = std::max(units, cell.summary.n + cell.summary.missing);
      }
    }
    counts.push_back(static_cast<double>(units));
    shares.push_back(variant.share);
  }
  if (const auto test = ChiSquareShares(counts, shares)) {
    out.ratio_mismatch_p = test->p;
    out.ratio_mismatch = test->p < kMismatchAlpha;
  }
}

void Correct(const ExperimentData& data, ExperimentAnalysis& out) {
  std::vector<double> p;
  std::vector<Comparison*> goals;
  for (Comparison& one : out.comparisons) {
    one.p_adjusted = one.test.p;
    if (data.metrics[one.metric].role != MetricRole::kGoal) continue;
    goals.push_back(&one);
    p.push_back(one.test.p);
  }
  if (data.correction == Correction::kNone) return;
  const auto adjusted = data.correction == Correction::kHolm ? Holm(p) : BenjaminiHochberg(p);
  for (std::size_t i = 0; i < goals.size(); ++i) goals[i]->p_adjusted = adjusted[i];
}

void Decide(const MetricSpec& spec, double alpha, Comparison& one) {
  one.significant = one.p_adjusted < alpha;  // false for NaN
  if (!one.significant) return;
  const bool up = one.test.effect > 0;
  const bool good = up == (spec.direction == Direction::kIncrease);
  one.better = good;
  one.worse = !good;
  if (spec.role == MetricRole::kGuardrail && one.worse && !std::isnan(one.relative)) {
    one.worse = std::fabs(one.relative) > spec.margin;
  }
}

VariantVerdict Judge(const ExperimentData& data, std::span<const Comparison> of_variant,
                     double improvement) {
  VariantVerdict out;
  std::string improved;
  std::string small;
  std::string harmed;
  for (const Comparison& one : of_variant) {
    const MetricSpec& spec = data.metrics[one.metric];
    const auto add = [&](std::string& list) {
      fmt::format_to(std::back_inserter(list), "{}{} ({:+.2f} %)", list.empty() ? "" : ", ",
                     spec.name, 100 * one.relative);
    };
    if (one.worse) {
      out.harms = true;
      add(harmed);
    } else if (one.better && spec.role == MetricRole::kGoal) {
      // Of a control of 0 every change is large.
      const bool enough = std::isnan(one.relative) || std::fabs(one.relative) >= improvement;
      out.improves |= enough;
      add(enough ? improved : small);
    }
  }
  const auto part = [&](std::string_view words, const std::string& list) {
    if (list.empty()) return;
    fmt::format_to(std::back_inserter(out.reason), "{}{} {}", out.reason.empty() ? "" : "; ", words,
                   list);
  };
  part("better:", improved);
  part("better, but by less than asked:", small);
  part("worse:", harmed);
  if (out.reason.empty()) out.reason = "no significant difference";
  return out;
}

void ChooseWinner(const ExperimentData& data, ExperimentAnalysis& out, double improvement) {
  if (out.ratio_mismatch) {
    out.reason = fmt::format(
        "the variants did not get the units they should have (p = {:.2g}); find out why before "
        "believing any result",
        out.ratio_mismatch_p);
    return;
  }
  const std::size_t metrics = data.metrics.size();
  double best = -1;
  for (std::size_t m = 0; m < metrics && !out.winner; ++m) {
    for (std::size_t v = 1; v < data.variants.size(); ++v) {
      const VariantVerdict& verdict = out.verdicts[v - 1];
      const Comparison& one = out.comparisons[(v - 1) * metrics + m];
      if (!verdict.improves || verdict.harms || !one.better) continue;
      if (data.metrics[m].role != MetricRole::kGoal) continue;
      const double size = std::isnan(one.relative) ? 0 : std::fabs(one.relative);
      if (!std::isnan(one.relative) && size < improvement) continue;
      if (size > best) {
        best = size;
        out.winner = static_cast<std::uint32_t>(v);
      }
    }
  }
  if (out.winner) {
    out.reason = fmt::format("'{}' wins: {}", data.variants[*out.winner].name,
                             out.verdicts[*out.winner - 1].reason);
  } else {
    const bool harmed = std::ranges::any_of(
        out.verdicts, [](const VariantVerdict& v) { return v.improves && v.harms; });
    out.reason = harmed ? "no winner: what improves a goal also makes another metric worse"
                        : "no winner: no goal is significantly better by as much as asked";
  }
}

}  // namespace

Result<ExperimentAnalysis> AnalyzeExperimentResults(const ExperimentData& data,
                                                    double significance_threshold,
                                                    double improvement_threshold) {
  ASSAY_TRY(Check(data, significance_threshold, improvement_threshold));
  ASSAY_ASSIGN(const std::vector<internal::Cell> cells, internal::SummarizeCells(data));
  ExperimentAnalysis out;
  const std::size_t metrics = data.metrics.size();
  const internal::CompareOptions options{significance_threshold,
                                         NormalQuantile(0.5 + 0.5 * significance_threshold),
                                         improvement_threshold, data.sequential, data.effect_size};
  out.comparisons.reserve((data.variants.size() - 1) * metrics);
  for (std::size_t v = 1; v < data.variants.size(); ++v) {
    for (std::size_t m = 0; m < metrics; ++m) {
      ASSAY_ASSIGN(Comparison one, internal::Compare(data, cells, v, m, options));
      out.comparisons.push_back(one);
    }
  }
  Correct(data, out);
  for (Comparison& one : out.comparisons) {
    Decide(data.metrics[one.metric], 1 - significance_threshold, one);
  }
  for (std::size_t v = 1; v < data.variants.size(); ++v) {
    out.verdicts.push_back(Judge(data,
                                 std::span(out.comparisons).subspan((v - 1) * metrics, metrics),
                                 improvement_threshold));
  }
  CheckRatio(data, cells, out);
  ChooseWinner(data, out, improvement_threshold);
  return out;
}

}  // namespace assay::experiments
