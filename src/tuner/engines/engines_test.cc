#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "assay/core/parallel.h"
#include "assay/tuner/engine.h"

namespace assay::tuner {
namespace {

constexpr Engine kEngines[] = {Engine::kAnnealing, Engine::kGenetic, Engine::kDifferential};
constexpr std::size_t kDim = 10;

using Function = double (*)(std::span<const double>);

double Sphere(std::span<const double> x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum;
}

double Rastrigin(std::span<const double> x) {
  double sum = 10 * static_cast<double>(x.size());
  for (const double v : x) sum += v * v - 10 * std::cos(2 * std::numbers::pi * v);
  return sum;
}

double Rosenbrock(std::span<const double> x) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    sum += 100 * std::pow(x[i + 1] - x[i] * x[i], 2) + std::pow(1 - x[i], 2);
  }
  return sum;
}

Problem Over(Function function, double bound) {
  Problem out;
  // Bounds that are not even, so that the middle of the box is not the answer.
  for (std::size_t i = 0; i < kDim; ++i) {
    out.variables.push_back({"x", VariableKind::kContinuous, -bound, 0.8 * bound});
  }
  out.evaluate = [function](std::span<const double> x) { return Score{function(x), 0}; };
  return out;
}

double Best(const Problem& problem, Engine engine, std::uint64_t seed = 1) {
  const auto found = Minimize(problem, {.engine = engine, .evaluations = 20'000, .seed = seed});
  EXPECT_TRUE(found.has_value());
  EXPECT_EQ(found->evaluations, 20'000U);
  return found->score.value;
}

TEST(Engines, FindTheMinimaOfStandardFunctions) {
  for (const Engine engine : kEngines) {
    EXPECT_LT(Best(Over(Sphere, 5), engine), 1e-3) << static_cast<int>(engine);
    EXPECT_LT(Best(Over(Rastrigin, 5.12), engine), 3) << static_cast<int>(engine);
    EXPECT_LT(Best(Over(Rosenbrock, 3), engine), 10) << static_cast<int>(engine);
  }
  EXPECT_LT(Best(Over(Sphere, 5), Engine::kDifferential), 1e-20);
  EXPECT_LT(Best(Over(Rosenbrock, 3), Engine::kDifferential), 0.1);
}

// Choose one of 6 for each of 8, each with its own cost; a whole number and a share besides; a
// constraint that excludes the unconstrained minimum.
TEST(Engines, KeepConstraintsAndWholeNumbers) {
  Problem problem;
  for (int i = 0; i < 8; ++i) problem.variables.push_back({"choice", VariableKind::kChoice, 0, 5});
  problem.variables.push_back({"whole", VariableKind::kInteger, -20, 20});
  problem.variables.push_back({"share", VariableKind::kContinuous, 0, 1});
  problem.evaluate = [](std::span<const double> x) {
    double cost = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(x[i], std::floor(x[i]));
      EXPECT_TRUE(x[i] >= 0 && x[i] <= 5);
      // A cost without order: the cheapest choice of variable i is (3 i + 1) mod 6.
      const auto distance = (static_cast<std::size_t>(x[i]) + 5 * i * 3 + 5) % 6;
      cost += static_cast<double>(distance);
    }
    EXPECT_EQ(x[8], std::floor(x[8]));
    cost += std::fabs(x[8] - 7) + std::pow(x[9] - 0.25, 2);
    return Score{cost, std::max(0.0, x[8] - 4)};  // whole <= 4, where 7 would be cheapest
  };
  for (const Engine engine : kEngines) {
    const auto found = Minimize(problem, {.engine = engine, .evaluations = 20'000, .restarts = 2});
    ASSERT_TRUE(found.has_value());
    EXPECT_EQ(found->score.violation, 0) << static_cast<int>(engine);
    EXPECT_EQ(found->best[8], 4) << static_cast<int>(engine);
    EXPECT_NEAR(found->score.value, 3, 0.01) << static_cast<int>(engine);
  }
}

TEST(Engines, RepeatOnAnyNumberOfThreads) {
  const Problem problem = Over(Rastrigin, 5);
  for (const Engine engine : kEngines) {
    const SearchOptions options = {
        .engine = engine, .evaluations = 4'001, .restarts = 4, .seed = 9};
    const auto many = Minimize(problem, options);
    const core::ThreadLimit limit(1);
    const auto one = Minimize(problem, options);
    EXPECT_EQ(many->best, one->best);
    EXPECT_EQ(many->evaluations, 4'001U);
    EXPECT_EQ(many->of_restart.size(), 4U);
    const auto other =
        Minimize(problem, {.engine = engine, .evaluations = 4'001, .restarts = 4, .seed = 10});
    EXPECT_NE(other->best, one->best);
  }
}

TEST(Engines, BearNaNAndVariablesWithOneValue) {
  Problem problem;
  problem.variables = {{"fixed", VariableKind::kInteger, 3, 3},
                       {"x", VariableKind::kContinuous, -1, 1}};
  problem.evaluate = [](std::span<const double> x) {
    return Score{x[1] < 0 ? std::nan("") : x[1] * x[0], 0};
  };
  for (const Engine engine : kEngines) {
    const auto found = Minimize(problem, {.engine = engine, .evaluations = 2'000});
    EXPECT_EQ(found->best[0], 3);
    EXPECT_LT(found->score.value, 0.05) << static_cast<int>(engine);
  }
}

TEST(Engines, RefuseProblemsThatAreNone) {
  Problem problem = Over(Sphere, 5);
  EXPECT_FALSE(Minimize({}, {}).has_value());
  EXPECT_FALSE(Minimize(problem, {.evaluations = 100, .restarts = 2}).has_value());
  EXPECT_FALSE(Minimize(problem, {.restarts = 0}).has_value());
  problem.variables[3].low = 9;
  EXPECT_FALSE(Minimize(problem, {}).has_value());
  problem.variables[3] = {"half", VariableKind::kChoice, 0, 2.5};
  EXPECT_FALSE(Minimize(problem, {}).has_value());
  problem.variables[3] = {"endless", VariableKind::kContinuous, 0,
                          std::numeric_limits<double>::infinity()};
  EXPECT_FALSE(Minimize(problem, {}).has_value());
}

}  // namespace
}  // namespace assay::tuner
