// Sums of resampled values, by SIMD.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace assay::experiments::internal {

// For resamples r in [first, first + control_sums.size()): the sums of control.size() and
// treatment.size() drawn values, by the generator of resample.h. Requires: 1 <= both sizes < 2^32;
// equal numbers of sums.
void ResampledSums(std::span<const double> control, std::span<const double> treatment,
                   std::uint64_t seed, std::uint64_t first, std::span<double> control_sums,
                   std::span<double> treatment_sums);

}  // namespace assay::experiments::internal
