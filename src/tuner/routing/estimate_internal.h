// The mean of observed values. Threads: pure function.
#pragma once
#include <vector>

#include "assay/tuner/routing.h"

namespace assay::tuner::internal {

// With `z` standard errors to both sides; zeros without a value.
[[nodiscard]] Estimate FromValues(const std::vector<double>& values, double z);

}  // namespace assay::tuner::internal
