#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "assay/core/parallel.h"

#include "engines/search_internal.h"

namespace assay::tuner {
namespace internal {

Search::Search(const Problem& problem, std::uint64_t budget, std::uint64_t seed)
    : problem_(problem),
      budget_(budget),
      rng_(seed),
      rounded_(problem.variables.size()),
      best_score_{std::numeric_limits<double>::infinity(),
                  std::numeric_limits<double>::infinity()} {}

double Search::Normal() {
  for (;;) {
    const double x = 2 * Unit() - 1;
    const double y = 2 * Unit() - 1;
    const double s = x * x + y * y;
    if (s > 0 && s < 1) return x * std::sqrt(-2 * std::log(s) / s);
  }
}

double Search::Draw(std::size_t i) {
  const Variable& v = variable(i);
  if (v.kind == VariableKind::kContinuous) return v.low + Unit() * (v.high - v.low);
  return std::min(v.high, std::floor(v.low + Unit() * (v.high - v.low + 1)));
}

Point Search::DrawPoint() {
  Point out;
  out.x.resize(dim());
  for (std::size_t i = 0; i < dim(); ++i) out.x[i] = Draw(i);
  out.score = Evaluate(out.x);
  return out;
}

Score Search::Evaluate(std::span<const double> x) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Variable& v = variable(i);
    const double whole = v.kind == VariableKind::kContinuous ? x[i] : std::floor(x[i] + 0.5);
    rounded_[i] = std::clamp(whole, v.low, v.high);
  }
  ++used_;
  const Score score = problem_.evaluate(rounded_);
  if (best_.empty() || score.BetterThan(best_score_)) {
    best_ = rounded_;
    best_score_ = score;
  }
  return score;
}

}  // namespace internal

namespace {

constexpr std::uint64_t kFewestEvaluations = 64;

Result<void> Check(const Problem& problem, const SearchOptions& options) {
  if (problem.variables.empty() || !problem.evaluate) {
    return Fail(Code::kInvalidArgument, "there is nothing to search: no variables or no function");
  }
  for (const Variable& v : problem.variables) {
    const bool whole = v.kind == VariableKind::kContinuous ||
                       (v.low == std::floor(v.low) && v.high == std::floor(v.high));
    if (!std::isfinite(v.low) || !std::isfinite(v.high) || v.low > v.high || !whole) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("variable '{}': bounds {} to {} cannot be", v.name, v.low, v.high));
    }
  }
  if (options.restarts == 0 || options.evaluations / options.restarts < kFewestEvaluations) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} evaluations for {} restarts: each needs {} or more",
                            options.evaluations, options.restarts, kFewestEvaluations));
  }
  return {};
}

}  // namespace

bool Score::BetterThan(const Score& other) const {
  if (std::isnan(violation) || std::isnan(value)) return false;
  if (std::isnan(other.violation) || std::isnan(other.value)) return true;
  if (violation != other.violation) return violation < other.violation;
  return value < other.value;
}

Result<SearchResult> Minimize(const Problem& problem, const SearchOptions& options) {
  ASSAY_TRY(Check(problem, options));
  std::vector<internal::Search> searches;
  for (std::uint32_t r = 0; r < options.restarts; ++r) {
    const std::uint64_t budget = options.evaluations / options.restarts +
                                 (r < options.evaluations % options.restarts ? 1 : 0);
    searches.emplace_back(problem, budget, options.seed + r * 0x9E3779B97F4A7C15ULL);
  }
  core::ParallelFor(searches.size(), 1, [&](std::size_t begin, std::size_t end) {
    for (std::size_t r = begin; r < end; ++r) {
      switch (options.engine) {
        case Engine::kAnnealing:
          internal::Anneal(searches[r]);
          break;
        case Engine::kGenetic:
          internal::Evolve(searches[r]);
          break;
        case Engine::kDifferential:
          internal::Differentiate(searches[r]);
          break;
      }
    }
  });
  SearchResult out;
  for (const internal::Search& search : searches) {
    out.evaluations += search.used();
    out.of_restart.push_back(search.best_score());
    if (out.best.empty() || search.best_score().BetterThan(out.score)) {
      out.best = search.best();
      out.score = search.best_score();
    }
  }
  return out;
}

}  // namespace assay::tuner
