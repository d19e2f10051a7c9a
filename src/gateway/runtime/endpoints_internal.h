// Assay's own endpoints that come with the gateway: metrics and the cache.
// Threads: the handlers run on the compute pool.
#pragma once
#include "assay/core/result.h"
#include "assay/crypto/key_store.h"
#include "assay/gateway/router.h"
#include "assay/telemetry/metrics.h"

#include "semantic/semantic_pool_internal.h"
#include "services/answer_cache_internal.h"

namespace assay::gateway {

struct EndpointParts {
  telemetry::Metrics* metrics = nullptr;
  cache::TieredCache* cache = nullptr;  // null: the cache is off
  const SemanticPool* semantic = nullptr;
  bool metrics_open = true;  // GET /metrics without a key
  bool metrics_on = true;
};

// GET /metrics, GET /v1/cache/stats, DELETE /v1/cache?tenant=&route=&model=&older_than=.
// Errors: those of Router::Add.
[[nodiscard]] Result<void> AddEndpoints(Router& router, const EndpointParts& parts);

// The endpoints that the stages answer before they ask the router: here so that another method gets
// its 405 and that Router::routes() is whole. Errors: those of Router::Add.
[[nodiscard]] Result<void> AddStageEndpoints(Router& router);

// GET /v1/keys, POST /v1/keys, DELETE /v1/keys/{id}. A token is shown when it is made and never
// again. `keys` must outlive the router.
[[nodiscard]] Result<void> AddKeyEndpoints(Router& router, crypto::KeyStore& keys);

}  // namespace assay::gateway
