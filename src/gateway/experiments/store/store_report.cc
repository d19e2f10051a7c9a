// What came of an experiment: how it stands, and how it came to stand so.
#include <algorithm>
#include <cmath>

#include "experiments/store/store_internal.h"

namespace assay::gateway {
namespace {

constexpr double kHistoryStep = 1.05;  // of the number of outcomes, from one point to the next
constexpr std::int64_t kNsPerMs = 1'000'000;

// Where the next point of a history stands.
std::uint64_t NextPoint(std::uint64_t count) {
  return std::max(count + 1, static_cast<std::uint64_t>(static_cast<double>(count) * kHistoryStep));
}

}  // namespace

std::vector<VariantReport> ExperimentStore::Counted(bool whole) const {
  if (!board_) return {};  // not defined yet
  const std::vector<experiments::OutcomeSum> sums = board_->Snapshot();
  std::vector<VariantReport> variants;
  for (std::size_t v = 0; v < settings_.variants.size(); ++v) {
    const auto arm = std::ranges::find(arms_, std::optional(v), &Arm::variant);
    VariantReport variant{.units = arm->units, .measures = arm->measures, .outcomes = {}};
    const VariantReport* elsewhere = whole && sharing_ ? &sharing_->elsewhere[v] : nullptr;
    if (elsewhere != nullptr) {
      variant.units = std::max(variant.units, elsewhere->units);  // those of all gateways
      for (std::size_t i = 0; i < kMeasures; ++i) {
        variant.measures[i].Add(elsewhere->measures[i]);
      }
    }
    for (std::size_t m = 0; m < settings_.metrics.size(); ++m) {
      const std::size_t measure = MeasureOf(settings_.metrics[m].name);
      if (measure < kMeasures) {
        variant.outcomes.push_back(variant.measures[measure]);
        continue;
      }
      variant.outcomes.push_back(sums[v * settings_.metrics.size() + m]);
      if (elsewhere != nullptr) variant.outcomes.back().Add(elsewhere->outcomes[m]);
    }
    variants.push_back(std::move(variant));
  }
  return variants;
}

Result<experiments::ExperimentAnalysis> ExperimentStore::Analyze(
    const std::vector<VariantReport>& variants) const {
  experiments::ExperimentData data;
  data.id = settings_.name;
  data.sequential = true;
  data.effect_size = experiments::kUsualEffectSize;
  for (const OutcomeSettings& metric : settings_.metrics) {
    data.metrics.push_back({.name = metric.name,
                            .direction = metric.direction == OutcomeDirection::kIncrease
                                             ? experiments::Direction::kIncrease
                                             : experiments::Direction::kDecrease,
                            .role = metric.role == OutcomeRole::kGoal
                                        ? experiments::MetricRole::kGoal
                                        : experiments::MetricRole::kGuardrail,
                            .margin = metric.margin});
  }
  for (std::size_t v = 0; v < settings_.variants.size(); ++v) {
    experiments::VariantData variant;
    variant.name = settings_.variants[v].name;
    variant.share = settings_.variants[v].share;
    variant.units = variants[v].units;
    for (const experiments::OutcomeSum& sum : variants[v].outcomes) {
      variant.metrics.push_back({.summary = sum.summary()});
    }
    data.variants.push_back(std::move(variant));
  }
  return experiments::AnalyzeExperimentResults(data, settings_.significance, settings_.improvement);
}

std::uint64_t ExperimentStore::WholeOutcomes() const {
  return counted_ + (sharing_ && !replaying_ ? sharing_->outcomes : 0);
}

// Points stand at outcomes, not at times, so that the log's outcomes make the same ones again.
void ExperimentStore::NoteHistory(std::int64_t at_ms) {
  const std::uint64_t count = WholeOutcomes();
  if (count < next_history_) return;
  next_history_ = NextPoint(count);
  AddPoints(at_ms, count, false);
}

void ExperimentStore::NoteMeasured() {
  std::uint64_t requests = 0;
  const std::vector<VariantReport> variants = Counted(true);
  for (const VariantReport& variant : variants) {
    const auto& each = variant.measures[static_cast<std::size_t>(Measure::kError)];  // known of all
    requests += static_cast<std::uint64_t>(each.state().n);
  }
  if (requests == 0 || requests < next_measured_) return;
  next_measured_ = NextPoint(requests);
  AddPoints(clock_.wall_ns() / kNsPerMs, requests, true);
}

void ExperimentStore::AddPoints(std::int64_t at_ms, std::uint64_t count, bool measured) {
  const auto analysis = Analyze(Counted(!replaying_));
  if (!analysis) return;
  for (const experiments::Comparison& one : analysis->comparisons) {
    const std::size_t measure = MeasureOf(settings_.metrics[one.metric].name);
    if ((measure < kMeasures) != measured) continue;
    if (!std::isfinite(one.test.interval.low) || !std::isfinite(one.test.interval.high)) continue;
    history_.push_back({.at_ms = at_ms,
                        .outcomes = count,
                        .variant = one.variant,
                        .metric = one.metric,
                        .effect = one.test.effect,
                        .interval = one.test.interval});
  }
}

ExperimentReport ExperimentStore::Report() {
  const std::scoped_lock lock(mutex_);
  Drain();
  ExperimentReport report;
  report.settings = settings_;
  report.running = running();
  report.stopped = stopped_;
  report.variants = Counted(true);
  if (auto analysis = Analyze(report.variants)) report.analysis = std::move(*analysis);
  report.history = history_;
  report.outcomes = WholeOutcomes();
  report.set_aside = outcomes_.size() - counted_;
  if (sharing_) {
    report.gateways = sharing_->states.size() - sharing_->unread + 1;
    report.set_aside += sharing_->set_aside;
    report.lost = sharing_->lost_notes;
    report.partial = sharing_->unread > 0 || !sharing_->heard_ns ||
                     clock_.monotonic_ns() - *sharing_->heard_ns > kPartialAfterMs * kNsPerMs;
  }
  const std::scoped_lock queue(queue_mutex_);
  report.lost += lost_;
  return report;
}

}  // namespace assay::gateway
