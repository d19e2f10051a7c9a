// dashboard/json_internal.h: what the JSON API answers, from what the rooms know.
// Threads: pure functions. Form: web/src/types.ts.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/gateway/dashboard/sources.h"
#include "assay/gateway/http_message.h"

namespace assay::gateway::dashboard {

enum class Range : std::uint8_t { kMinutes, kHour };  // seconds or minutes as steps

[[nodiscard]] std::string TrafficJson(const telemetry::MetricsSnapshot& metrics, Range range);

// The filter that the query parameters route, cache, status, verdict and search say.
[[nodiscard]] telemetry::ExchangeFilter FilterOf(const HttpRequest& request);
[[nodiscard]] std::string ExchangePageJson(const telemetry::ExchangePage& page);
[[nodiscard]] std::string ExchangeJson(const telemetry::ExchangeRecord& record);

struct LastError {
  std::string message;
  std::int64_t at_ms = 0;  // Unix; 0: none
};
// `last_errors` has one for each upstream.
[[nodiscard]] std::string UpstreamsJson(std::span<const UpstreamView> upstreams,
                                        std::span<const LastError> last_errors,
                                        std::int64_t now_ms);

[[nodiscard]] std::string CacheJson(std::span<const TierView> tiers,
                                    std::span<const SemanticView> semantic);

[[nodiscard]] std::string KeysJson(std::span<const crypto::KeyInfo> keys);
// Reads what the page sends. Errors: kInvalidArgument naming the field.
[[nodiscard]] Result<crypto::KeySpec> KeySpecOf(std::string_view body);
// The text of the field `name` of a JSON object. Errors: kInvalidArgument.
[[nodiscard]] Result<std::string> TextField(std::string_view body, std::string_view name);

}  // namespace assay::gateway::dashboard
