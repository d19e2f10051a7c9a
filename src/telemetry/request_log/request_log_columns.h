// The columns of the table `exchange`, in their order; reading and writing both follow this list.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "assay/telemetry/request_log.h"

namespace assay::telemetry::internal {

using Field =
    std::variant<std::string ExchangeRecord::*, std::int64_t ExchangeRecord::*,
                 std::uint32_t ExchangeRecord::*, int ExchangeRecord::*, bool ExchangeRecord::*>;

struct Column {
  std::string_view name;
  Field field;
};

using R = ExchangeRecord;

// What a list shows.
inline constexpr std::array<Column, 30> kSummaryColumns = {{
    {"request_id", &R::request_id},
    {"trace_id", &R::trace_id},
    {"start_unix_ms", &R::start_unix_ms},
    {"tenant", &R::tenant},
    {"key_id", &R::key_id},
    {"key_name", &R::key_name},
    {"endpoint", &R::endpoint},
    {"route", &R::route},
    {"model", &R::model},
    {"upstream", &R::upstream},
    {"http_status", &R::http_status},
    {"stream", &R::stream},
    {"coalesced", &R::coalesced},
    {"retries", &R::retries},
    {"cache", &R::cache},
    {"verdict", &R::verdict},
    {"supported", &R::supported},
    {"contradicted", &R::contradicted},
    {"unverified", &R::unverified},
    {"prompt_tokens", &R::prompt_tokens},
    {"completion_tokens", &R::completion_tokens},
    {"cost_nanousd", &R::cost_nanousd},
    {"saved_nanousd", &R::saved_nanousd},
    {"total_us", &R::total_us},
    {"upstream_us", &R::upstream_us},
    {"first_token_us", &R::first_token_us},
    {"request_bytes", &R::request_bytes},
    {"response_bytes", &R::response_bytes},
    {"error_code", &R::error_code},
    {"error_message", &R::error_message},
}};

// What only one exchange's page shows; `spans_json` stands between the two lists.
inline constexpr std::array<Column, 3> kDetailColumns = {{
    {"claims_json", &R::claims_json},
    {"question", &R::question},
    {"answer", &R::answer},
}};

}  // namespace assay::telemetry::internal
