#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "assay/config/reader.h"

#include "experiments/store/store_internal.h"

namespace assay::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

constexpr std::uint64_t kUnitSeed = 0x756e6974;  // part of the log's format, as the next ones
constexpr std::uint64_t kRequestSeed = 0x72657175;
constexpr std::uint64_t kOutcomeSeed = 0x6f757463;

std::string Scoped(std::string_view tenant, std::string_view name) {
  return fmt::format("{}{}{}", tenant, '\0', name);
}

}  // namespace

std::uint64_t UnitHash(std::string_view tenant, std::string_view unit) {
  return core::HashBytes64(Scoped(tenant, unit), kUnitSeed);
}

std::uint64_t RequestHash(std::string_view tenant, std::string_view request_id) {
  return core::HashBytes64(Scoped(tenant, request_id), kRequestSeed);
}

core::Hash128 OutcomeKey(const ReportedOutcome& outcome, std::string_view metric) {
  const bool of_request = !outcome.request_id.empty();
  return core::HashBytes128(
      fmt::format("{}{}{}{}{}{}", outcome.tenant, '\0', of_request ? 'r' : 'u',
                  of_request ? outcome.request_id : outcome.unit, '\0', metric),
      kOutcomeSeed);
}

std::uint16_t ExperimentStore::ArmOf(const LogArm& name) {
  const auto found = std::ranges::find_if(arms_, [&](const Arm& arm) { return arm.name == name; });
  if (found != arms_.end()) return static_cast<std::uint16_t>(found - arms_.begin());
  Arm fresh;
  fresh.name = name;
  arms_.push_back(std::move(fresh));
  return static_cast<std::uint16_t>(arms_.size() - 1);
}

std::uint16_t ExperimentStore::MetricNumber(const std::string& name) {
  const auto found = std::ranges::find(metrics_, name);
  if (found != metrics_.end()) return static_cast<std::uint16_t>(found - metrics_.begin());
  metrics_.push_back(name);
  const auto now = std::ranges::find(settings_.metrics, name, &OutcomeSettings::name);
  metric_of_number_.push_back(
      now == settings_.metrics.end()
          ? std::nullopt
          : std::optional(static_cast<std::size_t>(now - settings_.metrics.begin())));
  return static_cast<std::uint16_t>(metrics_.size() - 1);
}

void ExperimentStore::UpdateRunning() {
  running_.store(settings_.enabled && !stopped_, std::memory_order_relaxed);
}

std::vector<std::uint16_t> ExperimentStore::Define(const ExperimentSettings& settings) {
  const std::scoped_lock lock(mutex_);
  Drain();
  settings_ = settings;
  std::vector<std::uint16_t> arms;
  std::vector<std::uint16_t> before;
  for (std::size_t i = 0; i < arms_.size(); ++i) {
    if (arms_[i].variant) before.push_back(static_cast<std::uint16_t>(i));
    arms_[i].variant.reset();
  }
  for (std::size_t v = 0; v < settings.variants.size(); ++v) {
    const VariantSettings& variant = settings.variants[v];
    const std::uint16_t arm = ArmOf({.name = variant.name, .version = VersionOf(variant)});
    arms_[arm].variant = v;
    arms.push_back(arm);
  }
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    const auto now = std::ranges::find(settings.metrics, metrics_[i], &OutcomeSettings::name);
    metric_of_number_[i].reset();
    if (now == settings.metrics.end()) continue;
    metric_of_number_[i] = static_cast<std::size_t>(now - settings.metrics.begin());
  }
  Rebuild();
  UpdateRunning();
  if (sharing_) {
    MergeElsewhere();
    // Units of variants that were not there before were not told either.
    if (!std::ranges::is_permutation(arms, before)) QueueAll();
  }
  return arms;
}

void ExperimentStore::Rebuild() {
  board_.emplace(settings_.variants.size(), settings_.metrics.size());
  counted_ = 0;
  next_history_ = next_measured_ = 0;
  history_.clear();
  replaying_ = true;
  for (const LogOutcome& outcome : outcomes_) Count(outcome);
  replaying_ = false;
}

void ExperimentStore::Count(const LogOutcome& outcome) {
  const std::optional<std::size_t> variant = arms_[outcome.arm].variant;
  const std::optional<std::size_t> metric = metric_of_number_[outcome.metric];
  if (!variant || !metric || !board_->Record(*variant, *metric, outcome.value)) return;
  ++counted_;
  NoteHistory(outcome.at_ms);
}

void ExperimentStore::NoteExposure(std::uint16_t arm, std::uint64_t unit, std::uint64_t request) {
  const std::scoped_lock lock(queue_mutex_);
  if (queue_.exposures.size() >= kMaxQueuedEvents) {
    ++lost_;
    return;
  }
  queue_.exposures.push_back({.unit = unit, .request = request, .arm = arm});
}

void ExperimentStore::NoteFinished(std::uint16_t arm, const FinishedRequest& finished) {
  const std::scoped_lock lock(queue_mutex_);
  if (queue_.finished.size() >= kMaxQueuedEvents) {
    ++lost_;
    return;
  }
  queue_.finished.emplace_back(arm, finished);
}

void ExperimentStore::TakeExposure(const LogExposures::One& one) {
  LogExposures::One told = {.unit = 0, .request = one.request, .arm = one.arm};
  if (one.unit == 0) {
    // of a log that was written anew: only its request
  } else if (units_.size() < kMaxUnits || units_.contains(one.unit)) {
    // A unit belongs to what its variant is now; where that was something else before, it moves.
    const auto [at, fresh] = units_.try_emplace(one.unit, one.arm);
    if (fresh) {
      ++arms_[one.arm].units;
      told.unit = one.unit;
    } else if (at->second != one.arm) {
      --arms_[at->second].units;
      ++arms_[one.arm].units;
      at->second = one.arm;
      told.unit = one.unit;
    }
  } else {
    const std::scoped_lock lock(queue_mutex_);
    ++lost_;
  }
  if (sharing_) QueueTold(told);
  if (one.request == 0) return;
  if (!requests_.insert_or_assign(one.request, one.arm).second) return;
  request_order_.push_back(one.request);
  if (request_order_.size() <= kRecentRequests) return;
  requests_.erase(request_order_.front());
  request_order_.pop_front();
}

void ExperimentStore::Drain() {
  {
    const std::scoped_lock lock(queue_mutex_);
    std::swap(queue_, draining_);
  }
  for (const LogExposures::One& one : draining_.exposures) TakeExposure(one);
  for (const auto& [arm, finished] : draining_.finished) {
    for (std::size_t i = 0; i < kMeasures; ++i) {
      if (!std::isnan(finished.measures[i])) arms_[arm].measures[i].Add(finished.measures[i]);
    }
    arms_[arm].measures_changed = true;
  }
  if (!path_.empty()) {
    const std::size_t room = kMaxQueuedEvents - unwritten_.all.size();
    const std::size_t fits = std::min(room, draining_.exposures.size());
    unwritten_.all.insert(unwritten_.all.end(), draining_.exposures.begin(),
                          draining_.exposures.begin() + static_cast<std::ptrdiff_t>(fits));
    if (fits < draining_.exposures.size()) {  // these are known until the end of this process
      const std::scoped_lock lock(queue_mutex_);
      lost_ += draining_.exposures.size() - fits;
    }
  }
  draining_.exposures.clear();
  draining_.finished.clear();
}

Result<std::uint16_t> ExperimentStore::FindArm(const ReportedOutcome& outcome,
                                               const ElsewhereOutcome& elsewhere) const {
  const auto there =
      std::ranges::find_if(arms_, [&](const Arm& arm) { return elsewhere.arm == ArmId(arm.name); });
  if (!outcome.request_id.empty()) {
    const auto found = requests_.find(RequestHash(outcome.tenant, outcome.request_id));
    if (found != requests_.end()) return found->second;
    if (there != arms_.end()) return static_cast<std::uint16_t>(there - arms_.begin());
    return Fail(Code::kNotFound,
                fmt::format("The request '{}' took no part, or too long ago.", outcome.request_id));
  }
  const auto found = units_.find(UnitHash(outcome.tenant, outcome.unit));
  if (found != units_.end()) return found->second;
  if (there != arms_.end()) return static_cast<std::uint16_t>(there - arms_.begin());
  return Fail(Code::kNotFound, fmt::format("The unit '{}' took no part.", outcome.unit));
}

Result<void> ExperimentStore::CheckValue(const std::string& metric, double value) const {
  const auto known = std::ranges::find(settings_.metrics, metric, &OutcomeSettings::name);
  if (known == settings_.metrics.end()) {
    std::vector<std::string_view> names;
    for (const OutcomeSettings& one : settings_.metrics) names.push_back(one.name);
    const std::string_view near = config::DidYouMean(metric, names);
    return Fail(Code::kInvalidArgument,
                near.empty() ? fmt::format("'{}' is no metric of this experiment.", metric)
                             : fmt::format("'{}' is no metric of this experiment; did you mean "
                                           "'{}'?",
                                           metric, near));
  }
  if (MeasureOf(metric) < kMeasures) {
    return Fail(Code::kInvalidArgument, fmt::format("'{}' is measured by the gateway.", metric));
  }
  if (!(value >= known->minimum) || !(value <= known->maximum)) {
    return Fail(Code::kInvalidArgument, fmt::format("'{}' is {}, but must be from {} to {}.",
                                                    metric, value, known->minimum, known->maximum));
  }
  return {};
}

Result<RecordedOutcome> ExperimentStore::Record(const ReportedOutcome& outcome,
                                                const ElsewhereOutcome& elsewhere) {
  const std::scoped_lock lock(mutex_);
  Drain();
  ASSAY_ASSIGN(const std::uint16_t arm, FindArm(outcome, elsewhere));
  for (const auto& [metric, value] : outcome.values) ASSAY_TRY(CheckValue(metric, value));
  RecordedOutcome out;
  out.variant = arms_[arm].name.name;
  std::vector<LogOutcome> fresh;
  const auto conflict = [](std::string_view metric, double before) {
    return Fail(Code::kAlreadyExists,
                fmt::format("'{}' was reported before as {}; it stays.", metric, before));
  };
  for (std::size_t i = 0; i < outcome.values.size(); ++i) {
    const auto& [metric, value] = outcome.values[i];
    LogOutcome one{.key = OutcomeKey(outcome, metric),
                   .at_ms = clock_.wall_ns() / kNsPerMs,
                   .value = value,
                   .arm = arm};
    const auto known = places_.find(one.key);
    std::optional<double> before;
    if (known != places_.end()) {
      before = outcomes_[known->second].value;
    } else if (i < elsewhere.values.size()) {
      before = elsewhere.values[i];
    }
    if (!before) {
      one.metric = MetricNumber(metric);
      fresh.push_back(one);
    } else if (*before == value) {
      ++out.repeated;
    } else {
      return conflict(metric, *before);
    }
  }
  if (outcomes_.size() + fresh.size() > kMaxOutcomes) {
    return Fail(Code::kResourceExhausted,
                fmt::format("This experiment has {} outcomes and takes no more; stop it and begin "
                            "another one.",
                            outcomes_.size()));
  }
  if (!fresh.empty() && !path_.empty()) {
    ASSAY_TRY(WriteUnwritten());
    for (const LogOutcome& one : fresh) ASSAY_TRY(Write(one));
    if (auto synced = log_->Sync(); !synced) {
      log_.reset();  // nobody knows what it holds: it is opened anew
      return std::unexpected(std::move(synced).error());
    }
  }
  for (const LogOutcome& one : fresh) {
    places_.emplace(one.key, static_cast<std::uint32_t>(outcomes_.size()));
    outcomes_.push_back(one);
    Count(one);
  }
  out.recorded = fresh.size();
  return out;
}

}  // namespace assay::gateway
