// A series taken apart into line, seasons and the rest.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace assay::experiments::internal {

// The middle value, of an even number the mean of the middle two; 0 of none. Reorders `values`, of
// which none may be NaN. O(n) on average, O(n log n) at worst.
[[nodiscard]] double Median(std::span<double> values);

// y(i) = level + slope * (i - middle) + season(i % period) + rest(i), fitted to i < baseline.
struct Fit {
  std::size_t n_base = 0;  // values of the baseline that are there
  double level = 0;
  double slope = 0;
  double middle = 0;          // mean of the baseline's positions
  double spread = 0;          // sum of squared distances of the positions to it
  double deviation = 0;       // of the baseline's rest, outliers pulled in
  double inflation = 1;       // variance of a mean over that of independent values
  std::vector<double> rest;   // of all positions; NaN where the value is missing
  std::vector<double> plain;  // the values without their season
};

[[nodiscard]] Fit FitSeries(std::span<const double> values, std::size_t baseline,
                            std::size_t period);

// The rest alone, fitted to all values.
[[nodiscard]] std::vector<double> RestOf(std::span<const double> values, std::size_t period);

// Regression of `rest` on `driver` (both without line and season) over the positions where both
// are.
struct Slope {
  double slope = 0;
  double error = 0;
  double driver_deviation = 0;
  double df = 0;
};
// `taken` is the number of parameters that were fitted to either before.
[[nodiscard]] Slope Regress(std::span<const double> rest, std::span<const double> driver,
                            std::size_t taken);

}  // namespace assay::experiments::internal
