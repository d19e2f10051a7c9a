// Clopper, C. J. and Pearson, E. S. (1934), "The use of confidence or fiducial limits illustrated
// in the case of the binomial", Biometrika 26(4): quantiles of the beta distribution, found by
// bisection of its continued fraction (Numerical Recipes, 6.4).
#include <cmath>

#include "assay/cache/semantic/same_answer.h"

namespace assay::cache {
namespace {

double ContinuedFraction(double a, double b, double x) {
  constexpr int kTerms = 500;
  constexpr double kPrecision = 1e-14;
  constexpr double kTiny = 1e-300;
  const auto keep = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 1 / keep(1 - (a + b) * x / (a + 1));
  double result = d;
  for (int m = 1; m <= kTerms; ++m) {
    const double n = m;
    const double even = n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n));
    d = 1 / keep(1 + even * d);
    c = keep(1 + even / c);
    result *= d * c;
    const double odd = -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1));
    d = 1 / keep(1 + odd * d);
    c = keep(1 + odd / c);
    result *= d * c;
    if (std::abs(d * c - 1) < kPrecision) break;
  }
  return result;
}

// Of a positive argument; std::lgamma also writes a global sign.
double LogGamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

double IncompleteBeta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front =
      std::exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * ContinuedFraction(a, b, x) / a;
  return 1 - front * ContinuedFraction(b, a, 1 - x) / b;
}

double BetaQuantile(double a, double b, double probability) {
  double low = 0;
  double high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (IncompleteBeta(a, b, middle) < probability ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

Interval ClopperPearson(std::uint64_t hits, std::uint64_t n, double confidence) {
  if (n == 0) return {};
  const double tail = (1 - confidence) / 2;
  const auto k = static_cast<double>(hits);
  const auto rest = static_cast<double>(n - hits);
  Interval interval;
  if (hits > 0) interval.low = BetaQuantile(k, rest + 1, tail);
  if (hits < n) interval.high = BetaQuantile(k + 1, rest, 1 - tail);
  return interval;
}

}  // namespace assay::cache
