// The dashboard of this gateway: its handlers, joined to what the gateway runs.
// Threads: made by one thread; the handlers run on the compute pool.
#pragma once
#include <functional>
#include <memory>

#include "assay/core/result.h"
#include "assay/gateway/dashboard/dashboard.h"
#include "assay/gateway/dashboard/live_sources.h"
#include "assay/gateway/router.h"
#include "assay/gateway/settings.h"
#include "assay/gateway/settings_load.h"
#include "assay/telemetry/metrics.h"

#include "services/answer_cache_internal.h"
#include "services/route_table_internal.h"

namespace assay::gateway {

// Null where it is off. Everything must outlive the router.
struct DashboardParts {
  const telemetry::Metrics* metrics = nullptr;
  const telemetry::RequestLog* request_log = nullptr;
  crypto::KeyStore* keys = nullptr;
  AnswerCache* cache = nullptr;
  std::function<std::shared_ptr<const RouteTable>()> routes;  // those of now; safe for any thread
};

struct DashboardSetup {
  std::unique_ptr<dashboard::LiveSources> sources;
  std::unique_ptr<dashboard::Dashboard> pages;
};

// Adds the pages where the settings want them; else an empty setup. It must outlive the router's
// use. Errors: those of reading the password that the settings name, and of Router::Add.
[[nodiscard]] Result<DashboardSetup> AddDashboard(Router& router, const Settings& settings,
                                                  const Environment& environment,
                                                  const DashboardParts& parts);

}  // namespace assay::gateway
