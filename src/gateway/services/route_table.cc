#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "assay/core/hash.h"

#include "checks/claim_judge_internal.h"
#include "services/route_table_internal.h"
#include "upstream/cost.h"
#include "upstream/http/http_provider.h"
#include "upstream/upstream.h"

namespace assay::gateway {
namespace {

// Weight, price and retries are the routes', health is the watch's: other ones need no other
// connections.
bool SameUpstream(UpstreamSettings a, const UpstreamSettings& b) {
  a.weight = b.weight;
  a.price = b.price;
  a.retry = b.retry;
  a.health = b.health;
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
  limits.max_in_flight = static_cast<std::uint32_t>(settings.max_in_flight);
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
                        const std::vector<UpstreamSettings>& upstreams,
                        const RouteSettings& route) {
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
  if (AsksSeveral(route.policy)) {
    const ConsensusSettings& c = route.consensus;
    hasher.Add(fmt::format("{} {} {} {} {}\n", static_cast<int>(route.policy),
                           static_cast<int>(c.method), c.quorum, c.same_threshold,
                           c.min_supported));
    for (const ExpertSettings& expert : route.experts) {
      hasher.Add(fmt::format("{} {} {} {}\n", expert.name, expert.system.size(), expert.temperature,
                             expert.weight));
      hasher.Add(expert.system);
    }
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
                                                           const RoutePools& pools) {
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
    ASSAY_ASSIGN(ModelRoute made, table->MakeRoute(settings, route, pools));
    table->any_cached_ = table->any_cached_ || made.cached;
    table->routes_.emplace(route.name, std::move(made));
  }
  if (ClaimJudge* const judge = pools.checkers.judge(); judge != nullptr) {
    ASSAY_TRY(table->GiveTarget(*judge));
  }
  if (const auto any = table->routes_.find("*"); any != table->routes_.end()) {
    table->any_ = &any->second;
  }
  return table;
}

Result<void> RouteTable::GiveTarget(ClaimJudge& judge) const {
  const auto member =
      std::ranges::find(upstreams_, judge.upstream(),
                        [](const Member& m) -> const std::string& { return m.settings.name; });
  if (member == upstreams_.end()) {  // a reload took it away
    judge.SetTarget(nullptr, {});
    return {};
  }
  RouteClientOptions options;
  options.max_attempts = 1;  // each costs
  ASSAY_ASSIGN(auto client, RouteClient::Make("judge", options, {{member->upstream, {}, 1}}));
  judge.SetTarget(std::move(client), member->settings.price);
  return {};
}

Result<ModelRoute> RouteTable::MakeRoute(const Settings& settings, const RouteSettings& route,
                                         const RoutePools& pools) const {
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
  made.version = VersionOf(targets, settings.upstreams, route);
  if (made.cached && route.cache.semantic.enabled) {
    ASSAY_ASSIGN(made.semantic, pools.semantic.Get(route.name, route.cache.semantic));
  }
  if (!route.documents.empty() && route.claims.enabled && settings.claims.enabled) {
    ASSAY_ASSIGN(made.checker, pools.checkers.Get(route.documents));
    made.documents_version = made.checker->Version();
  }
  ASSAY_ASSIGN(made.client, RouteClient::Make(
                                route.name, ClientOptions(settings, route, retry, made.deadline_ms),
                                std::move(targets)));
  if (AsksSeveral(route.policy)) {
    ASSAY_ASSIGN(made.circle, MakeCircle(settings, made, pools));
  }
  return made;
}

// Each expert has a client of its own, so that limits, retries and breakers hold for each.
Result<std::shared_ptr<Circle>> RouteTable::MakeCircle(const Settings& settings,
                                                       const ModelRoute& route,
                                                       const RoutePools& pools) const {
  std::vector<ExpertSettings> asked = route.settings.experts;
  if (asked.empty()) {
    for (const Member& member : upstreams_) {
      asked.emplace_back().upstream = member.settings.name;
    }
  }
  std::vector<CircleExpert> experts;
  for (ExpertSettings& expert : asked) {
    const auto member = std::ranges::find(upstreams_, expert.upstream,
                                          [](const Member& m) { return m.settings.name; });
    RouteClientOptions options =
        ClientOptions(settings, route.settings, member->settings.retry, route.deadline_ms);
    options.balance = Balance::kFailover;
    options.max_attempts = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(1 + member->settings.retry.attempts, 1, 10));
    ASSAY_ASSIGN(auto client,
                 RouteClient::Make(route.settings.name, options, {{member->upstream, {}, 1}}));
    experts.push_back({std::move(expert), std::move(client)});
  }
  ASSAY_ASSIGN(const embed::Encoder* const encoder, pools.encoders.Static());
  ASSAY_ASSIGN(auto circle,
               Circle::Make(route.settings, std::move(experts), *encoder, pools.learned));
  return std::shared_ptr<Circle>(std::move(circle));
}

const ModelRoute* RouteTable::Find(std::string_view model) const {
  const auto found = routes_.find(model);
  return found == routes_.end() ? any_ : &found->second;
}

std::int64_t RouteTable::CostOf(const UpstreamReply& reply) const {
  if (reply.cost_nanousd >= 0) return reply.cost_nanousd;
  return CostNanousd(reply.upstream, reply.usage.prompt_tokens, reply.usage.completion_tokens);
}

std::int64_t RouteTable::CostNanousd(std::string_view upstream, std::uint64_t prompt_tokens,
                                     std::uint64_t completion_tokens) const {
  for (const Member& member : upstreams_) {
    if (member.settings.name != upstream) continue;
    return gateway::CostNanousd(member.settings.price, prompt_tokens, completion_tokens);
  }
  return 0;
}

}  // namespace assay::gateway
