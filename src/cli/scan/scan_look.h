// One look at the targets, from the cache where that is asked for; and many.
#pragma once
#include <string>

#include "assay/core/result.h"

#include "scan/scan_options.h"
#include "scan/scan_output.h"

namespace assay::cli {

// Cached results that cannot be used or kept are a warning on standard error.
[[nodiscard]] Result<ScanOutput> LookOrRecall(const ScanCommandOptions& options);

// Looks again and again, and prints what changed, until the process is ended. Errors: those of the
// first look; a later one that fails is told on standard error.
[[nodiscard]] Result<int> WatchServices(const ScanCommandOptions& options, const Painter& paint);

}  // namespace assay::cli
