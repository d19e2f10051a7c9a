// What a request's headers say about the cache.
// Threads: pure functions.
#pragma once
#include <optional>
#include <string_view>

#include "assay/gateway/exchange.h"
#include "assay/gateway/http_message.h"

namespace assay::gateway {

// cache-control as a request may carry it (RFC 9111, 5.2.1): no-cache, no-store, max-age=N,
// only-if-cached; other directives are ignored, as the RFC says. x-assay-ttl: seconds, or "90s",
// "15m", "12h", "7d". Returns an error of status 400 for a number that is none.
[[nodiscard]] std::optional<ApiError> ReadCacheWish(std::string_view cache_control,
                                                    std::string_view assay_ttl, CacheWish& wish);

}  // namespace assay::gateway
