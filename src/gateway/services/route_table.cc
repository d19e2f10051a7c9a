#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "assay/core/hash.h"

#include "services/route_table_internal.h"
#include "upstream/http/http_provider.h"
#include "upstream/upstream.h"

namespace assay::gateway {
namespace {

// Weight, price and retries are the routes': other ones need no other connections.
bool SameUpstream(UpstreamSettings a, const UpstreamSettings& b) {
  a.weight = b.weight;
  a.price = b.price;
  a.retry = b.retry;
  return a == b;
}

Result<std::shared_ptr<Upstream>> MakeUpstream(const UpstreamSettings& settings,
                                               const Environment& environment) {
  HttpProviderOptions options;
  options.name = settings.name;
  options.url = settings.url;
  ASSAY_ASSIGN(std::optional<std::string> key, ReadSecret(settings.key, environment));
  if (key) {
    options.api_key = crypto::SecretString::Copy(*key);
    crypto::Wipe(*key);
  }
  options.ca_file = settings.ca_file;
  options.verify_tls = settings.verify_tls;
  options.connect_timeout_ms = settings.connect_time_ms;
  options.first_byte_timeout_ms = settings.first_byte_time_ms;
  options.gap_timeout_ms = settings.idle_time_ms;
  options.dns_refresh_ms = settings.dns_refresh_ms;
  options.idle_timeout_ms = settings.keep_alive_ms;
  options.max_idle = static_cast<std::size_t>(settings.idle_connections);
  options.max_connection_age_ms = settings.connection_age_ms;
  options.max_answer_bytes = static_cast<std::size_t>(settings.max_answer_bytes);
  ASSAY_ASSIGN(auto provider, MakeHttpProvider(std::move(options)));
  LimiterOptions limits;
  limits.requests_per_minute = static_cast<std::uint64_t>(settings.rate.requests_per_minute);
  limits.tokens_per_minute = static_cast<std::uint64_t>(settings.rate.tokens_per_minute);
  limits.max_waiting = static_cast<std::uint32_t>(settings.rate.queue_length);
  limits.max_wait_ms = settings.rate.queue_time_ms;
  BreakerOptions breaker;
  breaker.failure_share = settings.breaker.failure_share;
  breaker.min_calls = static_cast<std::uint32_t>(settings.breaker.min_calls);
  breaker.window_ms = settings.breaker.window_ms;
  breaker.probes = static_cast<std::uint32_t>(settings.breaker.probes);
  breaker.open_ms = settings.breaker.open_ms;
  if (!settings.breaker.enabled) breaker.min_calls = UINT32_MAX;
  return std::make_shared<Upstream>(std::move(provider), limits, breaker);
}

// Weights are shares of any size in the settings and whole numbers for the client.
std::uint32_t WholeWeight(double weight) {
  return static_cast<std::uint32_t>(std::clamp(std::round(weight * 1000), 0.0, 1e9));
}

std::uint64_t VersionOf(const std::vector<RouteTarget>& targets,
                        const std::vector<UpstreamSettings>& upstreams) {
  core::Hasher hasher;
  for (const RouteTarget& target : targets) {
    const std::string_view name = target.upstream->name();
    for (const UpstreamSettings& upstream : upstreams) {
      if (upstream.name == name) hasher.Add(upstream.url);
    }
    hasher.Add(std::string_view("\n", 1));
    hasher.Add(target.model);
    hasher.Add(std::string_view("\0", 1));
  }
  return hasher.Digest64();
}

RouteClientOptions ClientOptions(const Settings& settings, const RouteSettings& route,
                                 const RetrySettings& retry, std::int64_t deadline_ms) {
  RouteClientOptions options;
  options.balance = route.policy == RoutePolicy::kBalance ? Balance::kWeighted : Balance::kFailover;
  const std::size_t targets =
      route.experts.empty() ? settings.upstreams.size() : route.experts.size();
  // Each target once, and the retries: failover needs a call for every one.
  options.max_attempts = static_cast<std::uint32_t>(
      std::clamp<std::size_t>(targets + static_cast<std::size_t>(retry.attempts), 1, 10));
  options.backoff_base_ms = retry.base_ms;
  options.backoff_max_ms = retry.max_ms;
  options.deadline_ms = deadline_ms;
  options.hedge_quantile = route.hedge_quantile;
  return options;
}

}  // namespace

Result<std::shared_ptr<const RouteTable>> RouteTable::Make(const Settings& settings,
                                                           const Environment& environment,
                                                           const RouteTable* before,
                                                           CheckerPool& checkers,
                                                           SemanticPool& semantic) {
  auto table = std::make_shared<RouteTable>();
  for (const UpstreamSettings& upstream : settings.upstreams) {
    std::shared_ptr<Upstream> taken;
    for (const Member& member : before == nullptr ? std::vector<Member>{} : before->upstreams_) {
      if (SameUpstream(member.settings, upstream)) taken = member.upstream;
    }
    if (!taken) {
      ASSAY_ASSIGN(taken, MakeUpstream(upstream, environment));
    }
    table->upstreams_.push_back(Member{upstream, std::move(taken)});
  }
  for (const RouteSettings& route : settings.routes) {
    ASSAY_ASSIGN(ModelRoute made, table->MakeRoute(settings, route, checkers, semantic));
    table->routes_.emplace(route.name, std::move(made));
  }
  if (const auto any = table->routes_.find("*"); any != table->routes_.end()) {
    table->any_ = &any->second;
  }
  return table;
}

Result<ModelRoute> RouteTable::MakeRoute(const Settings& settings, const RouteSettings& route,
                                         CheckerPool& checkers, SemanticPool& semantic) const {
  std::vector<RouteTarget> targets;
  RetrySettings retry;
  const auto add = [&](const Member& member, const std::string& model) {
    if (targets.empty()) retry = member.settings.retry;
    targets.push_back({member.upstream, model, WholeWeight(member.settings.weight)});
  };
  for (const ExpertSettings& expert : route.experts) {
    const auto member = std::find_if(upstreams_.begin(), upstreams_.end(), [&](const Member& m) {
      return m.settings.name == expert.upstream;
    });
    if (member == upstreams_.end()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("the route '{}' names the upstream '{}', which "
                              "does not exist",
                              route.name, expert.upstream));
    }
    add(*member, expert.model);
  }
  if (route.experts.empty()) {
    for (const Member& member : upstreams_) add(member, {});
  }
  ModelRoute made;
  made.settings = route;
  made.deadline_ms = route.deadline_ms > 0 ? route.deadline_ms : settings.limits.request_time_ms;
  made.cached = settings.cache.enabled && route.cache.enabled;
  made.ttl_ms = route.cache.ttl_ms > 0 ? route.cache.ttl_ms : settings.cache.ttl_ms;
  made.version = VersionOf(targets, settings.upstreams);
  if (made.cached && route.cache.semantic.enabled) {
    ASSAY_ASSIGN(made.semantic, semantic.Get(route.name, route.cache.semantic));
  }
  if (!route.documents.empty() && route.claims.enabled && settings.claims.enabled) {
    ASSAY_ASSIGN(made.checker, checkers.Get(route.documents));
    made.documents_version = made.checker->Version();
  }
  ASSAY_ASSIGN(made.client, RouteClient::Make(
                                route.name, ClientOptions(settings, route, retry, made.deadline_ms),
                                std::move(targets)));
  return made;
}

const ModelRoute* RouteTable::Find(std::string_view model) const {
  const auto found = routes_.find(model);
  return found == routes_.end() ? any_ : &found->second;
}

std::int64_t RouteTable::CostNanousd(std::string_view upstream, std::uint64_t prompt_tokens,
                                     std::uint64_t completion_tokens) const {
  constexpr double kNanousdPerTokenAtOneUsdPerMillion = 1000;  // 1e9 / 1e6
  for (const Member& member : upstreams_) {
    if (member.settings.name != upstream) continue;
    const PriceSettings& price = member.settings.price;
    return std::llround((static_cast<double>(prompt_tokens) * price.prompt_usd +
                         static_cast<double>(completion_tokens) * price.completion_usd) *
                        kNanousdPerTokenAtOneUsdPerMillion);
  }
  return 0;
}

}  // namespace assay::gateway
