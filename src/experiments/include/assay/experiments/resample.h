// assay/experiments/resample.h: bootstrap intervals of the difference of two means.
// Room: experiments (uses core).  Threads: pure function; uses all cores.
// Method: Efron 1979 (percentile) and 1987 (bias-corrected and accelerated, BCa).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "assay/core/result.h"
#include "assay/experiments/tests.h"

namespace assay::experiments {

enum class BootstrapEffect : std::uint8_t {
  kDifference,  // mean of the treatment - mean of the control
  kRelative,    // mean of the treatment / mean of the control - 1
};

struct BootstrapOptions {
  std::uint32_t resamples = 10'000;  // 100 to 10,000,000
  std::uint64_t seed = 1;
  double confidence = 0.95;
  BootstrapEffect effect = BootstrapEffect::kDifference;
};

struct BootstrapResult {
  double effect = 0;  // of the samples themselves
  double error = 0;   // standard deviation of the resampled effects
  Interval percentile;
  Interval bca;                      // NaN where all resamples lie on one side of the effect
  std::vector<double> distribution;  // the resampled effects, smallest first
};

// Draws every sample anew with replacement, `resamples` times. NaN is left out first.
//
// Random numbers: resample r has a generator of its own, xoshiro256++ (Blackman and Vigna 2019),
// whose four words are the first outputs of SplitMix64 (Steele et al. 2014) from seed + r *
// 0xD1B54A32D192ED03. Each output gives two positions of a sample of n values: (low 32 bits * n) >>
// 32, then the same of the high 32 bits; an odd n leaves the last half unused. The control is drawn
// before the treatment. Results are the same on every processor and number of threads, but for the
// last bits of a sum. Cost: resamples * (control + treatment) draws, about 1 ns each and core.
// Errors: kInvalidArgument for a sample of fewer than 2 values, infinite values, a confidence
// outside (0, 1), a number of resamples out of range, or kRelative with a control whose mean is 0.
[[nodiscard]] Result<BootstrapResult> Bootstrap(std::span<const double> control,
                                                std::span<const double> treatment,
                                                const BootstrapOptions& options = {});

// The value below which a share q in [0, 1] of the sorted values lies, by linear interpolation.
[[nodiscard]] double QuantileOfSorted(std::span<const double> sorted, double q);

}  // namespace assay::experiments
