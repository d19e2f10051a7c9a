// What the engines share: points, bounds and counting.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "assay/core/clock.h"
#include "assay/tuner/engine.h"

namespace assay::tuner::internal {

struct Point {
  std::vector<double> x;  // as the engine moves it, not rounded
  Score score;
};

// One restart: evaluates points, remembers the best, stops at its budget.
class Search {
 public:
  Search(const Problem& problem, std::uint64_t budget, std::uint64_t seed);

  [[nodiscard]] std::size_t dim() const { return problem_.variables.size(); }
  [[nodiscard]] const Variable& variable(std::size_t i) const { return problem_.variables[i]; }
  [[nodiscard]] std::uint64_t budget() const { return budget_; }
  [[nodiscard]] std::uint64_t used() const { return used_; }
  [[nodiscard]] bool done() const { return used_ >= budget_; }
  [[nodiscard]] core::SeededRng& rng() { return rng_; }
  [[nodiscard]] double Unit() { return rng_.NextUnit(); }
  [[nodiscard]] std::size_t Below(std::size_t n) { return static_cast<std::size_t>(rng_.Below(n)); }
  [[nodiscard]] double Normal();

  // Within the bounds of the variable, uniform.
  [[nodiscard]] double Draw(std::size_t i);
  [[nodiscard]] Point DrawPoint();
  // Evaluates x after rounding whole variables; x itself stays as it is.
  [[nodiscard]] Score Evaluate(std::span<const double> x);

  [[nodiscard]] const std::vector<double>& best() const { return best_; }
  [[nodiscard]] const Score& best_score() const { return best_score_; }

 private:
  const Problem& problem_;
  std::uint64_t budget_;
  std::uint64_t used_ = 0;
  core::SeededRng rng_;
  std::vector<double> rounded_;
  std::vector<double> best_;
  Score best_score_;
};

void Anneal(Search& search);
void Evolve(Search& search);
void Differentiate(Search& search);

}  // namespace assay::tuner::internal
