// dashboard/assets_internal.h: pages, scripts and sheets of the dashboard, and the headers that
// keep them safe. Threads: pure functions.
#pragma once
#include <string_view>

#include "assay/gateway/http_message.h"

namespace assay::gateway::dashboard {

// What may be loaded and from where: this origin only, no inline script or style, in no frame.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

// Adds the headers that every answer under /dashboard carries.
void AddSecurityHeaders(HttpReply& reply);

// The file under that path of web/dist, "" being the page itself; 304 where `if_none_match` names
// it, 404 for every other path: only names of the table are ever looked up, no disk is asked.
[[nodiscard]] HttpReply AssetReply(std::string_view path, std::string_view if_none_match);

}  // namespace assay::gateway::dashboard
