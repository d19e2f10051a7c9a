// The exact cache that the settings describe.
// Threads: pure functions.
#pragma once
#include <memory>
#include <string_view>

#include "assay/cache/tiered_cache.h"
#include "assay/core/result.h"
#include "assay/gateway/exchange.h"
#include "assay/gateway/settings.h"

namespace assay::gateway {

// Memory, and the tiers below that are switched on. Errors: those of opening them.
[[nodiscard]] Result<std::unique_ptr<cache::TieredCache>> OpenCache(const CacheSettings& settings);

// By the name that the tier gives itself: "memory", "zstd", "disk", "redis".
[[nodiscard]] CacheTier TierOf(std::string_view name);

}  // namespace assay::gateway
