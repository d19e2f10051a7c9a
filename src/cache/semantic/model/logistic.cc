#include <algorithm>
#include <cmath>
#include <limits>

#include "assay/cache/semantic/same_answer.h"

namespace assay::cache {
namespace {

constexpr std::size_t kDim = kPairFeatures;
// How strongly the shipped weights hold: as much as so many examples of unit size would.
constexpr double kPrecision = 1.0;
constexpr int kNewtonSteps = 4;
constexpr double kShortestStep = 1e-3;

using Vector = std::array<double, kDim>;
using Matrix = std::array<Vector, kDim>;

double Dot(const Vector& weights, const PairFeatures& features) {
  double sum = 0;
  for (std::size_t i = 0; i < kDim; ++i) sum += weights[i] * double{features.values[i]};
  return sum;
}

double Sigmoid(double logit) {
  return 1 / (1 + std::exp(-std::clamp(logit, -30.0, 30.0)));
}

// Minus the log of the posterior density, up to a constant.
double LossOf(const Vector& weights, std::span<const LogisticModel::Example* const> examples) {
  double loss = 0;
  for (const auto* example : examples) {
    const double z = std::clamp(Dot(weights, example->features), -30.0, 30.0);
    loss += double{example->weight} * (std::log1p(std::exp(z)) - (example->same ? z : 0));
  }
  for (std::size_t i = 0; i < kDim; ++i) {
    const double away = weights[i] - ShippedWeights()[i];
    loss += 0.5 * kPrecision * away * away;
  }
  return loss;
}

// Solves A x = b for a symmetric positive definite A by Cholesky's method; A is overwritten.
void SolveInPlace(Matrix& a, Vector& b) {
  for (std::size_t j = 0; j < kDim; ++j) {
    for (std::size_t k = 0; k < j; ++k) a[j][j] -= a[j][k] * a[j][k];
    a[j][j] = std::sqrt(std::max(a[j][j], std::numeric_limits<double>::min()));
    for (std::size_t i = j + 1; i < kDim; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
  }
  for (std::size_t i = 0; i < kDim; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = kDim; i-- > 0;) {
    for (std::size_t k = i + 1; k < kDim; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
}

Vector NewtonStep(const Vector& weights, std::span<const LogisticModel::Example* const> examples) {
  Matrix hessian{};
  Vector gradient{};
  for (const auto* example : examples) {
    const auto& x = example->features.values;
    const double p = Sigmoid(Dot(weights, example->features));
    const double residual = double{example->weight} * (p - (example->same ? 1.0 : 0.0));
    const double curvature = double{example->weight} * std::max(p * (1 - p), 1e-6);
    for (std::size_t i = 0; i < kDim; ++i) {
      if (x[i] == 0) continue;
      gradient[i] += residual * double{x[i]};
      const double scaled = curvature * double{x[i]};
      for (std::size_t k = 0; k <= i; ++k) hessian[i][k] += scaled * double{x[k]};
    }
  }
  for (std::size_t i = 0; i < kDim; ++i) {
    gradient[i] += kPrecision * (weights[i] - ShippedWeights()[i]);
    hessian[i][i] += kPrecision;
  }
  SolveInPlace(hessian, gradient);
  return gradient;
}

}  // namespace

const std::array<double, kPairFeatures>& ShippedWeights() {
  // models/same_question/train.py; the last six are set by hand (see the README there).
  static constexpr std::array<double, kPairFeatures> kWeights = {
#include "semantic/model/weights.inc"
  };
  return kWeights;
}

LogisticModel::LogisticModel() : weights_(ShippedWeights()) {}

double LogisticModel::Logit(const PairFeatures& features) const {
  return Dot(weights_, features);
}

double LogisticModel::Probability(const PairFeatures& features) const {
  return Sigmoid(Logit(features));
}

void LogisticModel::Fit(std::span<const Example* const> examples) {
  double loss = LossOf(weights_, examples);
  for (int step = 0; step < kNewtonSteps; ++step) {
    const Vector direction = NewtonStep(weights_, examples);
    bool is_better = false;
    for (double length = 1; length > kShortestStep && !is_better; length /= 2) {
      Vector next = weights_;
      for (std::size_t i = 0; i < kDim; ++i) next[i] -= length * direction[i];
      const double next_loss = LossOf(next, examples);
      if (next_loss >= loss) continue;
      is_better = true;
      weights_ = next;
      loss = next_loss;
    }
    if (!is_better) return;
  }
}

}  // namespace assay::cache
