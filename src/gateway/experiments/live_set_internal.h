// The experiments as one load of the settings describes them, and their stores, which outlive it.
// Threads: a LiveSet is immutable; the pool is for any thread.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/experiments/live.h"
#include "assay/telemetry/metrics.h"

#include "experiments/store/store_internal.h"
#include "openai/edit_internal.h"
#include "services/route_table_internal.h"

namespace assay::gateway {

// One log for each experiment.
class ExperimentPool {
 public:
  // `folder`: where the logs lie; empty: only in memory. `metrics` outlives what uses the pool.
  ExperimentPool(std::string folder, telemetry::Metrics& metrics, core::FileSystem& files,
                 core::Clock& clock)
      : folder_(std::move(folder)), metrics_(metrics), files_(files), clock_(clock) {}

  // The store of that name, opened with the first call. Errors: those of ExperimentStore::Open, and
  // of the folder's lock.
  [[nodiscard]] Result<std::shared_ptr<ExperimentStore>> Get(const std::string& name);
  void Tick();

  [[nodiscard]] telemetry::Metrics& metrics() { return metrics_; }

 private:
  const std::string folder_;
  telemetry::Metrics& metrics_;
  core::FileSystem& files_;
  core::Clock& clock_;
  std::mutex mutex_;  // guards what follows
  std::optional<core::FolderLock> folder_lock_;
  std::map<std::string, std::shared_ptr<ExperimentStore>> stores_;
};

struct LiveVariant {
  std::string name;
  std::uint16_t arm = 0;  // of the store
  RequestEdit edit;
  const ModelRoute* route = nullptr;  // null: the one that was asked for
  bool cache = true;
  std::uint64_t version = 0;  // becomes part of the keys of its answers
  telemetry::Counter requests;
  telemetry::Counter errors;
  telemetry::Counter tokens;
  telemetry::Counter cost;
  telemetry::Histogram seconds;
};

struct LiveExperimentView {
  ExperimentSettings settings;
  std::shared_ptr<ExperimentStore> store;
  std::vector<LiveVariant> variants;
};

// What a request got.
struct AssignedVariant {
  const LiveExperimentView* experiment = nullptr;
  const LiveVariant* variant = nullptr;
};

class LiveSet {
 public:
  // Null where there are no experiments. Errors: those of the pool and of Assigner::Create.
  [[nodiscard]] static Result<std::shared_ptr<const LiveSet>> Make(
      const Settings& settings, std::shared_ptr<const RouteTable> routes, ExperimentPool& pool);

  // Those that run on that route of the set's table, in the order of the file.
  [[nodiscard]] const std::vector<const LiveExperimentView*>& On(const ModelRoute& route) const;
  [[nodiscard]] const experiments::Assigner& assigner() const { return assigner_; }
  [[nodiscard]] const std::vector<LiveExperimentView>& all() const { return all_; }
  [[nodiscard]] const LiveExperimentView* Find(std::string_view name) const;

 private:
  LiveSet(std::shared_ptr<const RouteTable> routes, experiments::Assigner assigner)
      : routes_(std::move(routes)), assigner_(std::move(assigner)) {}

  std::shared_ptr<const RouteTable> routes_;
  experiments::Assigner assigner_;
  std::vector<LiveExperimentView> all_;
  std::map<const ModelRoute*, std::vector<const LiveExperimentView*>> on_;
};

}  // namespace assay::gateway
