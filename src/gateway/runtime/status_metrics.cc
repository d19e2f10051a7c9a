#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/status_metrics_internal.h"

namespace assay::gateway {
namespace {

using dashboard::UpstreamView;
using telemetry::Metrics;

template <typename Stats>
struct Row {
  std::string_view name;
  std::string_view help;
  std::uint64_t Stats::* value;
  bool total;
};

constexpr std::array<Row<cache::TierStats>, 8> kTierRows = {{
    {"assay_cache_entries", "Entries of a cache tier", &cache::TierStats::entries, false},
    {"assay_cache_bytes", "What they take, overhead included", &cache::TierStats::size_bytes,
     false},
    {"assay_cache_hits_total", "Lookups that found an entry", &cache::TierStats::hits, true},
    {"assay_cache_misses_total", "Lookups that found none", &cache::TierStats::misses, true},
    {"assay_cache_puts_total", "Entries stored", &cache::TierStats::puts, true},
    {"assay_cache_evictions_total", "Entries removed for lack of room",
     &cache::TierStats::evictions, true},
    {"assay_cache_expired_total", "Entries removed because their time was over",
     &cache::TierStats::expired, true},
    {"assay_cache_errors_total", "Calls of a tier that failed", &cache::TierStats::errors, true},
}};

constexpr std::array<Row<cache::TieredStats>, 6> kQueueRows = {{
    {"assay_cache_lookups_waiting", "Lookups that wait for a slower tier",
     &cache::TieredStats::lookups_waiting, false},
    {"assay_cache_lookups_dropped_total", "Lookups not made because that queue was full",
     &cache::TieredStats::lookups_dropped, true},
    {"assay_cache_writes_waiting", "Entries that wait for a slower tier",
     &cache::TieredStats::writes_waiting, false},
    {"assay_cache_writes_dropped_total", "Entries not written because that queue was full",
     &cache::TieredStats::writes_dropped, true},
    {"assay_cache_write_errors_total", "Entries that a slower tier failed to take",
     &cache::TieredStats::write_errors, true},
    {"assay_cache_promotions_total", "Entries found in a slower tier and stored in a faster one",
     &cache::TieredStats::promotions, true},
}};

constexpr std::array<Row<UpstreamView>, 9> kUpstreamRows = {{
    {"assay_upstream_calls_total", "Calls of an upstream", &UpstreamView::calls, true},
    {"assay_upstream_failures_total", "Calls that failed", &UpstreamView::failures, true},
    {"assay_upstream_rate_limited_total", "Answers with status 429", &UpstreamView::rate_limited,
     true},
    {"assay_upstream_refused_total", "Calls not made because of its limits or its breaker",
     &UpstreamView::refused, true},
    {"assay_upstream_hedges_total", "Second calls, made because the first was late",
     &UpstreamView::hedges, true},
    {"assay_upstream_hedges_won_total", "Second calls that answered first",
     &UpstreamView::hedges_won, true},
    {"assay_upstream_in_flight", "Calls in flight", &UpstreamView::in_flight, false},
    {"assay_upstream_waiting", "Calls that wait for its limits, or for one in flight to end",
     &UpstreamView::waiting, false},
    {"assay_upstream_up", "0 while it cannot be reached (upstreams.NAME.health), else 1",
     &UpstreamView::up, false},
}};

constexpr std::array<Row<cache::SemanticStats>, 7> kSemanticRows = {{
    {"assay_semantic_entries", "Questions that similar ones are compared with",
     &cache::SemanticStats::entries, false},
    {"assay_semantic_indexed", "Of them found by inverted lists, not by comparing with each",
     &cache::SemanticStats::indexed, false},
    {"assay_semantic_lookups_total", "Questions compared with those before",
     &cache::SemanticStats::requests, true},
    {"assay_semantic_hits_total", "Answered from a similar question", &cache::SemanticStats::hits,
     true},
    {"assay_semantic_refused_total", "Similar questions refused because a fact differs",
     &cache::SemanticStats::refused_by_fact, true},
    {"assay_semantic_checked_total", "Hits whose answer was compared with the upstream's",
     &cache::SemanticStats::checked, true},
    {"assay_semantic_wrong_total", "Checked hits whose answer was another one",
     &cache::SemanticStats::wrong, true},
}};

constexpr std::array<Row<telemetry::RequestLogStats>, 4> kRequestLogRows = {{
    {"assay_request_log_written_total", "Records written", &telemetry::RequestLogStats::written,
     true},
    {"assay_request_log_dropped_total", "Records dropped because the queue was full",
     &telemetry::RequestLogStats::dropped, true},
    {"assay_request_log_failed_total", "Records lost to a full or broken disk",
     &telemetry::RequestLogStats::failed, true},
    {"assay_request_log_expired_total", "Records removed by age or size",
     &telemetry::RequestLogStats::expired, true},
}};

constexpr std::array<Row<telemetry::LogStats>, 3> kLogRows = {{
    {"assay_log_lines_total", "Lines of the log written", &telemetry::LogStats::lines, true},
    {"assay_log_dropped_total", "Lines dropped because the queue was full",
     &telemetry::LogStats::dropped, true},
    {"assay_log_failed_total", "Lines lost to a full or broken disk",
     &telemetry::LogStats::write_errors, true},
}};

struct LockRow {
  std::string_view result;
  std::uint64_t SharedLockStats::* value;
};
constexpr std::array<LockRow, 5> kLockRows = {{
    {"taken", &SharedLockStats::taken},
    {"answered", &SharedLockStats::answered},
    {"held", &SharedLockStats::held},
    {"given_up", &SharedLockStats::given_up},
    {"failed", &SharedLockStats::failed},
}};

// One series for each row; `read` gives the statistics as they are now.
template <typename Rows, typename Read>
void AddRows(Metrics& metrics, const Rows& rows, const telemetry::Labels& labels,
             const Read& read) {
  for (const auto& row : rows) {
    metrics.AddCallback(
        row.name, row.help, labels,
        [read, value = row.value] { return static_cast<double>(read().*value); }, row.total);
  }
}

void AddCache(Metrics& metrics, const cache::TieredCache& cache) {
  const cache::TieredStats now = cache.Stats();
  for (std::size_t i = 0; i < now.tiers.size(); ++i) {
    AddRows(metrics, kTierRows, {{"tier", now.tiers[i].name}}, [&cache, i] {
      const cache::TieredStats stats = cache.Stats();
      return i < stats.tiers.size() ? stats.tiers[i].stats : cache::TierStats{};
    });
  }
  AddRows(metrics, kQueueRows, {}, [&cache] { return cache.Stats(); });
}

void AddUpstream(Metrics& metrics, const std::string& name, const ReadUpstreams& upstreams) {
  const auto read = [name, upstreams] {
    const std::vector<UpstreamView> views = upstreams();
    const auto found = std::ranges::find(views, name, &UpstreamView::name);
    return found == views.end() ? UpstreamView{} : *found;
  };
  AddRows(metrics, kUpstreamRows, {{"upstream", name}}, read);
  metrics.AddCallback("assay_upstream_breaker_open",
                      "1 while its breaker is open, 0.5 while it lets one call try",
                      {{"upstream", name}}, [read] {
                        const std::string state = read().breaker;
                        return state == "open" ? 1.0 : state == "closed" ? 0.0 : 0.5;
                      });
}

}  // namespace

void AddSharedMetrics(Metrics& metrics, const SharedClaims& shared) {
  metrics.AddCallback("assay_shared_clients", "Processes that verify through shared memory", {},
                      [&shared] { return static_cast<double>(shared.stats().clients); });
  metrics.AddCallback(
      "assay_shared_requests_total", "Batches of claims that came through shared memory", {},
      [&shared] { return static_cast<double>(shared.stats().requests); }, true);
  metrics.AddCallback(
      "assay_shared_lost_total", "Such processes that died without closing", {},
      [&shared] { return static_cast<double>(shared.stats().lost); }, true);
}

void AddSemanticMetrics(Metrics& metrics, const SemanticPool& pool) {
  for (const SemanticPool::View& now : pool.Views()) {
    const auto read = [&pool, route = now.route] {
      for (const SemanticPool::View& view : pool.Views()) {
        if (view.route == route) return view.stats;
      }
      return cache::SemanticStats{};
    };
    AddRows(metrics, kSemanticRows, {{"route", now.route}}, read);
    metrics.AddCallback("assay_semantic_error_share",
                        "Estimated wrong hits of all requests, to compare with the budget",
                        {{"route", now.route}}, [read] { return read().error_rate; });
    metrics.AddCallback("assay_semantic_false_hit_share",
                        "Wrong ones of the checked hits, as an estimate for all hits",
                        {{"route", now.route}}, [read] {
                          const cache::SemanticStats stats = read();
                          return stats.checked == 0 ? 0.0
                                                    : static_cast<double>(stats.wrong) /
                                                          static_cast<double>(stats.checked);
                        });
    metrics.AddCallback("assay_semantic_false_hit_share_upper",
                        "Upper end of its 95% interval; 1 while no hit was checked",
                        {{"route", now.route}}, [read] { return read().false_hit_rate.high; });
    metrics.AddCallback("assay_semantic_file_failed",
                        "1 where questions are not kept on the disk any more; /v1/cache/stats says "
                        "why",
                        {{"route", now.route}},
                        [read] { return read().file_error.empty() ? 0.0 : 1.0; });
    metrics.AddCallback("assay_semantic_open", "0 while the budget is spent and nothing is served",
                        {{"route", now.route}}, [read] { return read().open ? 1.0 : 0.0; });
    metrics.AddCallback("assay_semantic_alarm", "1 while the latest checks are worse than before",
                        {{"route", now.route}}, [read] { return read().alarm ? 1.0 : 0.0; });
  }
}

void AddUpstreamMetrics(Metrics& metrics, const ReadUpstreams& upstreams) {
  for (const UpstreamView& upstream : upstreams()) AddUpstream(metrics, upstream.name, upstreams);
}

void AddStatusMetrics(Metrics& metrics, const StatusParts& parts) {
  if (parts.cache != nullptr) AddCache(metrics, *parts.cache);
  if (parts.log != nullptr) {
    AddRows(metrics, kLogRows, {}, [log = parts.log] { return log->stats(); });
  }
  if (parts.keys != nullptr) {
    metrics.AddCallback(
        "assay_keys_sync_failed_total", "Times that usage of keys could not be written", {},
        [keys = parts.keys] { return static_cast<double>(keys->failed_synchronizations()); }, true);
  }
  if (parts.locks != nullptr) {
    for (const LockRow& row : kLockRows) {
      metrics.AddCallback(
          "assay_shared_locks_total", "Looks for another gateway that asks the same",
          {{"result", std::string(row.result)}},
          [locks = parts.locks, value = row.value] {
            return static_cast<double>(locks->Stats().*value);
          },
          true);
    }
  }
  if (parts.request_log != nullptr) {
    AddRows(metrics, kRequestLogRows, {}, [log = parts.request_log] { return log->stats(); });
  }
}

}  // namespace assay::gateway
