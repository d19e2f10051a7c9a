// Metrics of what has a state of its own: cache tiers, upstreams, the log and the request log.
// Threads: called by one; what it registers is read by any.
#pragma once
#include <functional>
#include <vector>

#include "assay/cache/tiered_cache.h"
#include "assay/crypto/key_store.h"
#include "assay/gateway/dashboard/sources.h"
#include "assay/gateway/shared/claims.h"
#include "assay/telemetry/log.h"
#include "assay/telemetry/metrics.h"
#include "assay/telemetry/request_log.h"

#include "cluster/shared_locks_internal.h"
#include "semantic/semantic_pool_internal.h"

namespace assay::gateway {

// Null where it is off. All must outlive the metrics' last reading.
struct StatusParts {
  const cache::TieredCache* cache = nullptr;
  const telemetry::Log* log = nullptr;
  const telemetry::RequestLog* request_log = nullptr;
  const crypto::KeyStore* keys = nullptr;
  const SharedLocks* locks = nullptr;
};

void AddStatusMetrics(telemetry::Metrics& metrics, const StatusParts& parts);

// `shared` must outlive the metrics' last reading.
void AddSharedMetrics(telemetry::Metrics& metrics, const SharedClaims& shared);

// For the routes of now; again after a reload, for those that it added. One that it removed stays
// as 0. The pool must outlive the metrics' last reading.
void AddSemanticMetrics(telemetry::Metrics& metrics, const SemanticPool& pool);

// Safe for any thread, as long as the metrics live.
using ReadUpstreams = std::function<std::vector<dashboard::UpstreamView>()>;

// For the upstreams of now; again after a reload, for those that it added. One that it removed
// stays as 0. The caller must hold no lock that `upstreams` takes.
void AddUpstreamMetrics(telemetry::Metrics& metrics, const ReadUpstreams& upstreams);

}  // namespace assay::gateway
