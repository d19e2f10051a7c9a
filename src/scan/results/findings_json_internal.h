// Findings as one line of JSON. Threads: pure functions.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "assay/scan/result_cache.h"

namespace assay::scan::internal {

// Without a line feed.
[[nodiscard]] std::string WriteFindings(const Findings& findings);

// Nothing where the text is something else.
[[nodiscard]] std::optional<Findings> ReadFindings(std::string_view json);

}  // namespace assay::scan::internal
