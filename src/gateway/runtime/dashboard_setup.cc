#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "runtime/dashboard_setup_internal.h"
#include "upstream/upstream.h"

namespace assay::gateway {
namespace {

constexpr double kUsPerMs = 1000;

std::string_view BreakerText(BreakerState state) {
  switch (state) {
    case BreakerState::kClosed:
      return "closed";
    case BreakerState::kOpen:
      return "open";
    case BreakerState::kHalfOpen:
      return "half-open";
  }
  return "closed";
}

// The URL without a user's name and password, should somebody have put them there.
std::string ShownUrl(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t path = url.find('/', begin);
  const std::size_t at = url.rfind('@', path);
  if (at == std::string::npos || at < begin) return url;
  return url.substr(0, begin) + url.substr(at + 1);
}

dashboard::UpstreamView ViewOf(const RouteTable::Member& member, const RouteTable& routes) {
  const UpstreamSettings& settings = member.settings;
  const UpstreamStats stats = member.upstream->Stats();
  dashboard::UpstreamView view;
  view.name = settings.name;
  view.url = ShownUrl(settings.url);
  for (const auto& [name, route] : routes.routes()) {
    for (const RouteTarget& target : route.client->targets()) {
      if (target.upstream == member.upstream) {
        view.routes.push_back(name);
        break;
      }
    }
  }
  view.breaker = BreakerText(stats.breaker);
  view.breaker_opened = stats.breaker_opened;
  view.paused_ms = stats.paused_ms;
  view.in_flight = stats.in_flight;
  view.waiting = stats.waiting;
  view.calls = stats.calls;
  view.failures = stats.failures;
  view.rate_limited = stats.rate_limited;
  view.refused = stats.refused;
  view.latency_us = stats.latency_ms * kUsPerMs;
  view.requests_per_minute = settings.rate.requests_per_minute;
  view.tokens_per_minute = settings.rate.tokens_per_minute;
  return view;
}

std::vector<dashboard::UpstreamView> UpstreamViews(const RouteTable& routes) {
  std::vector<dashboard::UpstreamView> views;
  for (const RouteTable::Member& member : routes.upstreams()) {
    views.push_back(ViewOf(member, routes));
  }
  return views;
}

std::vector<dashboard::TierView> TierViews(const AnswerCache& cache) {
  std::vector<dashboard::TierView> views;
  for (const auto& [name, stats] : cache.Stats()) {
    views.push_back({.name = name == "zstd" ? "compressed" : name, .stats = stats});
  }
  return views;
}

dashboard::LiveParts SourcesOf(const DashboardParts& parts) {
  dashboard::LiveParts live;
  live.metrics = parts.metrics;
  live.request_log = parts.request_log;
  live.keys = parts.keys;
  if (AnswerCache* const cache = parts.cache; cache != nullptr) {
    live.tiers = [cache] { return TierViews(*cache); };
    live.purge = [cache](const cache::Filter& filter) { return cache->Purge(filter); };
  }
  live.upstreams = [routes = parts.routes] { return UpstreamViews(*routes()); };
  return live;
}

}  // namespace

Result<DashboardSetup> AddDashboard(Router& router, const Settings& settings,
                                    const Environment& environment, const DashboardParts& parts) {
  DashboardSetup setup;
  if (!settings.dashboard.enabled) return setup;
  dashboard::Options options;
  options.version = ASSAY_VERSION;
  options.session_ms = settings.dashboard.session_ms;
  options.secure_cookie = settings.tls.enabled();
  if (!settings.data_folder.empty()) {
    options.password_file = fmt::format("{}/{}", settings.data_folder, dashboard::kPasswordFile);
  }
  ASSAY_ASSIGN(std::optional<std::string> password,
               ReadSecret(settings.dashboard.password, environment));
  options.password = std::move(password).value_or("");
  setup.sources = std::make_unique<dashboard::LiveSources>(SourcesOf(parts));
  ASSAY_ASSIGN(setup.pages, dashboard::Dashboard::Make(std::move(options), *setup.sources));
  ASSAY_TRY(setup.pages->AddRoutes(router));
  return setup;
}

}  // namespace assay::gateway
