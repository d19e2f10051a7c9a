// Quantiles of Student's t.
#include <cmath>
#include <limits>

#include "assay/experiments/distributions.h"

namespace assay::experiments {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Cornish and Fisher's expansion of the t quantile at the normal one, x (Abramowitz and
// Stegun, 26.7.5). `last` gets the size of the last term, which bounds what is left out.
double Expansion(double x, double df, double& last) {
  const double y = x * x;
  const double g1 = x * (y + 1) / 4;
  const double g2 = x * ((5 * y + 16) * y + 3) / 96;
  const double g3 = x * (((3 * y + 19) * y + 17) * y - 15) / 384;
  const double g4 = x * ((((79 * y + 776) * y + 1482) * y - 1920) * y - 945) / 92160;
  last = g4 / (df * df * df * df);
  return x + (g1 + (g2 + (g3 + g4 / df) / df) / df) / df;
}

// log of the density of Student's t at t.
double LogDensity(double t, double df) {
  constexpr double kLogPi = 1.1447298858494001741;
  int sign = 0;
  return lgamma_r(0.5 * (df + 1), &sign) - lgamma_r(0.5 * df, &sign) -
         0.5 * (std::log(df) + kLogPi) - 0.5 * (df + 1) * std::log1p(t * t / df);
}

// The t > 0 with upper tail q in (0, 1/2): Newton's steps on the logarithm of the tail, which is
// concave in t, kept between two bounds.
double UpperPoint(double q, double df, double start) {
  double low = 0;
  double high = kInfinity;
  double t = start;
  for (int step = 0; step < 200; ++step) {
    const double tail = StudentTSf(t, df);
    if (tail == q) return t;
    (tail > q ? low : high) = t;
    const double slope = std::exp(LogDensity(t, df)) / tail;  // of -log tail
    double next = t + std::log(tail / q) / slope;
    if (!(next > low) || !(next < high)) next = std::isinf(high) ? 2 * t + 1 : 0.5 * (low + high);
    if (std::fabs(next - t) <= 1e-15 * next) return next;
    t = next;
  }
  return t;
}

}  // namespace

double StudentTQuantile(double p, double df) {
  if (!(p >= 0) || !(p <= 1) || !(df > 0)) return kNaN;
  if (p == 0.5) return 0;
  const double sign = p < 0.5 ? -1 : 1;
  const double q = p < 0.5 ? p : 1 - p;
  if (q == 0) return sign * kInfinity;
  const double normal = -NormalQuantile(q);
  if (std::isinf(df)) return sign * normal;
  if (df == 1) return sign / std::tan(3.14159265358979323846 * q);
  if (df == 2) return sign * (1 - 2 * q) / std::sqrt(2 * q * (1 - q));
  double last = 0;
  const double start = Expansion(normal, df, last);
  // Each term is about y^2 / df of the one before; the next one is far below the last place.
  if (std::fabs(last) * (1 + normal * normal) < 1e-15 * df * normal && df > 100)
    return sign * start;
  return sign * UpperPoint(q, df, start > 0 && std::isfinite(start) ? start : normal);
}

}  // namespace assay::experiments
