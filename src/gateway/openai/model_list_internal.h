// GET /v1/models.
// Threads: pure functions.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::gateway {

// Adds the identifiers of an upstream's model list to `names`. Errors: kDataLoss when it is none.
[[nodiscard]] Result<void> ReadModelList(std::string_view json, std::set<std::string>& names);

// {"object":"list","data":[{"id":...,"object":"model","created":0,"owned_by":"assay"},...]}
[[nodiscard]] std::string WriteModelList(const std::set<std::string>& names);
[[nodiscard]] std::string WriteModel(std::string_view name);

}  // namespace assay::gateway
