// All that is known of one experiment: who took part, what came of it, whether it runs.
// Threads: all methods are for any thread. Note... only queue and never wait for the disk; the
// others may.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/record_file.h"
#include "assay/experiments/analysis.h"
#include "assay/experiments/live.h"

#include "experiments/definition_internal.h"
#include "experiments/store/log_records_internal.h"
#include "experiments/store/report_internal.h"
#include "experiments/store/shared_state_internal.h"

namespace assay::gateway {

inline constexpr std::size_t kMaxUnits = 4'000'000;       // that are told apart
inline constexpr std::size_t kMaxOutcomes = 4'000'000;    // that are kept
inline constexpr std::size_t kRecentRequests = 262'144;   // whose id an outcome may name
inline constexpr std::size_t kMaxQueuedEvents = 262'144;  // between two calls of Tick

// The hashes by which units and requests are known; a tenant sees its own only.
[[nodiscard]] std::uint64_t UnitHash(std::string_view tenant, std::string_view unit);
[[nodiscard]] std::uint64_t RequestHash(std::string_view tenant, std::string_view request_id);
// By which one value of an outcome is known.
[[nodiscard]] core::Hash128 OutcomeKey(const ReportedOutcome& outcome, std::string_view metric);

class ExperimentStore {
 public:
  // `path`: of its log; empty: all is forgotten at the end. Errors: those of RecordWriter::Open;
  // kDataLoss for records that are none.
  [[nodiscard]] static Result<std::unique_ptr<ExperimentStore>> Open(core::FileSystem& files,
                                                                     std::string path,
                                                                     core::Clock& clock);
  ~ExperimentStore();
  ExperimentStore(const ExperimentStore&) = delete;
  ExperimentStore& operator=(const ExperimentStore&) = delete;

  // What counts from now on: outcomes of variants that were something else do not. Returns the
  // arms, one for each variant, by which the notes below name them.
  [[nodiscard]] std::vector<std::uint16_t> Define(const ExperimentSettings& settings);

  [[nodiscard]] bool running() const { return running_.load(std::memory_order_relaxed); }
  // Outlasts a restart where there is a log. Errors: those of the disk; then nothing changes.
  [[nodiscard]] Result<void> SetStopped(bool stopped);

  void NoteExposure(std::uint16_t arm, std::uint64_t unit, std::uint64_t request);
  void NoteFinished(std::uint16_t arm, const FinishedRequest& finished);

  // On the disk when it returns without error. Errors: kNotFound for a request or unit that took no
  // part; kInvalidArgument naming the metric; kAlreadyExists for another value than before, and
  // then nothing is recorded; kResourceExhausted at kMaxOutcomes; those of the disk. `elsewhere`:
  // what other gateways know of it; it counts for what this one does not.
  [[nodiscard]] Result<RecordedOutcome> Record(const ReportedOutcome& outcome,
                                               const ElsewhereOutcome& elsewhere = {});

  [[nodiscard]] ExperimentReport Report();

  // About once a second: writes what has gathered.
  void Tick();

  // From here on the report is that of all gateways. The first call begins it; nothing where the
  // disk does not keep the name under which this gateway counts.
  [[nodiscard]] std::optional<ToldCounts> Tell();
  // What came of it. False: there is more to tell.
  [[nodiscard]] bool Hear(const HeardCounts& heard);
  // All units and requests once more, to a Redis that may have lost some.
  void TellAllAgain();

 private:
  struct Arm {
    LogArm name;
    MeasureSums measures;
    bool measures_changed = false;
    std::int64_t units = 0;
    std::optional<std::size_t> variant;  // of now
  };
  struct Queue {
    std::vector<LogExposures::One> exposures;
    std::vector<std::pair<std::uint16_t, FinishedRequest>> finished;
  };

  struct Sharing {
    std::deque<LogExposures::One> queued;  // to be told
    std::vector<LogExposures::One> told;   // and not yet taken
    std::vector<std::uint64_t> asked;      // whose units
    std::string generation;
    std::map<std::uint64_t, std::int64_t> units;  // of all gateways, by ArmId
    std::map<std::string, std::string> states;    // of others, by origin
    std::map<std::string, std::string> lost;      // of these, what Redis has not
    std::vector<VariantReport> elsewhere;         // their sums, as the variants of now
    std::uint64_t outcomes = 0;                   // in these
    std::uint64_t set_aside = 0;
    std::uint64_t lost_notes = 0;
    std::size_t unread = 0;                // states
    std::optional<std::int64_t> heard_ns;  // the last answer
  };

  ExperimentStore(core::FileSystem& files, std::string path, core::Clock& clock)
      : files_(files), path_(std::move(path)), clock_(clock) {}

  // All below: with mutex_ held.
  Result<void> Replay();
  Result<void> Take(const LogRecord& record);
  Result<void> OpenLog();
  Result<void> Compact();
  Result<void> Write(const LogRecord& record);
  Result<void> WriteAllExposures();
  Result<void> WriteUnwritten();
  void WriteMeasures();
  void Drain();
  void TakeExposure(const LogExposures::One& one);
  void Rebuild();
  void Count(const LogOutcome& outcome);
  std::uint16_t ArmOf(const LogArm& name);
  std::uint16_t MetricNumber(const std::string& name);
  [[nodiscard]] Result<std::uint16_t> FindArm(const ReportedOutcome& outcome,
                                              const ElsewhereOutcome& elsewhere) const;
  [[nodiscard]] Result<void> CheckValue(const std::string& metric, double value) const;
  // By the variants of now; of this gateway alone or of all.
  [[nodiscard]] std::vector<VariantReport> Counted(bool whole) const;
  [[nodiscard]] Result<experiments::ExperimentAnalysis> Analyze(
      const std::vector<VariantReport>& variants) const;
  void QueueTold(const LogExposures::One& one);
  void QueueAll();
  Result<void> SaveOrigin();
  void MergeElsewhere();
  void AddElsewhere(const SharedArm& counted);
  [[nodiscard]] SharedState OwnState();
  [[nodiscard]] std::uint64_t WholeOutcomes() const;
  void NoteHistory(std::int64_t at_ms);
  void NoteMeasured();
  void AddPoints(std::int64_t at_ms, std::uint64_t count, bool measured);
  void UpdateRunning();

  core::FileSystem& files_;
  const std::string path_;
  core::Clock& clock_;
  std::atomic<bool> running_{false};  // partner: UpdateRunning; a lone flag, no order needed

  std::mutex queue_mutex_;  // guards queue_ and lost_; taken after mutex_
  Queue queue_;
  std::uint64_t lost_ = 0;

  std::mutex mutex_;  // guards all below
  Queue draining_;    // keeps its capacity
  ExperimentSettings settings_;
  bool stopped_ = false;
  std::vector<Arm> arms_;
  std::vector<std::string> metrics_;                          // that outcomes were ever reported of
  std::vector<std::optional<std::size_t>> metric_of_number_;  // in settings_.metrics
  std::unordered_map<std::uint64_t, std::uint16_t> units_;
  std::unordered_map<std::uint64_t, std::uint16_t> requests_;
  std::deque<std::uint64_t> request_order_;
  std::vector<LogOutcome> outcomes_;
  std::unordered_map<core::Hash128, std::uint32_t> places_;  // in outcomes_
  std::optional<experiments::OutcomeBoard> board_;           // of the settings of now
  std::uint64_t counted_ = 0;                                // outcomes on the board
  std::uint64_t next_history_ = 0;                           // of counted_
  std::uint64_t next_measured_ = 0;                          // of requests
  std::vector<HistoryPoint> history_;
  std::optional<core::RecordWriter> log_;  // none after an error, until the next write
  LogExposures unwritten_;                 // kept while the disk fails
  std::size_t arms_logged_ = 0;            // of arms_, how many stand in it
  std::size_t metrics_logged_ = 0;
  unsigned ticks_ = 0;
  std::optional<core::Hash128> origin_;
  bool origin_kept_ = false;  // on the disk
  std::optional<Sharing> sharing_;
  bool replaying_ = false;  // what is counted is of before; others' counts are not
};

}  // namespace assay::gateway
