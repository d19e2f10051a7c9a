// How gateways count an experiment together: each tells what it has counted, and hears the rest.
#include <algorithm>

#include <fmt/format.h>

#include "experiments/store/store_internal.h"

namespace assay::gateway {

void ExperimentStore::QueueTold(const LogExposures::One& one) {
  // A request is told for outcomes that another gateway gets; units must all be.
  const bool full = sharing_->queued.size() >= kRecentRequests;
  if (one.unit == 0 && (one.request == 0 || full)) return;
  sharing_->queued.push_back(one);
}

void ExperimentStore::QueueAll() {
  sharing_->queued.clear();
  for (const auto& [unit, arm] : units_) {
    sharing_->queued.push_back({.unit = unit, .request = 0, .arm = arm});
  }
  for (const std::uint64_t request : request_order_) {
    sharing_->queued.push_back({.unit = 0, .request = request, .arm = requests_.at(request)});
  }
}

void ExperimentStore::TellAllAgain() {
  const std::scoped_lock lock(mutex_);
  if (sharing_) QueueAll();
}

// Counts that were told under a name that is then forgotten would count again under the next one.
Result<void> ExperimentStore::SaveOrigin() {
  if (!origin_) {
    core::Rng& rng = core::Rng::Real();
    origin_ = core::Hash128{rng.NextU64(), rng.NextU64()};
  }
  if (origin_kept_ || path_.empty()) return {};
  ASSAY_TRY(Write(LogOrigin{*origin_}));
  if (auto synced = log_->Sync(); !synced) {
    log_.reset();
    return std::unexpected(std::move(synced).error());
  }
  origin_kept_ = true;
  return {};
}

SharedState ExperimentStore::OwnState() {
  SharedState state;
  state.set_aside = outcomes_.size() - counted_;
  {
    const std::scoped_lock lock(queue_mutex_);
    state.lost = lost_;
  }
  const std::vector<VariantReport> own = Counted(false);
  for (std::size_t v = 0; v < own.size(); ++v) {
    SharedArm arm;
    arm.name = std::ranges::find(arms_, std::optional(v), &Arm::variant)->name;
    arm.measures = own[v].measures;
    for (std::size_t m = 0; m < settings_.metrics.size(); ++m) {
      if (MeasureOf(settings_.metrics[m].name) < kMeasures) continue;
      arm.outcomes.emplace_back(settings_.metrics[m].name, own[v].outcomes[m]);
    }
    state.arms.push_back(std::move(arm));
  }
  return state;
}

std::optional<ToldCounts> ExperimentStore::Tell() {
  const std::scoped_lock lock(mutex_);
  Drain();
  if (!SaveOrigin()) return std::nullopt;
  if (!sharing_) {
    sharing_ = Sharing();  // clang refuses emplace() of a nested class with initializers
    QueueAll();
    MergeElsewhere();
  }
  Sharing& sharing = *sharing_;
  while (sharing.told.size() < kMaxTold && !sharing.queued.empty()) {
    sharing.told.push_back(sharing.queued.front());
    sharing.queued.pop_front();
  }
  ToldCounts told;
  told.origin = fmt::format("{:016x}{:016x}", origin_->high, origin_->low);
  told.state = EncodeSharedState(OwnState());
  told.lost = sharing.lost;
  for (const LogExposures::One& one : sharing.told) {
    const Arm& arm = arms_[one.arm];
    const std::uint64_t id = ArmId(arm.name);
    // Of a variant that was changed: whoever met the unit since knows better.
    if (one.unit != 0 && arm.variant) told.units.push_back({one.unit, id});
    if (one.request != 0) told.requests.push_back({one.request, id});
  }
  for (const Arm& arm : arms_) {
    if (arm.variant) told.arms.push_back(ArmId(arm.name));
  }
  sharing.asked = told.arms;
  return told;
}

bool ExperimentStore::Hear(const HeardCounts& heard) {
  const std::scoped_lock lock(mutex_);
  Sharing& sharing = *sharing_;
  sharing.heard_ns = clock_.monotonic_ns();
  const bool other_table = !sharing.generation.empty() && sharing.generation != heard.generation;
  sharing.generation = heard.generation;
  sharing.told.clear();
  if (other_table) QueueAll();
  sharing.units.clear();
  for (std::size_t i = 0; i < std::min(sharing.asked.size(), heard.units.size()); ++i) {
    sharing.units[sharing.asked[i]] = heard.units[i];
  }
  const std::string own = fmt::format("{:016x}{:016x}", origin_->high, origin_->low);
  sharing.lost.clear();
  for (const auto& known : sharing.states) {
    if (!heard.states.contains(known.first)) sharing.lost.insert(known);
  }
  for (const auto& [origin, state] : heard.states) {
    const bool known = sharing.states.contains(origin);
    if (origin == own || (!known && sharing.states.size() >= kMaxOrigins)) continue;
    sharing.states[origin] = state;
  }
  MergeElsewhere();
  if (sharing.outcomes > 0) NoteHistory(clock_.wall_ns() / 1'000'000);
  return sharing.queued.empty();
}

void ExperimentStore::MergeElsewhere() {
  Sharing& sharing = *sharing_;
  sharing.elsewhere.assign(settings_.variants.size(), {});
  for (VariantReport& variant : sharing.elsewhere)
    variant.outcomes.resize(settings_.metrics.size());
  for (const Arm& arm : arms_) {
    const auto units = sharing.units.find(ArmId(arm.name));
    if (!arm.variant || units == sharing.units.end()) continue;
    sharing.elsewhere[*arm.variant].units = units->second;
  }
  sharing.outcomes = sharing.set_aside = sharing.lost_notes = 0;
  sharing.unread = 0;
  for (const auto& [origin, bytes] : sharing.states) {
    if (const auto state = DecodeSharedState(bytes)) {
      sharing.set_aside += state->set_aside;
      sharing.lost_notes += state->lost;
      for (const SharedArm& arm : state->arms) AddElsewhere(arm);
    } else {
      ++sharing.unread;
    }
  }
}

// Variants and metrics that are others here do not count here.
void ExperimentStore::AddElsewhere(const SharedArm& counted) {
  const auto arm = std::ranges::find(arms_, counted.name, &Arm::name);
  if (arm == arms_.end() || !arm->variant) return;
  VariantReport& variant = sharing_->elsewhere[*arm->variant];
  for (std::size_t i = 0; i < kMeasures; ++i) variant.measures[i].Add(counted.measures[i]);
  for (const auto& [name, sum] : counted.outcomes) {
    const auto metric = std::ranges::find(settings_.metrics, name, &OutcomeSettings::name);
    if (metric == settings_.metrics.end() || MeasureOf(name) < kMeasures) continue;
    variant.outcomes[static_cast<std::size_t>(metric - settings_.metrics.begin())].Add(sum);
    sharing_->outcomes += static_cast<std::uint64_t>(sum.state().n + sum.state().missing);
  }
}

}  // namespace assay::gateway
