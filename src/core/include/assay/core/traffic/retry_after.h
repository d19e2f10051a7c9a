// assay/core/traffic/retry_after.h: how long a server asks to wait.
// Room: core.  Threads: pure functions.
// Source: RFC 9110, 10.2.3 and 5.6.7 (all three forms of a date); `retry-after-ms` as OpenAI sends
// it.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace assay::core {

// A longer wish counts as this one: a server that says "in a year" means "not now".
inline constexpr std::int64_t kMaxRetryAfterMs = 24LL * 3600 * 1000;

// Milliseconds from now, 0..kMaxRetryAfterMs, of a `retry-after` field: seconds or a date (a past
// one is 0). nullopt when it is neither.
[[nodiscard]] std::optional<std::int64_t> ParseRetryAfter(std::string_view value,
                                                          std::int64_t now_wall_ms);

// The same of a `retry-after-ms` field: milliseconds, a fraction is rounded up.
[[nodiscard]] std::optional<std::int64_t> ParseRetryAfterMs(std::string_view value);

// Seconds since the Unix epoch of an HTTP date; nullopt when it is none, or not a day of the
// calendar.
[[nodiscard]] std::optional<std::int64_t> ParseHttpDate(std::string_view text);

}  // namespace assay::core
