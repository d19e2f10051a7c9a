#include "assay/experiments/sequential.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "assay/experiments/distributions.h"

namespace assay::experiments {
namespace {

// Nodes and weights of Gauss and Legendre's rule with 16 points on [-1, 1], the positive half
// (Abramowitz and Stegun, table 25.4).
constexpr std::array<double, 8> kNodes = {0.095012509837637440185, 0.281603550779258913230,
                                          0.458016777657227386342, 0.617876244402643748447,
                                          0.755404408355003033895, 0.865631202387831743880,
                                          0.944575023073232576078, 0.989400934991649932596};
constexpr std::array<double, 8> kWeights = {0.189450610455068496285, 0.182603415044923588867,
                                            0.169156519395002538189, 0.149595988816576732081,
                                            0.124628971255533872052, 0.095158511682492784810,
                                            0.062253523938647892863, 0.027152459411754094852};

template <typename F>
double Integrate(double low, double high, const F& f) {
  constexpr int kPanels = 32;
  const double half = (high - low) / (2 * kPanels);
  double sum = 0;
  for (int panel = 0; panel < kPanels; ++panel) {
    const double middle = low + half * (2 * panel + 1);
    for (std::size_t i = 0; i < kNodes.size(); ++i) {
      sum += kWeights[i] * (f(middle - half * kNodes[i]) + f(middle + half * kNodes[i]));
    }
  }
  return sum * half;
}

struct Posterior {
  double a;
  double b;
  [[nodiscard]] double mean() const { return a / (a + b); }
};

// P(X > Y) for X ~ x, Y ~ y. In the logit both densities are smooth at the ends, even where a or b
// is below 1.
double ProbabilityGreater(const Posterior& x, const Posterior& y) {
  constexpr double kTail = 1e-16;
  const auto logit = [](double p, double q) { return std::log(p) - std::log(q); };
  const double from = BetaQuantile(kTail, x.a, x.b);
  const double rest = BetaQuantile(kTail, x.b, x.a);  // 1 - the upper end, with all its digits
  const double low = logit(std::max(from, 1e-300), 1 - from);
  const double high = logit(1 - rest, std::max(rest, 1e-300));
  return Integrate(low, high, [&](double t) {
    const double p = 1 / (1 + std::exp(-t));
    const double q = 1 / (1 + std::exp(t));
    const double density = p < 0.5 ? BetaPdf(p, x.a, x.b) : BetaPdf(q, x.b, x.a);
    const double below = p < 0.5 ? BetaCdf(p, y.a, y.b) : BetaSf(q, y.b, y.a);
    return density * p * q * below;
  });
}

}  // namespace

SequentialResult MixtureTest(double effect, double error, double tau, double confidence) {
  const double v = error * error;
  const double t = tau * tau;
  const double log_ratio = 0.5 * std::log(v / (v + t)) + t * effect * effect / (2 * v * (v + t));
  SequentialResult out;
  out.p = std::isnan(log_ratio) ? log_ratio : std::min(1.0, std::exp(-log_ratio));
  const double half =
      std::sqrt(v * (v + t) / t * (std::log((v + t) / v) - 2 * std::log(1 - confidence)));
  out.interval = {effect - half, effect + half};
  return out;
}

Interval ConfidenceSequence(double mean, double deviation, double n, double tightest_n,
                            double confidence) {
  const double alpha = 1 - confidence;
  // rho that makes the width at tightest_n smallest (the same, appendix B.2, to first order).
  const double rho =
      std::sqrt((-2 * std::log(alpha) + std::log(-2 * std::log(alpha) + 1)) / tightest_n);
  const double r = n * rho * rho;
  const double half =
      deviation * std::sqrt(2 * (r + 1) / (n * r) * std::log(std::sqrt(r + 1) / alpha));
  return {mean - half, mean + half};
}

Result<BetaComparison> CompareBetaBinomial(Proportion control, Proportion treatment,
                                           BetaPrior prior, double confidence) {
  for (const Proportion& part : {control, treatment}) {
    if (part.n < 0 || part.successes < 0 || part.successes > part.n) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{} successes of {} cannot be", part.successes, part.n));
    }
  }
  if (!(prior.a > 0) || !(prior.b > 0) || !(confidence > 0) || !(confidence < 1)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("prior {}, {} and confidence {}: the first two must be positive, the "
                            "last between 0 and 1",
                            prior.a, prior.b, confidence));
  }
  const auto posterior = [&](const Proportion& part) {
    return Posterior{prior.a + static_cast<double>(part.successes),
                     prior.b + static_cast<double>(part.n - part.successes)};
  };
  const Posterior c = posterior(control);
  const Posterior t = posterior(treatment);
  BetaComparison out;
  out.probability_better = std::clamp(ProbabilityGreater(t, c), 0.0, 1.0);
  // E[max(C - T, 0)] = E[C; C > T] - E[T; C > T]; a factor C in a beta density adds 1 to its a.
  out.expected_loss = std::max(0.0, c.mean() * ProbabilityGreater({c.a + 1, c.b}, t) -
                                        t.mean() * ProbabilityGreater(c, {t.a + 1, t.b}));
  const double tail = 0.5 - 0.5 * confidence;
  const auto interval = [&](const Posterior& p) {
    return Interval{BetaQuantile(tail, p.a, p.b), BetaQuantile(1 - tail, p.a, p.b)};
  };
  out.control = interval(c);
  out.treatment = interval(t);
  return out;
}

}  // namespace assay::experiments
