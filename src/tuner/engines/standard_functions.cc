#include "assay/tuner/standard_functions.h"

#include <cmath>
#include <cstddef>
#include <numbers>

namespace assay::tuner {

double Sphere(std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum;
}

double Rosenbrock(std::span<const double> x) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const double a = x[i + 1] - x[i] * x[i];
    sum += 100 * a * a + (1 - x[i]) * (1 - x[i]);
  }
  return sum;
}

double Rastrigin(std::span<const double> x) {
  double sum = 10 * static_cast<double>(x.size());
  for (const double v : x) sum += v * v - 10 * std::cos(2 * std::numbers::pi * v);
  return sum;
}

double Ackley(std::span<const double> x) {
  double squares = 0;
  double waves = 0;
  for (const double v : x) {
    squares += v * v;
    waves += std::cos(2 * std::numbers::pi * v);
  }
  const auto n = static_cast<double>(x.size());
  return 20 + std::numbers::e - 20 * std::exp(-0.2 * std::sqrt(squares / n)) - std::exp(waves / n);
}

double Griewank(std::span<const double> x) {
  double sum = 0;
  double product = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += x[i] * x[i] / 4000;
    product *= std::cos(x[i] / std::sqrt(static_cast<double>(i + 1)));
  }
  return 1 + sum - product;
}

}  // namespace assay::tuner
