// The statistics of `assay validate`: shares with their intervals, and Amdahl's law.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "assay/experiments/tests.h"

namespace assay::cli::validate {

// Wilson's score interval (1927) of a share at 95 %; [0, 1] for n = 0.
[[nodiscard]] experiments::Interval WilsonInterval(std::uint64_t successes, std::uint64_t n);

// "5 of 24 (20.8 %, 9.2 to 40.5)".
[[nodiscard]] std::string ShareText(std::uint64_t successes, std::uint64_t n);

// How long the same work took on so many threads.
struct Timing {
  std::size_t threads = 1;
  double seconds = 0;
};

struct AmdahlFit {
  double serial_s = 0;        // of the work, on one thread
  double parallel_s = 0;      // of the work, on one thread
  double parallel_share = 1;  // in [0, 1]
  // That any number of threads could gain: 1 / (1 - parallel_share); infinite for a share of 1.
  double limit = 1;
};

// Amdahl's law (1967), seconds = serial + parallel / threads, by least squares; neither part below
// 0. Requires: times of at least two different numbers of threads.
[[nodiscard]] AmdahlFit FitAmdahl(std::span<const Timing> timings);

}  // namespace assay::cli::validate
