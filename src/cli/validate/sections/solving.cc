// Problem solving: the tuner's engines on problems whose best answer is known.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <span>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/tuner/engine.h"
#include "assay/tuner/routing.h"
#include "assay/tuner/standard_functions.h"

#include "validate/sections.h"

namespace assay::cli::validate {
namespace {

using Point = std::span<const double>;

constexpr std::size_t kDim = 10;
constexpr std::uint64_t kEvaluations = 50'000;
constexpr std::uint64_t kSeeds = 3;
constexpr std::uint64_t kMostOutcomeBytes = std::uint64_t{1} << 30;
constexpr std::string_view kClaim = "3/3 algorithms working";

struct Promise {
  std::string_view name;
  tuner::Engine engine;
  double within;      // of the optimum, the median of the seeds
  std::size_t least;  // functions of tuner::kStandardFunctions
};
constexpr std::array<Promise, 3> kEngines = {
    {{"annealing", tuner::Engine::kAnnealing, 1e-3, 2},
     {"genetic", tuner::Engine::kGenetic, 0.1, 3},
     {"differential", tuner::Engine::kDifferential, 1e-6, 4}}};

Result<double> MedianBest(const tuner::StandardFunction& standard, tuner::Engine engine) {
  tuner::Problem problem;
  for (std::size_t i = 0; i < kDim; ++i) {
    problem.variables.push_back(
        {"x", tuner::VariableKind::kContinuous, standard.low, standard.high});
  }
  problem.evaluate = [&](Point x) { return tuner::Score{standard.function(x), 0}; };
  std::vector<double> values;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    ASSAY_ASSIGN(
        const tuner::SearchResult found,
        tuner::Minimize(
            problem, {.engine = engine, .evaluations = kEvaluations, .restarts = 2, .seed = seed}));
    values.push_back(found.score.value);
  }
  std::ranges::sort(values);
  return values[values.size() / 2];
}

Result<Finding> StandardFunctions(const Promise& promise) {
  Finding out;
  out.section = "solving";
  out.name = fmt::format("{} search: five standard functions of {} variables", promise.name, kDim);
  out.claimed = kClaim;
  out.promised = fmt::format(
      "within {:g} of the known optimum of {} of them, the median of {} seeds with {} evaluations",
      promise.within, promise.least, kSeeds, kEvaluations);
  std::vector<std::string> texts;
  std::size_t reached = 0;
  for (const tuner::StandardFunction& standard : tuner::kStandardFunctions) {
    ASSAY_ASSIGN(const double value, MedianBest(standard, promise.engine));
    reached += value <= promise.within ? 1U : 0U;
    texts.push_back(fmt::format("{} {:.2g}", standard.name, value));
    out.figures[standard.name] = value;
  }
  out.measured = fmt::format("{} of {}: {}", reached, tuner::kStandardFunctions.size(),
                             fmt::join(texts, ", "));
  out.verdict = reached >= promise.least ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

// Costs and qualities by chance: five classes of question, four models, dearer ones mostly better.
tuner::ClassTable RandomTable(core::Rng& rng) {
  constexpr std::size_t kClasses = 5;
  constexpr std::size_t kModels = 4;
  tuner::ClassTable table;
  double all = 0;
  for (std::size_t c = 0; c < kClasses; ++c) {
    table.share.push_back(0.2 + rng.NextUnit());
    all += table.share.back();
    std::vector<double> quality;
    std::vector<double> cost;
    for (std::size_t m = 0; m < kModels; ++m) {
      cost.push_back(std::pow(3.0, static_cast<double>(m)) * (0.5 + rng.NextUnit()));
      quality.push_back(std::min(1.0, 0.3 + 0.12 * static_cast<double>(m) + 0.3 * rng.NextUnit()));
    }
    table.quality.push_back(std::move(quality));
    table.cost.push_back(std::move(cost));
  }
  for (double& share : table.share) share /= all;
  return table;
}

Result<Finding> SmallPolicies() {
  constexpr int kTables = 40;
  Finding out;
  out.section = "solving";
  out.name = "which model for which class of question: 1,024 policies, all of them tried";
  out.claimed = kClaim;
  out.promised =
      fmt::format("each engine finds the cheapest one in {} of {} random tables", kTables, kTables);
  bool all = true;
  std::vector<std::string> texts;
  for (const Promise& engine : kEngines) {
    core::SeededRng rng(20'251'019);
    int found = 0;
    for (int i = 0; i < kTables; ++i) {
      const tuner::ClassTable table = RandomTable(rng);
      const double least = 0.55 + 0.15 * rng.NextUnit();
      const auto best = tuner::EnumeratePolicies(table, least);
      const auto tuned = tuner::TunePolicy(table, least, {.engine = engine.engine});
      if (!best && !tuned) {  // both say that no policy is good enough
        ++found;
      } else if (best && tuned) {
        const double gap = tuner::ValueOf(table, *tuned).cost - tuner::ValueOf(table, *best).cost;
        if (gap <= 1e-9) ++found;
      }
    }
    texts.push_back(fmt::format("{} {}", engine.name, found));
    out.figures[engine.name] = found;
    all = all && found == kTables;
  }
  out.measured = fmt::format("the optimum was found: {} (of {})", fmt::join(texts, ", "), kTables);
  out.verdict = all ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

// Outcomes of two real models on 6,992 questions of 57 subjects (RouteLLM), half of them held back.
Result<Finding> RealOutcomes(const std::string& data) {
  Finding out;
  out.section = "solving";
  out.name = "routing of real questions (RouteLLM's outcomes on MMLU), half of them held back";
  out.promised =
      "the best single model's accuracy within its 95 % interval, for at most 95 % of its cost";
  const std::string file = data + "/consensus/routellm_mmlu.jsonl";
  if (data.empty() || !std::filesystem::exists(file)) {
    out.reason = "the data sets are not here: name their folder with --data";
    return out;
  }
  ASSAY_ASSIGN(const std::string text, core::FileSystem::Real().ReadFile(file, kMostOutcomeBytes));
  tuner::ReadOptions how;
  // Prices of docs/tuner.md; models that are not named cost nothing.
  how.usd_per_million_tokens = {{"gpt-4-1106-preview", 24.7}, {"mixtral-8x7b-instruct", 0.24}};
  ASSAY_ASSIGN(const tuner::Outcomes outcomes, tuner::ReadOutcomes(text, file, how));
  const tuner::SplitOutcomes parts = tuner::Split(outcomes);
  const tuner::ClassTable table = tuner::Tabulate(parts.tune, 20);
  const auto single = [&](std::uint32_t model) {
    return tuner::Policy(outcomes.classes.size(), model);
  };
  std::uint32_t best = 0;
  for (std::uint32_t m = 1; m < outcomes.models.size(); ++m) {
    if (tuner::ValueOf(table, single(m)).quality > tuner::ValueOf(table, single(best)).quality) {
      best = m;
    }
  }
  ASSAY_ASSIGN(const tuner::Policy policy,
               tuner::TunePolicy(table, tuner::ValueOf(table, single(best)).quality,
                                 {.evaluations = 200'000}));
  const auto alone = tuner::Evaluate(parts.held_back, single(best), table, 0.95);
  const auto tuned = tuner::Evaluate(parts.held_back, policy, table, 0.95);
  if (!(alone.cost.value > 0)) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("{}: its models are {}, whose prices are not known", file,
                            fmt::join(outcomes.models, ", ")));
  }
  const double share = tuned.cost.value / alone.cost.value;
  out.measured = fmt::format(
      "on {} held-back questions accuracy {:.3f} ({:.3f} to {:.3f}), {} alone {:.3f}; {:.0f} % of "
      "its cost",
      tuned.n, tuned.quality.value, tuned.quality.interval.low, tuned.quality.interval.high,
      outcomes.models[best], alone.quality.value, 100 * share);
  out.figures = {{"accuracy", tuned.quality.value},
                 {"best_single", alone.quality.value},
                 {"cost_share", share}};
  const bool as_good = tuned.quality.interval.high >= alone.quality.value;
  out.verdict = as_good && share <= 0.95 ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

}  // namespace

Result<void> RunSolving(Session& session) {
  for (const Promise& engine : kEngines) {
    session.Step(fmt::format("solving: {} search", engine.name));
    ASSAY_ASSIGN(Finding found, StandardFunctions(engine));
    session.Add(std::move(found));
  }
  session.Step("solving: small policies");
  ASSAY_ASSIGN(Finding small, SmallPolicies());
  session.Add(std::move(small));
  session.Step("solving: real outcomes");
  ASSAY_ASSIGN(Finding real, RealOutcomes(session.options().data));
  session.Add(std::move(real));
  return {};
}

}  // namespace assay::cli::validate
