#include <algorithm>
#include <vector>

#include "eval/metrics_internal.h"

namespace assay::claims::internal {
namespace {

double Ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

// Area under the ROC curve by the rank sum (Hanley and McNeil 1982), ties counted half.
double AreaUnderCurve(std::span<const ScoredCase> cases) {
  std::vector<const ScoredCase*> order;
  order.reserve(cases.size());
  for (const ScoredCase& scored : cases) order.push_back(&scored);
  std::ranges::sort(order, {}, &ScoredCase::risk);
  double rank_sum = 0;
  double positives = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    double here = 0;
    while (end < order.size() && order[end]->risk == order[begin]->risk) {
      here += order[end]->positive() ? 1 : 0;
      ++end;
    }
    rank_sum += here * (static_cast<double>(begin + end + 1) / 2);
    positives += here;
    begin = end;
  }
  const double negatives = static_cast<double>(cases.size()) - positives;
  if (positives <= 0 || negatives <= 0) return 0;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

// Share of right verdicts among cases whose truth is one of three; 0 unless all three occur.
double ThreeWayAccuracy(std::span<const ScoredCase> cases) {
  double n = 0;
  double right = 0;
  bool seen_contradicted = false;
  bool seen_neutral = false;
  for (const ScoredCase& scored : cases) {
    if (!scored.has_verdict || scored.truth == Truth::kNotSupported) continue;
    ++n;
    seen_contradicted = seen_contradicted || scored.truth == Truth::kContradicted;
    seen_neutral = seen_neutral || scored.truth == Truth::kNeutral;
    const Verdict truth = scored.truth == Truth::kSupported      ? Verdict::kSupported
                          : scored.truth == Truth::kContradicted ? Verdict::kContradicted
                                                                 : Verdict::kUnverified;
    right += scored.verdict == truth ? 1 : 0;
  }
  return seen_contradicted && seen_neutral ? Ratio(right, n) : 0;
}

void SetSpans(std::span<const ScoredCase> cases, ClaimQuality& quality) {
  double marked = 0;
  double labelled = 0;
  double both = 0;
  for (const ScoredCase& scored : cases) {
    marked += static_cast<double>(scored.marked);
    labelled += static_cast<double>(scored.labelled);
    both += static_cast<double>(scored.marked_and_labelled);
  }
  if (labelled <= 0) return;
  quality.span_precision = Ratio(both, marked);
  quality.span_recall = Ratio(both, labelled);
  quality.span_f1 = Ratio(2 * both, marked + labelled);
}

}  // namespace

ClaimQuality MeasureQuality(std::string name, std::span<const ScoredCase> cases) {
  double hit = 0;
  double false_alarm = 0;
  double missed = 0;
  double passed = 0;
  for (const ScoredCase& scored : cases) {
    if (scored.positive()) {
      (scored.flagged ? hit : missed) += 1;
    } else {
      (scored.flagged ? false_alarm : passed) += 1;
    }
  }
  ClaimQuality quality;
  quality.name = std::move(name);
  quality.n = cases.size();
  quality.positives = static_cast<std::uint64_t>(hit + missed);
  quality.accuracy = Ratio(hit + passed, static_cast<double>(cases.size()));
  quality.recall = Ratio(hit, hit + missed);
  quality.precision = Ratio(hit, hit + false_alarm);
  quality.f1 = Ratio(2 * hit, 2 * hit + false_alarm + missed);
  const double specificity = Ratio(passed, passed + false_alarm);
  if (hit + missed <= 0) {
    quality.balanced_accuracy = specificity;
  } else if (passed + false_alarm <= 0) {
    quality.balanced_accuracy = quality.recall;
  } else {
    quality.balanced_accuracy = (quality.recall + specificity) / 2;
  }
  SetSpans(cases, quality);
  quality.area_under_curve = AreaUnderCurve(cases);
  quality.accuracy_3way = ThreeWayAccuracy(cases);
  return quality;
}

}  // namespace assay::claims::internal
