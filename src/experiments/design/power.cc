// Power and sample sizes.
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "assay/experiments/distributions.h"
#include "assay/experiments/sequential.h"

namespace assay::experiments {
namespace {

constexpr double kMostValues = 1e12;

Result<void> Check(double effect, double power, double alpha, double ratio) {
  if (!(alpha > 0) || !(power < 1) || !(alpha < power)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("alpha {} and power {} must be 0 < alpha < power < 1", alpha, power));
  }
  if (!(ratio > 0) || std::isinf(ratio)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the ratio of the groups {} must be positive", ratio));
  }
  if (effect == 0 || !std::isfinite(effect)) {
    return Fail(Code::kInvalidArgument,
                "an effect of 0 is never found; name the smallest that matters");
  }
  return {};
}

// The n at which the growing function `power_at` reaches `power`: doubling, then halving the
// bracket.
template <typename F>
Result<double> Smallest(double least, double power, const F& power_at) {
  double low = least;
  if (power_at(low) >= power) return low;
  double high = 2 * low;
  while (power_at(high) < power) {
    low = high;
    high *= 2;
    if (high > kMostValues) {
      return Fail(Code::kOutOfRange, "more than 10^12 values are needed; look for a larger effect");
    }
  }
  while (high - low > 1e-11 * high) {
    const double middle = 0.5 * (low + high);
    (power_at(middle) < power ? low : high) = middle;
  }
  return high;
}

}  // namespace

double PowerOfMeans(double effect, double n_control, double alpha, double ratio) {
  const double df = n_control * (1 + ratio) - 2;
  if (!(n_control > 1) || !(df > 0)) return std::numeric_limits<double>::quiet_NaN();
  const double shift = std::fabs(effect) * std::sqrt(n_control * ratio / (1 + ratio));
  const double critical = -StudentTQuantile(alpha / 2, df);
  return NonCentralTSf(critical, df, shift) + NonCentralTSf(critical, df, -shift);
}

Result<double> SampleSizeOfMeans(double effect, double power, double alpha, double ratio) {
  ASSAY_TRY(Check(effect, power, alpha, ratio));
  // Two values are the fewest with a variance; below one degree of freedom the test means nothing.
  const double least = std::fmax(2.0, 3 / (1 + ratio));
  return Smallest(least, power, [&](double n) { return PowerOfMeans(effect, n, alpha, ratio); });
}

double PowerOfProportions(double p_control, double p_treatment, double n_control, double alpha,
                          double ratio) {
  const double error = std::sqrt(p_control * (1 - p_control) / n_control +
                                 p_treatment * (1 - p_treatment) / (n_control * ratio));
  const double shift = std::fabs(p_treatment - p_control) / error;
  const double critical = -NormalQuantile(alpha / 2);
  return NormalSf(critical - shift) + NormalSf(critical + shift);
}

Result<double> SampleSizeOfProportions(double p_control, double p_treatment, double power,
                                       double alpha, double ratio) {
  ASSAY_TRY(Check(p_treatment - p_control, power, alpha, ratio));
  for (const double p : {p_control, p_treatment}) {
    if (!(p > 0) || !(p < 1)) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("the proportion {} is not between 0 and 1", p));
    }
  }
  return Smallest(1, power, [&](double n) {
    return PowerOfProportions(p_control, p_treatment, n, alpha, ratio);
  });
}

}  // namespace assay::experiments
