// tuner_bench EVALUATIONS SEEDS: minimises the standard functions of bench/peers/tuner.py in ten
// variables and prints one JSON object: values at equal evaluations, evaluations a second on one
// thread.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/core/parallel.h"
#include "assay/tuner/engine.h"

namespace {

using namespace assay::tuner;  // NOLINT: a program of one file
using Point = std::span<const double>;

constexpr std::size_t kDim = 10;

double Sphere(Point x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum;
}

double Rosenbrock(Point x) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < x.size(); ++i) {
    const double a = x[i + 1] - x[i] * x[i];
    sum += 100 * a * a + (1 - x[i]) * (1 - x[i]);
  }
  return sum;
}

double Rastrigin(Point x) {
  double sum = 10 * static_cast<double>(x.size());
  for (const double v : x) sum += v * v - 10 * std::cos(2 * std::numbers::pi * v);
  return sum;
}

double Ackley(Point x) {
  double squares = 0;
  double waves = 0;
  for (const double v : x) {
    squares += v * v;
    waves += std::cos(2 * std::numbers::pi * v);
  }
  const auto n = static_cast<double>(x.size());
  return 20 + std::numbers::e - 20 * std::exp(-0.2 * std::sqrt(squares / n)) - std::exp(waves / n);
}

double Griewank(Point x) {
  double sum = 0;
  double product = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += x[i] * x[i] / 4000;
    product *= std::cos(x[i] / std::sqrt(static_cast<double>(i + 1)));
  }
  return 1 + sum - product;
}

struct Standard {
  std::string_view name;
  double (*function)(Point);
  double low;
  double high;
};

// Boxes whose middle is not the minimum.
constexpr Standard kFunctions[] = {{"sphere", Sphere, -5.12, 4.1},
                                   {"rosenbrock", Rosenbrock, -5, 10},
                                   {"rastrigin", Rastrigin, -5.12, 4.1},
                                   {"ackley", Ackley, -32, 25},
                                   {"griewank", Griewank, -600, 480}};

struct Named {
  std::string_view name;
  Engine engine;
};
constexpr Named kEngines[] = {{"annealing", Engine::kAnnealing},
                              {"genetic", Engine::kGenetic},
                              {"differential", Engine::kDifferential}};

std::string Measure(const Standard& standard, Engine engine, std::uint64_t evaluations, int seeds) {
  Problem problem;
  for (std::size_t i = 0; i < kDim; ++i) {
    problem.variables.push_back({"x", VariableKind::kContinuous, standard.low, standard.high});
  }
  problem.evaluate = [&](Point x) { return Score{standard.function(x), 0}; };
  std::vector<double> values;
  const auto begin = std::chrono::steady_clock::now();
  for (int seed = 0; seed < seeds; ++seed) {
    const auto found = Minimize(
        problem,
        {.engine = engine, .evaluations = evaluations, .seed = static_cast<std::uint64_t>(seed)});
    if (!found) std::exit(1);  // NOLINT: a program of one thread
    values.push_back(found->score.value);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return fmt::format(R"({{"values": [{}], "seconds_per_evaluation": {}}})", fmt::join(values, ", "),
                     took.count() / (static_cast<double>(evaluations) * seeds));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: tuner_bench EVALUATIONS SEEDS\n", stderr);
    return 2;
  }
  const auto evaluations = std::strtoull(argv[1], nullptr, 10);
  const auto seeds = static_cast<int>(std::strtol(argv[2], nullptr, 10));
  const assay::core::ThreadLimit limit(1);
  std::vector<std::string> out;
  for (const Named& engine : kEngines) {
    for (const Standard& standard : kFunctions) {
      out.push_back(fmt::format(R"("{}/{}": {})", engine.name, standard.name,
                                Measure(standard, engine.engine, evaluations, seeds)));
    }
  }
  fmt::print("{{{}}}\n", fmt::join(out, ",\n "));
  return 0;
}
