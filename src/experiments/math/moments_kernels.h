// Mean and sum of squared distances to it, by SIMD.
#pragma once
#include <span>

namespace assay::experiments::internal {

struct Moments {
  double mean = 0;
  double squares = 0;  // sum of (x - mean)^2, with the mean's rounding taken out
};

// Not finite when a value or an intermediate is not; {0, 0} for no values.
[[nodiscard]] Moments MomentsOf(std::span<const double> values);

}  // namespace assay::experiments::internal
