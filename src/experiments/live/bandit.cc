#include <cmath>

#include <fmt/format.h>

#include "assay/experiments/live.h"

namespace assay::experiments {
namespace {

// Standard normal by the polar method (Marsaglia and Bray 1964).
double DrawNormal(core::Rng& rng) {
  for (;;) {
    const double x = 2 * rng.NextUnit() - 1;
    const double y = 2 * rng.NextUnit() - 1;
    const double s = x * x + y * y;
    if (s > 0 && s < 1) return x * std::sqrt(-2 * std::log(s) / s);
  }
}

// log of a Gamma(shape, 1) variate (Marsaglia and Tsang 2000); logs keep shapes near 0 from
// underflow.
double DrawLogGamma(double shape, core::Rng& rng) {
  double boost = 0;
  if (shape < 1) {
    boost = std::log(1 - rng.NextUnit()) / shape;
    shape += 1;
  }
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = DrawNormal(rng);
    const double base = 1 + c * x;
    if (base <= 0) continue;
    const double v = base * base * base;
    const double u = 1 - rng.NextUnit();
    if (std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v) + boost;
  }
}

}  // namespace

ThompsonBandit::ThompsonBandit(std::size_t arms, BetaPrior prior) : posteriors_(arms, prior) {}

std::size_t ThompsonBandit::Choose(core::Rng& rng) const {
  std::size_t best = 0;
  double highest = -HUGE_VAL;
  for (std::size_t arm = 0; arm < posteriors_.size(); ++arm) {
    // log(X / Y) of two gammas is the logit of a beta, and grows with it.
    const double logit =
        DrawLogGamma(posteriors_[arm].a, rng) - DrawLogGamma(posteriors_[arm].b, rng);
    if (logit > highest) {
      highest = logit;
      best = arm;
    }
  }
  return best;
}

Result<void> ThompsonBandit::Reward(std::size_t arm, double reward, core::Rng& rng) {
  if (arm >= posteriors_.size()) {
    return Fail(Code::kOutOfRange,
                fmt::format("there is no arm {} among {}", arm, posteriors_.size()));
  }
  if (!(reward >= 0) || !(reward <= 1)) {
    return Fail(Code::kInvalidArgument, fmt::format("the reward {} is not in [0, 1]", reward));
  }
  const bool won = reward == 1 || (reward > 0 && rng.NextUnit() < reward);
  (won ? posteriors_[arm].a : posteriors_[arm].b) += 1;
  return {};
}

}  // namespace assay::experiments
