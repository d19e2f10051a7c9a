// Tests of means and of ratios of means.
#include <algorithm>
#include <cmath>
#include <limits>

#include "assay/experiments/distributions.h"
#include "assay/experiments/tests.h"

namespace assay::experiments {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Both samples in one scale, with the squared standard errors of their means.
struct Pair {
  double scale;
  double mean_c, mean_t;
  double square_c, square_t;
  double n_c, n_t;
};

Pair InOneScale(const Summary& control, const Summary& treatment) {
  const double scale = std::max(control.scale, treatment.scale);
  const double fc = control.scale / scale;
  const double ft = treatment.scale / scale;
  const auto nc = static_cast<double>(control.n);
  const auto nt = static_cast<double>(treatment.n);
  return {scale,
          control.mean * fc,
          treatment.mean * ft,
          control.variance * fc * fc / nc,
          treatment.variance * ft * ft / nt,
          nc,
          nt};
}

TestResult Undefined() {
  return {.effect = kNaN,
          .error = kNaN,
          .statistic = kNaN,
          .df = kNaN,
          .p = kNaN,
          .interval = {kNaN, kNaN}};
}

// Fills statistic, p and interval from effect and error, which are in units of `scale`.
TestResult Finish(double effect, double error, double df, double scale, double confidence) {
  TestResult out;
  out.effect = effect * scale;
  out.error = error * scale;
  out.df = df;
  if (error == 0) {  // constant samples
    out.statistic = effect == 0 ? 0 : std::copysign(kInfinity, effect);
    out.p = effect == 0 ? 1 : 0;
    out.interval = {out.effect, out.effect};
    return out;
  }
  out.statistic = effect / error;
  out.p = StudentTTwoSided(out.statistic, df);
  const double half = StudentTQuantile(0.5 + 0.5 * confidence, df) * error;
  out.interval = {(effect - half) * scale, (effect + half) * scale};
  return out;
}

}  // namespace

TestResult Welch(const Summary& control, const Summary& treatment, double confidence) {
  if (control.n < 2 || treatment.n < 2) return Undefined();
  const Pair pair = InOneScale(control, treatment);
  const double square = pair.square_c + pair.square_t;
  double df = pair.n_c + pair.n_t - 2;
  if (square > 0) {
    const double share_c = pair.square_c / square;
    const double share_t = pair.square_t / square;
    df = 1 / (share_c * share_c / (pair.n_c - 1) + share_t * share_t / (pair.n_t - 1));
  }
  return Finish(pair.mean_t - pair.mean_c, std::sqrt(square), df, pair.scale, confidence);
}

TestResult Student(const Summary& control, const Summary& treatment, double confidence) {
  if (control.n < 1 || treatment.n < 1 || control.n + treatment.n < 3) return Undefined();
  const Pair pair = InOneScale(control, treatment);
  const double df = pair.n_c + pair.n_t - 2;
  const double spread_c = control.n > 1 ? pair.square_c * pair.n_c * (pair.n_c - 1) : 0;
  const double spread_t = treatment.n > 1 ? pair.square_t * pair.n_t * (pair.n_t - 1) : 0;
  const double pooled = (spread_c + spread_t) / df;
  const double error = std::sqrt(pooled * (1 / pair.n_c + 1 / pair.n_t));
  return Finish(pair.mean_t - pair.mean_c, error, df, pair.scale, confidence);
}

TestResult RelativeLift(const Summary& control, const Summary& treatment, double confidence) {
  if (control.n < 2 || treatment.n < 2 || control.mean == 0) return Undefined();
  const Pair pair = InOneScale(control, treatment);
  const double ratio = pair.mean_t / pair.mean_c;
  const double square =
      (pair.square_t + ratio * ratio * pair.square_c) / (pair.mean_c * pair.mean_c);
  return Finish((pair.mean_t - pair.mean_c) / pair.mean_c, std::sqrt(square), kInfinity, 1,
                confidence);
}

TestResult RatioOfMeans(const PairSummary& control, const PairSummary& treatment,
                        double confidence) {
  if (control.n < 2 || treatment.n < 2 || control.mean_y == 0 || treatment.mean_y == 0) {
    return Undefined();
  }
  const auto ratio_of = [](const PairSummary& s) { return s.mean_x / s.mean_y; };
  const auto square_of = [&](const PairSummary& s) {
    const double r = ratio_of(s);
    const double spread = s.variance_x - 2 * r * s.covariance + r * r * s.variance_y;
    return std::max(spread, 0.0) / (static_cast<double>(s.n) * s.mean_y * s.mean_y);
  };
  return Finish(ratio_of(treatment) - ratio_of(control),
                std::sqrt(square_of(control) + square_of(treatment)), kInfinity, 1, confidence);
}

double CupedTheta(std::span<const PairSummary> groups) {
  double covariance = 0;
  double variance = 0;
  for (const PairSummary& group : groups) {
    if (group.n < 2) continue;
    covariance += group.covariance * static_cast<double>(group.n - 1);
    variance += group.variance_y * static_cast<double>(group.n - 1);
  }
  return variance > 0 ? covariance / variance : 0;
}

Summary CupedAdjust(const PairSummary& group, double theta, double overall_mean_y) {
  Summary out;
  out.n = group.n;
  out.missing = group.missing;
  out.mean = group.mean_x - theta * (group.mean_y - overall_mean_y);
  out.variance = std::max(
      group.variance_x - 2 * theta * group.covariance + theta * theta * group.variance_y, 0.0);
  if (group.n < 2) out.variance = kNaN;
  return out;
}

}  // namespace assay::experiments
