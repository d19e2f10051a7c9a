// How an experiment's state outlasts the process.
#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "experiments/store/store_internal.h"

namespace assay::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr unsigned kTicksBetweenMeasures = 30;
constexpr std::uint64_t kCompactFromBytes = 64'000'000;
constexpr std::size_t kExposuresOfARecord = 4096;
constexpr std::size_t kBytesOfAnOutcome = 56;  // with the record's header
constexpr std::size_t kBytesOfAnExposure = 18;

}  // namespace

Result<std::unique_ptr<ExperimentStore>> ExperimentStore::Open(core::FileSystem& files,
                                                               std::string path,
                                                               core::Clock& clock) {
  auto store = std::unique_ptr<ExperimentStore>(new ExperimentStore(files, std::move(path), clock));
  if (store->path_.empty()) return store;
  const std::scoped_lock lock(store->mutex_);
  const auto opened = [&]() -> Result<void> {
    ASSAY_TRY(store->OpenLog());
    ASSAY_TRY(store->Replay());
    if (store->Compact()) return {};
    return store->OpenLog();  // as it was: a full disk keeps nothing from starting
  }();
  if (opened) return store;
  if (opened.error().code != Code::kDataLoss) return std::unexpected(opened.error());
  return Fail(opened.error().code,
              fmt::format("{}; move {} away to begin the experiment anew without its outcomes",
                          opened.error().message, store->path_));
}

ExperimentStore::~ExperimentStore() {
  const std::scoped_lock lock(mutex_);
  Drain();
  (void)WriteUnwritten();
  WriteMeasures();
  if (log_) (void)log_->Sync();  // what an outcome's answer promised is there already
}

Result<void> ExperimentStore::OpenLog() {
  ASSAY_ASSIGN(log_, core::RecordWriter::Open(files_, path_, kExperimentLogKind));
  arms_logged_ = metrics_logged_ = 0;
  ASSAY_ASSIGN(core::RecordReader reader,
               core::RecordReader::Open(files_, path_, kExperimentLogKind));
  while (true) {
    ASSAY_ASSIGN(const std::optional<core::Record> record, reader.Next());
    if (!record) return {};
    if (record->payload.starts_with('A')) ++arms_logged_;
    if (record->payload.starts_with('N')) ++metrics_logged_;
  }
}

Result<void> ExperimentStore::Replay() {
  ASSAY_ASSIGN(core::RecordReader reader,
               core::RecordReader::Open(files_, path_, kExperimentLogKind));
  while (true) {
    ASSAY_ASSIGN(const std::optional<core::Record> record, reader.Next());
    if (!record) return {};
    ASSAY_ASSIGN(const LogRecord decoded, DecodeLogRecord(record->payload));
    if (auto taken = Take(decoded); !taken) {
      return Fail(Code::kDataLoss,
                  fmt::format("{}: record {}: {}", path_, record->sequence, taken.error().message));
    }
  }
}

Result<void> ExperimentStore::Take(const LogRecord& record) {
  const auto no_arm = [] { return Fail(Code::kDataLoss, "it names a variant that is not there"); };
  if (const auto* arm = std::get_if<LogArm>(&record)) {
    (void)ArmOf(*arm);
  } else if (const auto* metric = std::get_if<LogMetric>(&record)) {
    (void)MetricNumber(metric->name);
  } else if (const auto* exposures = std::get_if<LogExposures>(&record)) {
    for (const LogExposures::One& one : exposures->all) {
      if (one.arm >= arms_.size()) return no_arm();
      TakeExposure(one);
    }
  } else if (const auto* outcome = std::get_if<LogOutcome>(&record)) {
    if (outcome->arm >= arms_.size()) return no_arm();
    if (outcome->metric >= metrics_.size()) {
      return Fail(Code::kDataLoss, "it names a metric that is not there");
    }
    // One that was written and not acknowledged may stand there twice.
    if (places_.try_emplace(outcome->key, static_cast<std::uint32_t>(outcomes_.size())).second) {
      outcomes_.push_back(*outcome);
    }
  } else if (const auto* measures = std::get_if<LogMeasures>(&record)) {
    if (measures->arm >= arms_.size()) return no_arm();
    arms_[measures->arm].measures = measures->sums;
  } else if (const auto* state = std::get_if<LogState>(&record)) {
    stopped_ = state->stopped;
  } else if (const auto* origin = std::get_if<LogOrigin>(&record)) {
    origin_ = origin->id;
    origin_kept_ = true;
  }
  return {};
}

// Exposures of old requests and old sums make a log grow without bound, so a long one is written
// anew.
Result<void> ExperimentStore::Compact() {
  const std::uint64_t needed = outcomes_.size() * kBytesOfAnOutcome +
                               (units_.size() + request_order_.size()) * kBytesOfAnExposure;
  if (log_->size_bytes() < kCompactFromBytes || log_->size_bytes() < 2 * needed) return {};
  const std::string fresh = path_ + ".new";
  if (files_.Stat(fresh)) ASSAY_TRY(files_.Remove(fresh));
  {
    ASSAY_ASSIGN(log_, core::RecordWriter::Open(files_, fresh, kExperimentLogKind));
    arms_logged_ = metrics_logged_ = 0;
    if (origin_kept_) ASSAY_TRY(Write(LogOrigin{*origin_}));
    ASSAY_TRY(WriteAllExposures());
    for (const LogOutcome& outcome : outcomes_) ASSAY_TRY(Write(outcome));
    for (std::size_t i = 0; i < arms_.size(); ++i) {
      ASSAY_TRY(Write(LogMeasures{static_cast<std::uint16_t>(i), arms_[i].measures}));
    }
    ASSAY_TRY(Write(LogState{stopped_, clock_.wall_ns() / kNsPerMs}));
    ASSAY_TRY(log_->Sync());
  }
  log_.reset();
  ASSAY_TRY(files_.Rename(fresh, path_));
  const std::size_t slash = path_.rfind('/');
  ASSAY_TRY(files_.SyncDirectory(slash == std::string::npos ? "." : path_.substr(0, slash)));
  return OpenLog();
}

// All units, and the recent requests without theirs.
Result<void> ExperimentStore::WriteAllExposures() {
  LogExposures batch;
  const auto add = [&](const LogExposures::One& one) -> Result<void> {
    batch.all.push_back(one);
    if (batch.all.size() < kExposuresOfARecord) return {};
    ASSAY_TRY(Write(batch));
    batch.all.clear();
    return {};
  };
  for (const auto& [unit, arm] : units_) ASSAY_TRY(add({.unit = unit, .request = 0, .arm = arm}));
  for (const std::uint64_t request : request_order_) {
    ASSAY_TRY(add({.unit = 0, .request = request, .arm = requests_.at(request)}));
  }
  return batch.all.empty() ? Result<void>() : Write(batch);
}

Result<void> ExperimentStore::WriteUnwritten() {
  if (unwritten_.all.empty()) return {};
  ASSAY_TRY(Write(unwritten_));
  unwritten_.all.clear();
  return {};
}

// The names that a record may refer to stand before it.
Result<void> ExperimentStore::Write(const LogRecord& record) {
  if (path_.empty()) return {};
  if (!log_) ASSAY_TRY(OpenLog());
  const auto append = [&](const LogRecord& one) -> Result<void> {
    auto written = log_->Append(EncodeLogRecord(one));
    if (written) return {};
    log_.reset();
    return std::unexpected(std::move(written).error());
  };
  for (; arms_logged_ < arms_.size(); ++arms_logged_) {
    ASSAY_TRY(append(arms_[arms_logged_].name));
  }
  for (; metrics_logged_ < metrics_.size(); ++metrics_logged_) {
    ASSAY_TRY(append(LogMetric{metrics_[metrics_logged_]}));
  }
  return append(record);
}

void ExperimentStore::WriteMeasures() {
  if (path_.empty()) return;
  for (std::size_t i = 0; i < arms_.size(); ++i) {
    if (!arms_[i].measures_changed) continue;
    const LogMeasures record{static_cast<std::uint16_t>(i), arms_[i].measures};
    arms_[i].measures_changed = !Write(record);
  }
}

Result<void> ExperimentStore::SetStopped(bool stopped) {
  const std::scoped_lock lock(mutex_);
  if (stopped == stopped_) return {};
  ASSAY_TRY(Write(LogState{stopped, clock_.wall_ns() / kNsPerMs}));
  if (!path_.empty()) {
    if (auto synced = log_->Sync(); !synced) {
      log_.reset();
      return std::unexpected(std::move(synced).error());
    }
  }
  stopped_ = stopped;
  UpdateRunning();
  return {};
}

void ExperimentStore::Tick() {
  const std::scoped_lock lock(mutex_);
  Drain();
  NoteMeasured();
  (void)WriteUnwritten();  // once more with the next tick or outcome
  if (++ticks_ % kTicksBetweenMeasures == 0) WriteMeasures();
}

}  // namespace assay::gateway
