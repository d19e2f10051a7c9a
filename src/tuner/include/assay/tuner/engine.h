// assay/tuner/engine.h: three searches for the minimum of a function, behind one call.
// Room: tuner (uses core, experiments).  Threads: Minimize may be called from many; restarts run on
// all cores.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "assay/core/result.h"

namespace assay::tuner {

enum class VariableKind : std::uint8_t {
  kContinuous,
  kInteger,  // whole numbers of [low, high] whose order means something
  kChoice,   // whole numbers of [low, high] that are only names
};

struct Variable {
  std::string name = {};
  VariableKind kind = VariableKind::kContinuous;
  double low = 0;   // inclusive
  double high = 1;  // inclusive
};

// What a point is worth. Of two points the one that violates less is better; among those that
// violate nothing, the one with the lower value (Deb 2000). NaN is worse than everything.
struct Score {
  double value = 0;
  double violation = 0;  // >= 0; 0 when all constraints hold

  [[nodiscard]] bool BetterThan(const Score& other) const;
};

struct Problem {
  std::vector<Variable> variables;
  // Called from many threads at once. Gets one number a variable, within its bounds, whole where it
  // must be.
  std::function<Score(std::span<const double>)> evaluate;
};

enum class Engine : std::uint8_t {
  kAnnealing,  // Kirkpatrick, Gelatt and Vecchi 1983; steps adapt to half of them being taken
               // (Corana 1987)
  kGenetic,    // tournaments, simulated binary crossover and polynomial mutation (Deb and Agrawal
               // 1995)
  kDifferential,  // success-history adaptation, SHADE, with a shrinking population (Tanabe and
                  // Fukunaga 2014)
};

struct SearchOptions {
  Engine engine = Engine::kDifferential;
  std::uint64_t evaluations = 20'000;  // of all restarts together
  std::uint32_t restarts = 1;          // independent searches that share the evaluations
  std::uint64_t seed = 1;
};

struct SearchResult {
  std::vector<double> best;
  Score score;
  std::uint64_t evaluations = 0;
  std::vector<Score> of_restart;
};

// The best point of all restarts. Depends on problem, options and seed alone, not on the number of
// threads. Errors: kInvalidArgument for no variables, bounds that are not finite, low > high, whole
// variables with broken bounds, fewer than 64 evaluations a restart, or no restarts.
[[nodiscard]] Result<SearchResult> Minimize(const Problem& problem, const SearchOptions& options);

}  // namespace assay::tuner
