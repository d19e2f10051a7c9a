#include "assay/experiments/distributions.h"

#include <cmath>
#include <limits>

#include <boost/math/distributions/non_central_t.hpp>
#include <boost/math/policies/policy.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>

namespace assay::experiments {
namespace {

namespace bm = boost::math;
namespace bp = boost::math::policies;

// Errors become NaN or infinity in place of exceptions. Doubles stay doubles: the arithmetic of
// 80 bits that Boost takes by default triples the time.
using Policy =
    bp::policy<bp::domain_error<bp::ignore_error>, bp::pole_error<bp::ignore_error>,
               bp::overflow_error<bp::ignore_error>, bp::underflow_error<bp::ignore_error>,
               bp::denorm_error<bp::ignore_error>, bp::rounding_error<bp::ignore_error>,
               bp::evaluation_error<bp::ignore_error>,
               bp::indeterminate_result_error<bp::ignore_error>, bp::promote_double<false>>;
// As above with 80 bits inside, where double alone loses more than 1e-12.
using Precise =
    bp::policy<bp::domain_error<bp::ignore_error>, bp::pole_error<bp::ignore_error>,
               bp::overflow_error<bp::ignore_error>, bp::underflow_error<bp::ignore_error>,
               bp::denorm_error<bp::ignore_error>, bp::rounding_error<bp::ignore_error>,
               bp::evaluation_error<bp::ignore_error>,
               bp::indeterminate_result_error<bp::ignore_error>>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSqrt2 = 1.4142135623730950488;

bool IsProbability(double p) {
  return p >= 0 && p <= 1;
}

}  // namespace

double NormalCdf(double z) {
  return 0.5 * std::erfc(-z / kSqrt2);
}

double NormalSf(double z) {
  return 0.5 * std::erfc(z / kSqrt2);
}

double NormalQuantile(double p) {
  if (!IsProbability(p)) return kNaN;
  if (p == 0) return -kInfinity;
  if (p == 1) return kInfinity;
  return -kSqrt2 * bm::erfc_inv(2 * p, Policy());
}

double StudentTTwoSided(double t, double df) {
  if (std::isnan(t) || !(df > 0)) return kNaN;
  if (std::isinf(t)) return 0;
  if (std::isinf(df)) return std::erfc(std::fabs(t) / kSqrt2);
  const double square = t * t;
  if (std::isinf(square)) {  // df / (df + t^2) underflows long before the tail does
    const double x = std::sqrt(df) / std::fabs(t);
    return std::pow(x, df) / (0.5 * df * bm::beta(0.5 * df, 0.5, Policy()));
  }
  // I_x(df/2, 1/2) with x = df / (df + t^2); near x = 1 from the other end, without cancellation.
  if (square < df) return bm::ibetac(0.5, 0.5 * df, square / (df + square), Policy());
  return bm::ibeta(0.5 * df, 0.5, df / (df + square), Policy());
}

double StudentTSf(double t, double df) {
  const double both = StudentTTwoSided(t, df);
  return t >= 0 ? 0.5 * both : 1 - 0.5 * both;
}

double StudentTCdf(double t, double df) {
  return StudentTSf(-t, df);
}

double NonCentralTSf(double t, double df, double delta) {
  if (std::isnan(t) || !(df > 0) || std::isnan(delta)) return kNaN;
  return bm::cdf(bm::complement(bm::non_central_t_distribution<double, Precise>(df, delta), t));
}

double ChiSquareCdf(double x, double df) {
  if (std::isnan(x) || !(df > 0)) return kNaN;
  if (x <= 0) return 0;
  return std::isinf(x) ? 1 : bm::gamma_p(0.5 * df, 0.5 * x, Precise());
}

double ChiSquareSf(double x, double df) {
  if (std::isnan(x) || !(df > 0)) return kNaN;
  if (x <= 0) return 1;
  return std::isinf(x) ? 0 : bm::gamma_q(0.5 * df, 0.5 * x, Precise());
}

double ChiSquareQuantile(double p, double df) {
  if (!IsProbability(p) || !(df > 0)) return kNaN;
  return p == 1 ? kInfinity : 2 * bm::gamma_p_inv(0.5 * df, p, Precise());
}

double FCdf(double x, double df1, double df2) {
  return x <= 0 ? (df1 > 0 && df2 > 0 ? 0 : kNaN) : FSf(1 / x, df2, df1);
}

double FSf(double x, double df1, double df2) {
  if (std::isnan(x) || !(df1 > 0) || !(df2 > 0)) return kNaN;
  if (x <= 0) return 1;
  if (std::isinf(x)) return 0;
  const double scaled = df1 * x;
  if (std::isinf(scaled)) return 0;
  // Whichever of the two arguments is the smaller one has all its digits.
  return scaled > df2 ? BetaCdf(df2 / (df2 + scaled), 0.5 * df2, 0.5 * df1)
                      : BetaSf(scaled / (df2 + scaled), 0.5 * df1, 0.5 * df2);
}

double BetaCdf(double x, double a, double b) {
  if (!(a > 0) || !(b > 0) || std::isnan(x)) return kNaN;
  if (x <= 0) return 0;
  return x >= 1 ? 1 : bm::ibeta(a, b, x, Precise());
}

double BetaSf(double x, double a, double b) {
  if (!(a > 0) || !(b > 0) || std::isnan(x)) return kNaN;
  if (x <= 0) return 1;
  return x >= 1 ? 0 : bm::ibetac(a, b, x, Precise());
}

double BetaQuantile(double p, double a, double b) {
  if (!IsProbability(p) || !(a > 0) || !(b > 0)) return kNaN;
  return bm::ibeta_inv(a, b, p, Precise());
}

double BetaPdf(double x, double a, double b) {
  if (!(a > 0) || !(b > 0) || !IsProbability(x)) return kNaN;
  if ((x == 0 && a < 1) || (x == 1 && b < 1)) return kInfinity;
  return bm::ibeta_derivative(a, b, x, Precise());
}

double BinomialPmf(std::int64_t k, std::int64_t n, double p) {
  if (n < 0 || !IsProbability(p)) return kNaN;
  if (k < 0 || k > n) return 0;
  if (p == 0) return k == 0 ? 1 : 0;
  if (p == 1) return k == n ? 1 : 0;
  const auto successes = static_cast<double>(k);
  const auto trials = static_cast<double>(n);
  if (k == 0) return std::exp(trials * std::log1p(-p));
  if (k == n) return std::exp(trials * std::log(p));
  return bm::ibeta_derivative(successes + 1, trials - successes + 1, p, Precise()) / (trials + 1);
}

double BinomialCdf(std::int64_t k, std::int64_t n, double p) {
  if (n < 0 || !IsProbability(p)) return kNaN;
  if (k < 0) return 0;
  if (k >= n) return 1;
  return BetaSf(p, static_cast<double>(k) + 1, static_cast<double>(n - k));
}

double BinomialSf(std::int64_t k, std::int64_t n, double p) {
  if (n < 0 || !IsProbability(p)) return kNaN;
  if (k < 0) return 1;
  if (k >= n) return 0;
  return BetaCdf(p, static_cast<double>(k) + 1, static_cast<double>(n - k));
}

}  // namespace assay::experiments
