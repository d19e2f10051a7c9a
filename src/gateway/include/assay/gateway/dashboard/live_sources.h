// assay/gateway/dashboard/live_sources.h: the dashboard's sources of a running gateway.
// Room: gateway (uses cache, crypto, telemetry).  Threads: as the objects behind it, which are all
// safe for many.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/tiered_cache.h"
#include "assay/gateway/dashboard/sources.h"
#include "assay/telemetry/metrics.h"

namespace assay::gateway::dashboard {

// What the gateway has; null or empty where it is off. Everything must outlive the LiveSources.
struct LiveParts {
  const telemetry::Metrics* metrics = nullptr;
  const telemetry::RequestLog* request_log = nullptr;
  crypto::KeyStore* keys = nullptr;
  cache::TieredCache* cache = nullptr;
  std::function<std::vector<UpstreamView>()> upstreams;
  std::function<std::string()> experiments;
  std::function<Result<std::string>(std::string_view id)> experiment;
  std::function<Result<void>(std::string_view id, bool stopped)> stop_experiment;
  std::function<std::vector<SemanticView>()> semantic;
};

class LiveSources final : public Sources {
 public:
  explicit LiveSources(LiveParts parts);

  [[nodiscard]] telemetry::MetricsSnapshot Metrics() override;
  [[nodiscard]] Result<telemetry::ExchangePage> Exchanges(const telemetry::ExchangeFilter& filter,
                                                          std::int64_t cursor,
                                                          std::size_t limit) override;
  [[nodiscard]] Result<telemetry::ExchangeRecord> Exchange(const std::string& id) override;
  [[nodiscard]] std::vector<UpstreamView> Upstreams() override;
  [[nodiscard]] std::vector<TierView> Tiers() override;
  [[nodiscard]] std::vector<SemanticView> Semantic() override;
  [[nodiscard]] Result<std::uint64_t> Purge(const cache::Filter& filter) override;
  [[nodiscard]] Result<std::vector<crypto::KeyInfo>> Keys() override;
  [[nodiscard]] Result<crypto::NewKey> CreateKey(const crypto::KeySpec& spec,
                                                 std::string_view actor) override;
  [[nodiscard]] Result<void> RevokeKey(std::string_view id, std::string_view actor) override;
  [[nodiscard]] std::string Experiments() override;
  [[nodiscard]] Result<std::string> Experiment(std::string_view id) override;
  [[nodiscard]] Result<void> StopExperiment(std::string_view id, bool stopped) override;
  void Note(const crypto::AuditEvent& event) override;

 private:
  LiveParts parts_;
};

}  // namespace assay::gateway::dashboard
