// dashboard/request_check_internal.h: what the headers of a request say about where it comes from.
// Threads: pure functions.
#pragma once
#include <string>
#include <string_view>

#include "assay/gateway/http_message.h"

namespace assay::gateway::dashboard {

inline constexpr std::string_view kSessionCookie = "assay_session";
inline constexpr std::string_view kCsrfHeader = "x-csrf-token";

// The value of that cookie (RFC 6265, 4.2.1); "" when there is none.
[[nodiscard]] std::string_view CookieValue(std::string_view cookie_header, std::string_view name);

// Whether the browser says that a page of another origin sent it (Fetch Metadata,
// `sec-fetch-site`). Programs that are no browsers say nothing and are let through: they have no
// cookie to abuse.
[[nodiscard]] bool CameFromElsewhere(const HttpRequest& request);

[[nodiscard]] bool SendsJson(const HttpRequest& request);

// "10.0.0.3" of "10.0.0.3:52114", "::1" of "[::1]:52114".
[[nodiscard]] std::string AddressOf(std::string_view peer);

}  // namespace assay::gateway::dashboard
