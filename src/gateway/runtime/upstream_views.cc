#include <array>

#include "runtime/upstream_views_internal.h"
#include "upstream/upstream.h"

namespace assay::gateway {

std::vector<dashboard::UpstreamView> ViewUpstreams(const RouteTable& routes) {
  static constexpr std::array<std::string_view, 3> kBreaker = {"closed", "open", "half-open"};
  std::vector<dashboard::UpstreamView> views;
  for (const RouteTable::Member& member : routes.upstreams()) {
    const UpstreamStats stats = member.upstream->Stats();
    dashboard::UpstreamView view;
    view.name = member.settings.name;
    view.url = member.settings.url;
    for (const auto& [name, route] : routes.routes()) {
      for (const RouteTarget& target : route.client->targets()) {
        if (target.upstream != member.upstream) continue;
        view.routes.push_back(name);
        break;
      }
    }
    view.breaker = kBreaker[static_cast<std::size_t>(stats.breaker)];
    if (!stats.reachable) view.breaker = "open";  // for who looks: no calls
    view.up = stats.reachable ? 1 : 0;
    view.breaker_opened = stats.breaker_opened;
    view.paused_ms = stats.paused_ms;
    view.in_flight = stats.in_flight;
    view.waiting = stats.waiting;
    view.calls = stats.calls;
    view.failures = stats.failures;
    view.rate_limited = stats.rate_limited;
    view.refused = stats.refused;
    view.hedges = stats.hedges;
    view.hedges_won = stats.hedges_won;
    view.latency_us = stats.latency_ms * 1000;
    view.requests_per_minute = member.settings.rate.requests_per_minute;
    view.tokens_per_minute = member.settings.rate.tokens_per_minute;
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace assay::gateway
