#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/clock.h"

#include "runtime/endpoints_internal.h"

namespace assay::gateway {
namespace {

HttpReply Metrics(const telemetry::Metrics& metrics) {
  HttpReply reply;
  reply.content_type = telemetry::kPrometheusContentType;
  reply.body = metrics.PrometheusText();
  return reply;
}

HttpReply CacheOff() {
  return ErrorReply(
      Error{Code::kFailedPrecondition, "the cache is off; set `cache.enabled: true`"});
}

boost::json::array SemanticStats(const SemanticPool& semantic) {
  boost::json::array routes;
  for (const SemanticPool::View& view : semantic.Views()) {
    const cache::SemanticStats& stats = view.stats;
    routes.push_back({{"route", view.route},
                      {"entries", stats.entries},
                      {"requests", stats.requests},
                      {"hits", stats.hits},
                      {"refused_by_fact", stats.refused_by_fact},
                      {"ruled_out_fast", stats.ruled_out_fast},
                      {"checked", stats.checked},
                      {"wrong", stats.wrong},
                      {"false_hit_rate_95", {stats.false_hit_rate.low, stats.false_hit_rate.high}},
                      {"error_rate", stats.error_rate},
                      {"threshold", stats.threshold},
                      {"calibrated", stats.calibrated},
                      {"open", stats.open},
                      {"alarm", stats.alarm},
                      {"indexed", stats.indexed},
                      {"file_bytes", stats.file_bytes},
                      {"file_error", stats.file_error}});
  }
  return routes;
}

HttpReply CacheStats(const cache::TieredCache* cache, const SemanticPool& semantic) {
  if (cache == nullptr) return CacheOff();
  const cache::TieredStats stats = cache->Stats();
  boost::json::array tiers;
  for (const cache::TieredStats::OneTier& tier : stats.tiers) {
    tiers.push_back({{"name", tier.name},
                     {"entries", tier.stats.entries},
                     {"bytes", tier.stats.size_bytes},
                     {"capacity_bytes", tier.stats.capacity_bytes},
                     {"hits", tier.stats.hits},
                     {"misses", tier.stats.misses},
                     {"puts", tier.stats.puts},
                     {"evictions", tier.stats.evictions},
                     {"expired", tier.stats.expired},
                     {"errors", tier.stats.errors}});
  }
  return HttpReply::Json(
      boost::json::serialize(boost::json::object{{"tiers", std::move(tiers)},
                                                 {"lookups_waiting", stats.lookups_waiting},
                                                 {"lookups_dropped", stats.lookups_dropped},
                                                 {"writes_waiting", stats.writes_waiting},
                                                 {"writes_dropped", stats.writes_dropped},
                                                 {"write_errors", stats.write_errors},
                                                 {"promotions", stats.promotions},
                                                 {"semantic", SemanticStats(semantic)}}));
}

HttpReply BadParameter(std::string name, std::string message) {
  return ErrorReply(ApiError{.status = 400,
                             .type = ErrorTypeOf(400),
                             .code = "invalid_parameter",
                             .param = std::move(name),
                             .message = std::move(message)});
}

// A purge removes much at once, so a misspelt filter must not become "everything".
HttpReply PurgeCache(cache::TieredCache* cache, const HttpRequest& request) {
  static constexpr std::array<std::string_view, 5> kKnown = {"all", "tenant", "route", "model",
                                                             "older_than"};
  if (cache == nullptr) return CacheOff();
  std::string_view rest = request.query;
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    const auto name = PercentDecode(pair.substr(0, pair.find('=')), true);
    if (!name || std::find(kKnown.begin(), kKnown.end(), *name) == kKnown.end()) {
      return BadParameter(name.value_or(std::string(pair)),
                          "This is no filter of a purge; there are all, tenant, route, model and "
                          "older_than.");
    }
  }
  cache::Filter filter;
  filter.tenant = request.QueryParameter("tenant");
  filter.route = request.QueryParameter("route");
  filter.model = request.QueryParameter("model");
  const auto older_than = request.QueryParameter("older_than");
  if (older_than) {
    std::int64_t seconds = 0;
    const char* const end = older_than->data() + older_than->size();
    const auto [stop, error] = std::from_chars(older_than->data(), end, seconds);
    constexpr std::int64_t kMost = 100LL * 365 * 86'400;
    if (error != std::errc() || stop != end || seconds < 0 || seconds > kMost) {
      return BadParameter("older_than", "older_than must be a number of seconds.");
    }
    filter.stored_before_ms = core::Clock::Real().wall_ns() / 1'000'000 - seconds * 1000;
  }
  const auto all_text = request.QueryParameter("all");
  if (all_text && *all_text != "true") return BadParameter("all", "all can only be true.");
  const bool all = all_text.has_value();
  if (!all && !filter.tenant && !filter.route && !filter.model && !older_than) {
    return BadParameter("all",
                        "Name what to purge (tenant, route, model, older_than), or say "
                        "all=true.");
  }
  const auto purged = cache->Purge(filter);
  if (!purged) return ErrorReply(purged.error());
  return HttpReply::Json(fmt::format(R"({{"purged":{}}})", *purged));
}

}  // namespace

Result<void> AddStageEndpoints(Router& router) {
  struct Row {
    std::string_view method;
    std::string_view pattern;
    Scope scope;
  };
  constexpr std::array<Row, 7> kRows = {{{"GET", "/health", Scope::kNone},
                                         {"GET", "/ready", Scope::kNone},
                                         {"GET", "/v1/models", Scope::kInference},
                                         {"GET", "/v1/models/{model...}", Scope::kInference},
                                         {"POST", "/v1/chat/completions", Scope::kInference},
                                         {"POST", "/v1/completions", Scope::kInference},
                                         {"POST", "/v1/embeddings", Scope::kInference}}};
  for (const Row& row : kRows) {
    ASSAY_TRY(router.Add(row.method, row.pattern, row.scope, [](const HttpRequest&) {
      return ErrorReply(Error{Code::kInternal, "this request should not have come here"});
    }));
  }
  return {};
}

Result<void> AddEndpoints(Router& router, const EndpointParts& parts) {
  if (parts.metrics_on) {
    ASSAY_TRY(
        router.Add("GET", "/metrics", parts.metrics_open ? Scope::kNone : Scope::kAdmin,
                   [metrics = parts.metrics](const HttpRequest&) { return Metrics(*metrics); }));
  }
  ASSAY_TRY(router.Add("GET", "/v1/cache/stats", Scope::kCache,
                       [cache = parts.cache, semantic = parts.semantic](const HttpRequest&) {
                         return CacheStats(cache, *semantic);
                       }));
  return router.Add(
      "DELETE", "/v1/cache", Scope::kCache,
      [cache = parts.cache](const HttpRequest& request) { return PurgeCache(cache, request); });
}

}  // namespace assay::gateway
