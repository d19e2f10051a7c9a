// assay/gateway/dashboard/sources.h: what the dashboard shows and changes, as an interface.
// Room: gateway (uses cache, crypto, telemetry).  Threads: methods are called from the compute
// pool, many at a time, and may block.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/cache/tier.h"
#include "assay/core/result.h"
#include "assay/crypto/audit_log.h"
#include "assay/crypto/key_store.h"
#include "assay/telemetry/metrics_snapshot.h"
#include "assay/telemetry/request_log.h"

namespace assay::gateway::dashboard {

// An upstream's health at one moment; counters grow from the start of the process.
struct UpstreamView {
  std::string name = {};
  std::string url = {};  // without credentials
  std::vector<std::string> routes = {};
  std::string breaker = "closed";  // "closed", "open", "half-open"
  std::uint64_t breaker_opened = 0;
  std::uint64_t up = 1;        // 0: a look from outside could not reach it, so it gets no calls
  std::int64_t paused_ms = 0;  // how long its retry-after still holds calls back
  std::uint64_t in_flight = 0;
  std::uint64_t waiting = 0;
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  std::uint64_t rate_limited = 0;
  std::uint64_t refused = 0;
  std::uint64_t hedges = 0;  // second calls, made because the first was late
  std::uint64_t hedges_won = 0;
  double latency_us = 0;                 // to the first byte, moving average; 0: none yet
  std::int64_t requests_per_minute = 0;  // 0: no limit
  std::int64_t tokens_per_minute = 0;
};

struct TierView {
  std::string name = {};     // "memory", "compressed", "disk", "redis"
  std::string state = "ok";  // else what is wrong, in a word or two
  cache::TierStats stats = {};
};

// Of one route.
struct SemanticView {
  std::string route = {};
  cache::SemanticStats stats = {};
};

// Everything that is off in this gateway fails with kFailedPrecondition and says how to switch it
// on.
class Sources {
 public:
  virtual ~Sources() = default;

  [[nodiscard]] virtual telemetry::MetricsSnapshot Metrics() = 0;

  [[nodiscard]] virtual Result<telemetry::ExchangePage> Exchanges(
      const telemetry::ExchangeFilter& filter, std::int64_t cursor, std::size_t limit) = 0;
  [[nodiscard]] virtual Result<telemetry::ExchangeRecord> Exchange(const std::string& id) = 0;

  [[nodiscard]] virtual std::vector<UpstreamView> Upstreams() = 0;

  [[nodiscard]] virtual std::vector<TierView> Tiers() = 0;
  [[nodiscard]] virtual std::vector<SemanticView> Semantic() = 0;
  [[nodiscard]] virtual Result<std::uint64_t> Purge(const cache::Filter& filter) = 0;

  // `actor` stands in the audit log.
  [[nodiscard]] virtual Result<std::vector<crypto::KeyInfo>> Keys() = 0;
  [[nodiscard]] virtual Result<crypto::NewKey> CreateKey(const crypto::KeySpec& spec,
                                                         std::string_view actor) = 0;
  [[nodiscard]] virtual Result<void> RevokeKey(std::string_view id, std::string_view actor) = 0;

  // As GET /v1/experiments and /v1/experiments/{id} answer. Errors: kNotFound.
  [[nodiscard]] virtual std::string Experiments() = 0;
  [[nodiscard]] virtual Result<std::string> Experiment(std::string_view id) = 0;
  [[nodiscard]] virtual Result<void> StopExperiment(std::string_view id, bool stopped) = 0;

  // Writes into the audit log where there is one; must not fail the caller.
  virtual void Note(const crypto::AuditEvent& event) = 0;
};

}  // namespace assay::gateway::dashboard
