#include "assay/gateway/gateway.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "assay/cache/upkeep.h"
#include "assay/core/hash.h"
#include "assay/gateway/claims_api.h"
#include "assay/telemetry/log.h"
#include "assay/telemetry/metrics.h"

#include "checks/checker_pool_internal.h"
#include "checks/claim_judge_internal.h"
#include "cluster/shared_experiments_internal.h"
#include "cluster/shared_limits_internal.h"
#include "cluster/shared_locks_internal.h"
#include "coalescing/coalescer.h"
#include "experiments/experiments_api_internal.h"
#include "experiments/live_set_internal.h"
#include "experts/consensus_api_internal.h"
#include "runtime/endpoints_internal.h"
#include "runtime/server_options_internal.h"
#include "runtime/status_metrics_internal.h"
#include "runtime/upstream_views_internal.h"
#include "server/compute_pool_internal.h"
#include "server/server_internal.h"
#include "services/telemetry_observer_internal.h"
#include "stages/pipeline_internal.h"
#include "upstream/health/health_watch.h"

namespace assay::gateway {
namespace {

constexpr std::chrono::milliseconds kDrainLook{10};  // how often a drain looks whether it is done
// Refreshing ahead: how long before its end an entry is due at the latest, how long one rests whose
// call failed, and how many times the length of a look at all entries passes before the next one.
constexpr std::int64_t kRefreshBeforeMs = 2'000;
constexpr std::int64_t kRefreshAgainMs = 30'000;
constexpr std::int64_t kRefreshRest = 100;

// Beside the answers on the disk, without which a question is of no use after a restart. Questions
// are not sealed, so where answers are, they stay in memory.
std::string SemanticFolder(const CacheSettings& cache) {
  const bool keeps = cache.enabled && cache.disk.enabled() && cache.sealing_key_file.empty();
  return keeps ? cache.disk.folder + "/semantic" : "";
}

std::string InDataFolder(const Settings& settings, std::string_view name) {
  return settings.data_folder.empty() ? "" : fmt::format("{}/{}", settings.data_folder, name);
}

// Gateways that name an upstream alike and mean the same one share its limits.
std::string SharedName(const UpstreamSettings& settings) {
  return fmt::format("{}:{:016x}", settings.name, core::HashBytes64(settings.url, 0));
}

}  // namespace

// Members are in the order in which they need each other: the last is torn down first.
struct Gateway::Impl {
  explicit Impl(const GatewayParts& given) : parts(given) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (ticker.joinable()) {
      {
        const std::lock_guard lock(tick_mutex);
        stopping = true;
      }
      tick_wake.notify_all();
      ticker.join();
    }
  }

  void Tick();
  void MakeRefreshPolicy(const CacheSettings& settings);
  void ShareOverRedis(const CacheSettings& settings);
  void CountOverRedis(const Settings& settings);
  void RefreshDue();
  void AddGauges();
  void AddRouteMetrics();
  Result<void> AddExperiments();
  Result<void> Reload(const Settings& settings, const Environment& environment);
  void WatchUpstreams();

  RoutePools Pools() {
    return {
        .checkers = *checkers, .semantic = *semantic, .encoders = *encoders, .learned = *learned};
  }

  std::vector<dashboard::UpstreamView> Upstreams() const {
    std::shared_ptr<const LiveSettings> now;
    {
      const std::lock_guard lock(reload_mutex);
      now = live;
    }
    return ViewUpstreams(*now->routes);
  }

  std::shared_ptr<const LiveSet> Experiments() const {
    const std::lock_guard lock(reload_mutex);
    return live->experiments;
  }

  // The checker of that route; without a name, that of the first route that has one.
  const AnswerChecker* CheckerOf(std::string_view route) {
    const std::lock_guard lock(reload_mutex);
    if (!route.empty()) {
      const ModelRoute* found = live->routes->Find(route);
      return found == nullptr ? nullptr : found->checker;
    }
    for (const auto& [name, candidate] : live->routes->routes()) {
      if (candidate.checker != nullptr) return candidate.checker;
    }
    return nullptr;
  }

  GatewayParts parts;
  telemetry::Metrics metrics;
  std::unique_ptr<TelemetryObserver> observer;
  std::unique_ptr<KeyGate> gate;
  std::unique_ptr<cache::TieredCache> cache;
  std::unique_ptr<ScriptRunner> scripts;          // null without Redis
  std::unique_ptr<SharedLocks> locks;             // null: not shared
  std::unique_ptr<cache::RefreshPolicy> refresh;  // null: entries are left to expire
  std::int64_t next_refresh_ns = 0;               // of the ticker
  std::size_t next_refresh_thread = 0;
  std::unique_ptr<EncoderPool> encoders;
  std::unique_ptr<CheckerPool> checkers;
  std::unique_ptr<SemanticPool> semantic;
  std::unique_ptr<ReliabilityPool> learned;
  std::unique_ptr<ExperimentPool> experiments;
  std::unique_ptr<SharedExperiments> shared_experiments;  // null: not shared
  std::shared_ptr<const LiveSettings> live;
  mutable std::mutex reload_mutex;  // one reload at a time; guards `live`
  Router router;
  Coalescer coalescer;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<Server> server;
  std::unique_ptr<ClaimJudge> judge;     // null: nobody; jobs of `compute` wait for it
  std::unique_ptr<ComputePool> compute;  // its jobs answer through the server: stopped before it
  std::unique_ptr<SharedClaims> shared;  // null without shared memory
  std::unique_ptr<HealthWatch> health;
  std::unique_ptr<ScriptRunner> counts;  // null: none of the three; reads `live`
  std::thread ticker;                    // one sample of the metrics a second
  std::mutex tick_mutex;
  std::condition_variable tick_wake;
  bool stopping = false;
};

void Gateway::Impl::Tick() {
  std::unique_lock lock(tick_mutex);
  while (!stopping) {
    tick_wake.wait_for(lock, std::chrono::seconds(1), [this] { return stopping; });
    metrics.Tick();
    experiments->Tick();
    if (refresh) RefreshDue();
  }
}

void Gateway::Impl::MakeRefreshPolicy(const CacheSettings& settings) {
  if (settings.refresh_ahead_count == 0) return;
  cache::RefreshOptions options;
  options.at_least_before_ms = kRefreshBeforeMs;
  options.max_at_once = static_cast<std::size_t>(settings.refresh_ahead_count);
  options.give_up_after_ms = kRefreshAgainMs;
  refresh = std::make_unique<cache::RefreshPolicy>(options);
}

void Gateway::Impl::ShareOverRedis(const CacheSettings& settings) {
  cache::RedisTier* const redis = RedisOf(*cache);
  if (redis == nullptr) return;
  scripts = std::make_unique<ScriptRunner>(*redis);
  if (settings.coalesce && settings.redis.share_locks) {
    locks = std::make_unique<SharedLocks>(*scripts, settings.redis.lock_lease_ms);
  }
}

// Beside the locks: it waits for a reload and for the disk of the keys, which no request does.
void Gateway::Impl::CountOverRedis(const Settings& settings) {
  const RedisTierSettings& wanted = settings.cache.redis;
  cache::RedisTier* const redis = cache == nullptr ? nullptr : RedisOf(*cache);
  const bool budgeted = wanted.share_budgets && parts.keys != nullptr && KeysRequired(settings);
  if (redis == nullptr || (!wanted.share_rates && !budgeted && !wanted.share_experiments)) return;
  counts = std::make_unique<ScriptRunner>(*redis);
  if (wanted.share_rates) {
    ShareRates(*counts, [this] {
      std::vector<RatedUpstream> rated;
      const std::lock_guard lock(reload_mutex);
      for (const RouteTable::Member& member : live->routes->upstreams()) {
        rated.push_back({SharedName(member.settings), member.upstream});
      }
      return rated;
    });
  }
  if (budgeted) ShareBudgets(*counts, *parts.keys);
  if (wanted.share_experiments) {
    shared_experiments = std::make_unique<SharedExperiments>(*redis);
    shared_experiments->Begin(*counts, [this] { return Experiments(); });
  }
}

// One that failed is not Done, so that it rests for kRefreshAgainMs before it is asked once more.
void Gateway::Impl::RefreshDue() {
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  if (begin_ns < next_refresh_ns) return;
  for (const cache::EntryRef& entry :
       refresh->Due(cache->memory(), core::Clock::Real().wall_ns() / 1'000'000)) {
    const std::size_t thread = next_refresh_thread++ % server->thread_count();
    server->PostWork(
        thread, [this, thread, entry](const auto& executor, const std::shared_ptr<void>& hold) {
          pipeline->Refresh(thread, executor, hold, entry, [this, key = entry->key()](bool stored) {
            if (stored) refresh->Done(key);
          });
        });
  }
  const std::int64_t end_ns = core::Clock::Real().monotonic_ns();
  next_refresh_ns = end_ns + (end_ns - begin_ns) * kRefreshRest;
}

void Gateway::Impl::WatchUpstreams() {
  std::shared_ptr<const LiveSettings> now;
  {
    const std::lock_guard lock(reload_mutex);
    now = live;
  }
  std::vector<WatchedUpstream> watched;
  for (const RouteTable::Member& member : now->routes->upstreams()) {
    watched.push_back(
        {member.settings.name, member.settings.url, member.settings.health, member.upstream});
  }
  health->Update(std::move(watched));
}

void Gateway::Impl::AddGauges() {
  AddStatusMetrics(metrics, {.cache = cache.get(),
                             .log = parts.log,
                             .request_log = parts.request_log,
                             .keys = parts.keys,
                             .locks = locks.get()});
  AddRouteMetrics();
  if (counts) {
    constexpr std::string_view kHelp = "Times that counts were to be shared over Redis";
    metrics.AddCallback(
        "assay_shared_counts_total", kHelp, {{"result", "told"}},
        [this] { return static_cast<double>(counts->answered()); }, true);
    metrics.AddCallback(
        "assay_shared_counts_total", kHelp, {{"result", "failed"}},
        [this] { return static_cast<double>(counts->failed()); }, true);
  }
  metrics.AddCallback("assay_connections", "Connections of clients now", {},
                      [this] { return static_cast<double>(server->connections()); });
  metrics.AddCallback(
      "assay_connections_total", "Connections of clients that were accepted", {},
      [this] { return static_cast<double>(server->accepted()); }, true);
  metrics.AddCallback("assay_compute_queue", "Work that waits for the compute pool", {},
                      [this] { return static_cast<double>(compute->queued()); });
  metrics.AddCallback(
      "assay_compute_refused_total", "Work refused because the compute queue was full", {},
      [this] { return static_cast<double>(compute->refused()); }, true);
}

// Of what a reload can add.
void Gateway::Impl::AddRouteMetrics() {
  AddSemanticMetrics(metrics, *semantic);
  AddUpstreamMetrics(metrics, [this] { return Upstreams(); });
}

Result<void> Gateway::Impl::AddExperiments() {
  ExperimentsApiParts api;
  api.live = [this] { return Experiments(); };
  api.shared = shared_experiments.get();
  if (parts.keys != nullptr) {
    api.note = [keys = parts.keys](std::string_view action, std::string_view experiment,
                                   std::string_view key_id) {
      crypto::AuditEvent event;
      event.action = action;
      event.actor = fmt::format("key:{}", key_id);
      event.details.emplace_back("experiment", experiment);
      [[maybe_unused]] const auto written = keys->audit().Append(event);
    };
  }
  return AddExperimentsApi(router, api);
}

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() = default;

Result<std::unique_ptr<Gateway>> Gateway::Make(const Settings& settings,
                                               const Environment& environment,
                                               const GatewayParts& parts) {
  auto impl = std::make_unique<Impl>(parts);
  for (const std::string& address : settings.listen) ASSAY_TRY(ParseAddress(address));
  if (KeysRequired(settings) && parts.keys == nullptr) {
    return Fail(Code::kFailedPrecondition,
                "this gateway would listen beyond this machine without API keys: make one with "
                "`assay keys create`, or listen on 127.0.0.1 only");
  }
  impl->observer = std::make_unique<TelemetryObserver>(
      impl->metrics, parts.log, parts.request_log,
      ObserverOptions{.access_log = settings.log.access, .texts = settings.request_log.texts});
  if (parts.keys != nullptr && KeysRequired(settings)) {
    impl->gate = std::make_unique<StoreGate>(*parts.keys);
  } else {
    impl->gate = std::make_unique<OpenGate>();
  }
  if (settings.cache.enabled) {
    ASSAY_ASSIGN(impl->cache, OpenCache(settings.cache, environment, parts.log));
    impl->MakeRefreshPolicy(settings.cache);
    impl->ShareOverRedis(settings.cache);
  }
  const std::size_t compute_threads = ThreadsOr(settings.compute.threads);
  impl->encoders =
      std::make_unique<EncoderPool>(parts.model_folders, settings.claims.checker, compute_threads);
  impl->judge = MakeClaimJudge(settings.claims.judge, compute_threads, impl->metrics);
  impl->checkers = std::make_unique<CheckerPool>(
      *impl->encoders, static_cast<std::size_t>(settings.claims.max_claims), impl->judge.get(),
      [log = parts.log](const corpus::Warning& warning) {
        if (log == nullptr) return;
        log->Write(telemetry::Level::kWarn, "documents",
                   {{"file", warning.file}, {"message", warning.message}});
      });
  impl->semantic = std::make_unique<SemanticPool>(
      *impl->encoders, SemanticFolder(settings.cache),
      [log = parts.log](const std::string& route, const std::string& note, bool good) {
        if (log == nullptr) return;
        log->Write(good ? telemetry::Level::kInfo : telemetry::Level::kWarn, "cache_semantic",
                   {{"route", route}, {"message", note}});
      });
  impl->learned = std::make_unique<ReliabilityPool>(
      core::FileSystem::Real(), InDataFolder(settings, "experts"),
      [log = parts.log](const std::string& message) {
        if (log != nullptr) log->Write(telemetry::Level::kWarn, "experts", {{"message", message}});
      });
  auto live = std::make_shared<LiveSettings>();
  live->settings = settings;
  ASSAY_ASSIGN(live->routes, RouteTable::Make(settings, environment, nullptr, impl->Pools()));
  impl->experiments =
      std::make_unique<ExperimentPool>(InDataFolder(settings, "experiments"), impl->metrics,
                                       core::FileSystem::Real(), core::Clock::Real());
  ASSAY_ASSIGN(live->experiments, LiveSet::Make(settings, live->routes, *impl->experiments));
  impl->live = live;
  ASSAY_ASSIGN(auto tls, LoadTls(settings.tls));
  const ServerOptions options = OptionsOf(settings, std::move(tls));
  impl->compute = std::make_unique<ComputePool>(
      compute_threads, static_cast<std::size_t>(settings.compute.queue_length));
  impl->pipeline = std::make_unique<Pipeline>(PipelineParts{.gate = impl->gate.get(),
                                                            .cache = impl->cache.get(),
                                                            .observer = impl->observer.get(),
                                                            .router = &impl->router,
                                                            .compute = impl->compute.get(),
                                                            .coalescer = &impl->coalescer,
                                                            .locks = impl->locks.get()},
                                              impl->live, options.threads);
  impl->server = std::make_unique<Server>(options, *impl->pipeline);
  impl->health = std::make_unique<HealthWatch>([log = parts.log](std::string_view name, bool up) {
    if (log == nullptr) return;
    log->Write(up ? telemetry::Level::kInfo : telemetry::Level::kWarn, "health",
               {{"upstream", name}, {"message", up ? "is reached again" : "cannot be reached"}});
  });
  impl->CountOverRedis(settings);
  impl->AddGauges();
  ASSAY_TRY(AddStageEndpoints(impl->router));
  ASSAY_TRY(
      AddEndpoints(impl->router, EndpointParts{.metrics = &impl->metrics,
                                               .cache = impl->cache.get(),
                                               .semantic = impl->semantic.get(),
                                               .metrics_open = settings.telemetry.metrics_open,
                                               .metrics_on = settings.telemetry.metrics}));
  ASSAY_TRY(
      AddConsensusApi(impl->router, [pool = impl->encoders.get()] { return pool->Static(); }));
  ASSAY_TRY(impl->AddExperiments());
  if (parts.keys != nullptr && KeysRequired(settings))
    ASSAY_TRY(AddKeyEndpoints(impl->router, *parts.keys));
  if (settings.claims.enabled) {
    ASSAY_TRY(AddClaimsApi(
        impl->router,
        [owner = impl.get()](std::string_view route) { return owner->CheckerOf(route); },
        {.batch_window_ms = settings.claims.batch_window_ms}));
  }
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

Router& Gateway::router() {
  return impl_->router;
}
telemetry::Metrics& Gateway::metrics() {
  return impl_->metrics;
}

cache::TieredCache* Gateway::cache() {
  return impl_->cache.get();
}

std::vector<dashboard::UpstreamView> Gateway::Upstreams() const {
  return impl_->Upstreams();
}

Result<void> Gateway::ServeShared(std::string_view name, const SharedClaimsOptions& options) {
  ASSAY_ASSIGN(
      impl_->shared,
      SharedClaims::Start(
          name, [impl = impl_.get()](std::string_view route) { return impl->CheckerOf(route); },
          options));
  AddSharedMetrics(impl_->metrics, *impl_->shared);
  return {};
}

std::string Gateway::ExperimentsJson() const {
  return ListExperiments(impl_->Experiments().get());
}

Result<std::string> Gateway::ExperimentJson(std::string_view id) const {
  return ReportExperiment(impl_->Experiments().get(), id);
}

Result<void> Gateway::StopExperiment(std::string_view id, bool stopped) {
  const std::shared_ptr<const LiveSet> set = impl_->Experiments();
  const LiveExperimentView* const one = set ? set->Find(id) : nullptr;
  if (one == nullptr) {
    return Fail(Code::kNotFound, fmt::format("There is no experiment '{}'.", id));
  }
  return one->store->SetStopped(stopped);
}

std::vector<dashboard::SemanticView> Gateway::Semantic() const {
  std::vector<dashboard::SemanticView> views;
  for (SemanticPool::View& view : impl_->semantic->Views()) {
    views.push_back({.route = std::move(view.route), .stats = std::move(view.stats)});
  }
  return views;
}

Result<void> Gateway::Start() {
  ASSAY_TRY(impl_->server->Start());
  impl_->ticker = std::thread([impl = impl_.get()] { impl->Tick(); });
  impl_->WatchUpstreams();
  return {};
}

const std::vector<std::string>& Gateway::addresses() const {
  return impl_->server->addresses();
}

Result<void> Gateway::Reload(const Settings& settings, const Environment& environment) {
  ASSAY_TRY(impl_->Reload(settings, environment));
  impl_->AddRouteMetrics();
  impl_->WatchUpstreams();
  impl_->server->Settle();
  return {};
}

Result<void> Gateway::Impl::Reload(const Settings& settings, const Environment& environment) {
  const std::lock_guard lock(reload_mutex);
  if (settings.tls.enabled() != live->settings.tls.enabled()) {
    return Fail(Code::kFailedPrecondition,
                "tls: switching TLS on or off needs a restart; a reload takes another certificate");
  }
  ASSAY_ASSIGN(auto tls, LoadTls(settings.tls));
  auto fresh = std::make_shared<LiveSettings>();
  fresh->settings = settings;
  ASSAY_ASSIGN(fresh->routes, RouteTable::Make(settings, environment, live->routes.get(), Pools()));
  ASSAY_ASSIGN(fresh->experiments, LiveSet::Make(settings, fresh->routes, *experiments));
  live = fresh;
  if (tls) server->SetTls(tls);
  server->SetLimits(LimitsOf(settings.limits));
  for (std::size_t i = 0; i < server->thread_count(); ++i) {
    server->Post(i, [pipeline = pipeline.get(), i, fresh] { pipeline->SetLive(i, fresh); });
  }
  return {};
}

std::size_t Gateway::Drain() {
  impl_->pipeline->SetDraining();
  impl_->server->Drain();
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::milliseconds(impl_->live->settings.limits.drain_time_ms);
  while (impl_->server->connections() > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kDrainLook);
  }
  const std::size_t cut = impl_->server->connections();
  impl_->server->Stop();
  if (impl_->cache) (void)impl_->cache->Flush();  // a tier that fails counts that itself
  return cut;
}

}  // namespace assay::gateway
