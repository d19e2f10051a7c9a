#include <algorithm>

#include <fmt/format.h>

#include "assay/core/hash.h"

#include "experiments/live_set_internal.h"

namespace assay::gateway {
namespace {

constexpr double kUsdPerNanousd = 1e-9;

LiveVariant MakeVariant(const ExperimentSettings& experiment, const VariantSettings& settings,
                        std::uint16_t arm, const RouteTable& routes, telemetry::Metrics& metrics) {
  LiveVariant made;
  made.name = settings.name;
  made.arm = arm;
  made.edit = {.model = settings.model,
               .system = settings.system,
               .temperature = settings.temperature,
               .fields = settings.fields};
  if (!settings.route.empty()) made.route = routes.Find(settings.route);
  made.cache = settings.cache;
  made.version =
      core::HashBytes64(fmt::format("{}\n{}", experiment.name, settings.name), VersionOf(settings));
  const telemetry::Labels labels = {{"experiment", experiment.name}, {"variant", settings.name}};
  made.requests = metrics.AddCounter("assay_experiment_requests_total",
                                     "Requests that got a variant of an experiment", labels);
  made.errors =
      metrics.AddCounter("assay_experiment_errors_total", "Those that ended in an error", labels);
  made.tokens = metrics.AddCounter("assay_experiment_tokens_total",
                                   "Tokens that upstreams counted for them", labels);
  made.cost = metrics.AddCounter("assay_experiment_cost_usd_total", "What upstreams took for them",
                                 labels, kUsdPerNanousd);
  made.seconds = metrics.AddHistogram(
      "assay_experiment_seconds", "From a request's last byte to the end of its answer", labels);
  return made;
}

}  // namespace

Result<std::shared_ptr<ExperimentStore>> ExperimentPool::Get(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  if (const auto found = stores_.find(name); found != stores_.end()) return found->second;
  std::string path;
  if (!folder_.empty()) {
    if (!folder_lock_) {
      ASSAY_TRY(files_.MakeDirectories(folder_));
      ASSAY_ASSIGN(folder_lock_,
                   core::FolderLock::Take(files_, folder_, "the experiments' log",
                                          "give each gateway a `data_folder` of its own"));
    }
    path = fmt::format("{}/{}.log", folder_, name);
  }
  ASSAY_ASSIGN(auto store, ExperimentStore::Open(files_, std::move(path), clock_));
  return stores_.emplace(name, std::move(store)).first->second;
}

void ExperimentPool::Tick() {
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, store] : stores_) store->Tick();
}

Result<std::shared_ptr<const LiveSet>> LiveSet::Make(const Settings& settings,
                                                     std::shared_ptr<const RouteTable> routes,
                                                     ExperimentPool& pool) {
  if (settings.experiments.empty()) return std::shared_ptr<const LiveSet>();
  std::vector<experiments::LiveExperiment> live;
  for (const ExperimentSettings& one : settings.experiments) live.push_back(LiveOf(one));
  ASSAY_ASSIGN(auto assigner, experiments::Assigner::Create(std::move(live)));
  std::shared_ptr<LiveSet> set(new LiveSet(std::move(routes), std::move(assigner)));
  for (const ExperimentSettings& one : settings.experiments) {
    ASSAY_ASSIGN(auto store, pool.Get(one.name));
    set->all_.push_back({.settings = one, .store = std::move(store), .variants = {}});
  }
  for (LiveExperimentView& one : set->all_) {  // nothing fails from here on
    const std::vector<std::uint16_t> arms = one.store->Define(one.settings);
    for (std::size_t i = 0; i < arms.size(); ++i) {
      one.variants.push_back(MakeVariant(one.settings, one.settings.variants[i], arms[i],
                                         *set->routes_, pool.metrics()));
    }
  }
  for (const auto& [name, route] : set->routes_->routes()) {
    for (const LiveExperimentView& one : set->all_) {
      if (RunsOn(one.settings, name)) set->on_[&route].push_back(&one);
    }
  }
  return std::shared_ptr<const LiveSet>(std::move(set));
}

const std::vector<const LiveExperimentView*>& LiveSet::On(const ModelRoute& route) const {
  static const std::vector<const LiveExperimentView*> kNone;
  const auto found = on_.find(&route);
  return found == on_.end() ? kNone : found->second;
}

const LiveExperimentView* LiveSet::Find(std::string_view name) const {
  const auto found = std::ranges::find_if(
      all_, [&](const LiveExperimentView& one) { return one.settings.name == name; });
  return found == all_.end() ? nullptr : &*found;
}

}  // namespace assay::gateway
