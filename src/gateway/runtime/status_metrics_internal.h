// Metrics of what has a state of its own: cache tiers, upstreams, the log and the request log.
// Threads: called by one; what it registers is read by any.
#pragma once
#include <functional>
#include <vector>

#include "assay/cache/tiered_cache.h"
#include "assay/gateway/dashboard/sources.h"
#include "assay/telemetry/log.h"
#include "assay/telemetry/metrics.h"
#include "assay/telemetry/request_log.h"

namespace assay::gateway {

// Null where it is off. All must outlive the metrics' last reading.
struct StatusParts {
  const cache::TieredCache* cache = nullptr;
  const telemetry::Log* log = nullptr;
  const telemetry::RequestLog* request_log = nullptr;
  std::function<std::vector<dashboard::UpstreamView>()> upstreams;
};

// Upstreams that a reload adds are counted after a restart; one that it removes stays as 0.
void AddStatusMetrics(telemetry::Metrics& metrics, const StatusParts& parts);

}  // namespace assay::gateway
