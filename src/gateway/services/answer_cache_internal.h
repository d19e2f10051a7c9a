// The exact cache that the settings describe.
// Threads: pure functions.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "assay/cache/redis_tier.h"
#include "assay/cache/tiered_cache.h"
#include "assay/core/result.h"
#include "assay/gateway/exchange.h"
#include "assay/gateway/settings.h"
#include "assay/gateway/settings_load.h"
#include "assay/telemetry/log.h"

namespace assay::gateway {

// Memory, and the tiers below that are switched on; what befalls them goes to `log`, which may be
// null and outlives the cache. Errors: those of opening them, of their key file, and of ReadSecret.
[[nodiscard]] Result<std::unique_ptr<cache::TieredCache>> OpenCache(const CacheSettings& settings,
                                                                    const Environment& environment,
                                                                    telemetry::Log* log);

// The URL of the settings with their password in it, percent-encoded: never for a log. Errors:
// those of RedisAddress::Parse and ReadSecret; kInvalidArgument for a password and a Unix socket.
[[nodiscard]] Result<std::string> RedisUrl(const RedisTierSettings& settings,
                                           const Environment& environment);

// The Redis tier of that cache, or null.
[[nodiscard]] cache::RedisTier* RedisOf(const cache::TieredCache& cache);

// By the name that the tier gives itself: "memory", "zstd", "disk", "redis".
[[nodiscard]] CacheTier TierOf(std::string_view name);

}  // namespace assay::gateway
