// tuner_bench EVALUATIONS SEEDS: minimises the standard functions of bench/peers/tuner.py in ten
// variables and prints one JSON object: values at equal evaluations, evaluations a second on one
// thread.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/core/parallel.h"
#include "assay/tuner/engine.h"
#include "assay/tuner/standard_functions.h"

namespace {

using namespace assay::tuner;  // NOLINT: a program of one file
using Point = std::span<const double>;

constexpr std::size_t kDim = 10;

struct Named {
  std::string_view name;
  Engine engine;
};
constexpr Named kEngines[] = {{"annealing", Engine::kAnnealing},
                              {"genetic", Engine::kGenetic},
                              {"differential", Engine::kDifferential}};

std::string Measure(const StandardFunction& standard, Engine engine, std::uint64_t evaluations,
                    int seeds) {
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
    for (const StandardFunction& standard : kStandardFunctions) {
      out.push_back(fmt::format(R"("{}/{}": {})", engine.name, standard.name,
                                Measure(standard, engine.engine, evaluations, seeds)));
    }
  }
  fmt::print("{{{}}}\n", fmt::join(out, ",\n "));
  return 0;
}
