// Upstreams as the dashboard and the metrics show them.
// Threads: safe.
#pragma once
#include <vector>

#include "assay/gateway/dashboard/sources.h"

#include "services/route_table_internal.h"

namespace assay::gateway {

[[nodiscard]] std::vector<dashboard::UpstreamView> ViewUpstreams(const RouteTable& routes);

}  // namespace assay::gateway
