#include "assay/gateway/dashboard/live_sources.h"

#include <utility>

namespace assay::gateway::dashboard {
namespace {

std::unexpected<Error> LogIsOff() {
  return Fail(Code::kFailedPrecondition,
              "The request log is off. Switch it on with `request_log.enabled: true` or "
              "ASSAY_REQUEST_LOG_ENABLED=true.");
}

std::unexpected<Error> KeysAreOff() {
  return Fail(Code::kFailedPrecondition,
              "API keys are off: the gateway listens on this machine only. Switch them on with "
              "`keys.mode: required`.");
}

// The tiers name themselves as the header x-assay-cache does; people read words.
std::string TierName(const std::string& name) {
  return name == "zstd" ? "compressed" : name;
}

}  // namespace

LiveSources::LiveSources(LiveParts parts) : parts_(std::move(parts)) {}

telemetry::MetricsSnapshot LiveSources::Metrics() {
  return parts_.metrics == nullptr ? telemetry::MetricsSnapshot{} : parts_.metrics->Snapshot();
}

Result<telemetry::ExchangePage> LiveSources::Exchanges(const telemetry::ExchangeFilter& filter,
                                                       std::int64_t cursor, std::size_t limit) {
  if (parts_.request_log == nullptr) return LogIsOff();
  return parts_.request_log->Recent(filter, cursor, limit);
}

Result<telemetry::ExchangeRecord> LiveSources::Exchange(const std::string& id) {
  if (parts_.request_log == nullptr) return LogIsOff();
  return parts_.request_log->ById(id);
}

std::vector<UpstreamView> LiveSources::Upstreams() {
  return parts_.upstreams ? parts_.upstreams() : std::vector<UpstreamView>{};
}

std::vector<TierView> LiveSources::Tiers() {
  std::vector<TierView> tiers;
  if (parts_.cache == nullptr) return tiers;
  const cache::TieredStats stats = parts_.cache->Stats();
  for (const cache::TieredStats::OneTier& tier : stats.tiers) {
    tiers.push_back({.name = TierName(tier.name), .state = "ok", .stats = tier.stats});
  }
  return tiers;
}

std::vector<SemanticView> LiveSources::Semantic() {
  return parts_.semantic ? parts_.semantic() : std::vector<SemanticView>{};
}

Result<std::uint64_t> LiveSources::Purge(const cache::Filter& filter) {
  if (parts_.cache == nullptr) {
    return Fail(Code::kFailedPrecondition,
                "The cache is off. Switch it on with `cache.enabled: true`.");
  }
  return parts_.cache->Purge(filter);
}

Result<std::vector<crypto::KeyInfo>> LiveSources::Keys() {
  if (parts_.keys == nullptr) return KeysAreOff();
  return parts_.keys->List();
}

Result<crypto::NewKey> LiveSources::CreateKey(const crypto::KeySpec& spec, std::string_view actor) {
  if (parts_.keys == nullptr) return KeysAreOff();
  return parts_.keys->Create(spec, actor);
}

Result<void> LiveSources::RevokeKey(std::string_view id, std::string_view actor) {
  if (parts_.keys == nullptr) return KeysAreOff();
  ASSAY_TRY(parts_.keys->Revoke(id, actor));
  return {};
}

std::string LiveSources::Experiments() {
  return parts_.experiments ? parts_.experiments() : R"({"experiments":[]})";
}

Result<std::string> LiveSources::Experiment(std::string_view id) {
  if (!parts_.experiment) return Fail(Code::kNotFound, "There are no experiments.");
  return parts_.experiment(id);
}

Result<void> LiveSources::StopExperiment(std::string_view id, bool stopped) {
  if (!parts_.stop_experiment) return Fail(Code::kNotFound, "There are no experiments.");
  return parts_.stop_experiment(id, stopped);
}

void LiveSources::Note(const crypto::AuditEvent& event) {
  if (parts_.keys == nullptr) return;
  // A full disk must not lock the administrator out; the log's own check shows that it ended.
  [[maybe_unused]] const auto written = parts_.keys->audit().Append(event);
}

}  // namespace assay::gateway::dashboard
