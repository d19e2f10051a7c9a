#include "assay/tuner/circle.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/experiments/distributions.h"

#include "routing/estimate_internal.h"

namespace assay::tuner {
namespace {

constexpr std::uint64_t kMostPlans = 20'000;
constexpr double kTolerance = 1e-12;

struct Played {
  double quality = 0;
  double cost = 0;
  double latency_ms = 0;
  double asked = 0;
};

bool Same(const Outcome& row, std::uint32_t a, std::uint32_t b) {
  return row.answer[a] != kNoAnswer && row.answer[a] == row.answer[b];
}

// Whose answer most of `asked` share; the first of several.
std::uint32_t OfMost(const Outcome& row, std::span<const std::uint32_t> asked) {
  std::uint32_t best = asked.front();
  std::ptrdiff_t most = 0;
  for (const std::uint32_t model : asked) {
    const auto votes = std::ranges::count_if(
        asked, [&](std::uint32_t other) { return other == model || Same(row, model, other); });
    if (votes > most) {
      most = votes;
      best = model;
    }
  }
  return best;
}

std::optional<Played> Play(const Outcome& row, const CirclePlan& plan) {
  for (const std::uint32_t model : plan.models) {
    if (std::isnan(row.quality[model])) return std::nullopt;
  }
  const std::span<const std::uint32_t> models(plan.models);
  std::size_t asked = plan.policy == CirclePolicy::kSingle ? 1 : models.size();
  std::uint32_t served = models.front();
  if (plan.policy == CirclePolicy::kFanout) served = OfMost(row, models);
  if (plan.policy == CirclePolicy::kCascade) {
    bool agreed = false;
    for (std::size_t i = 1; i < models.size() && !agreed; ++i) {
      const auto before = models.first(i);
      const auto with = std::ranges::find_if(
          before, [&](std::uint32_t other) { return Same(row, other, models[i]); });
      if (with == before.end()) continue;
      agreed = true;
      asked = i + 1;
      served = *with;
    }
    if (!agreed) served = OfMost(row, models);
  }
  Played out{.quality = row.quality[served], .asked = static_cast<double>(asked)};
  for (const std::uint32_t model : models.first(asked)) {
    if (!std::isnan(row.cost[model])) out.cost += row.cost[model];
    const double latency = std::isnan(row.latency_ms[model]) ? 0 : row.latency_ms[model];
    out.latency_ms = plan.policy == CirclePolicy::kFanout ? std::max(out.latency_ms, latency)
                                                          : out.latency_ms + latency;
  }
  return out;
}

struct Means {
  Played mean;
  std::uint64_t n = 0;
};

Means MeansOf(const Outcomes& outcomes, const CirclePlan& plan) {
  Means out;
  for (const Outcome& row : outcomes.rows) {
    const auto played = Play(row, plan);
    if (!played) continue;
    ++out.n;
    out.mean.quality += played->quality;
    out.mean.cost += played->cost;
    out.mean.latency_ms += played->latency_ms;
  }
  if (out.n == 0) return out;
  const auto n = static_cast<double>(out.n);
  out.mean.quality /= n;
  out.mean.cost /= n;
  out.mean.latency_ms /= n;
  return out;
}

// Ties of cost go to the quicker plan, and then to the one that asks fewer.
Score ScoreOf(const Outcomes& outcomes, const CirclePlan& plan, const CircleBounds& bounds) {
  const Means means = MeansOf(outcomes, plan);
  if (means.n == 0) return {0, 10};
  const double short_of = bounds.least_quality - means.mean.quality;
  const double late =
      std::isinf(bounds.most_latency_ms) ? 0 : means.mean.latency_ms / bounds.most_latency_ms - 1;
  const double tie = 1e-9 * means.mean.latency_ms + 1e-12 * static_cast<double>(plan.models.size());
  return {means.mean.cost * (1 + 1e-9) + tie * 1e-6,
          std::max(0.0, short_of > kTolerance ? short_of : 0) + std::max(0.0, late)};
}

// Point: policy, size, then a model for each place.
std::optional<CirclePlan> PlanOf(std::span<const double> point) {
  CirclePlan plan;
  plan.policy = static_cast<CirclePolicy>(static_cast<int>(point[0]));
  const auto size = plan.policy == CirclePolicy::kSingle ? 1 : static_cast<std::size_t>(point[1]);
  for (std::size_t i = 0; i < size; ++i) {
    const auto model = static_cast<std::uint32_t>(point[2 + i]);
    if (std::ranges::find(plan.models, model) != plan.models.end()) return std::nullopt;
    plan.models.push_back(model);
  }
  return plan;
}

std::uint64_t CountPlans(std::size_t models, std::size_t places) {
  std::uint64_t count = models;
  std::uint64_t orders = models;
  for (std::size_t size = 2; size <= places; ++size) {
    orders *= models - size + 1;
    count += 2 * orders;
    if (count > kMostPlans) return count;
  }
  return count;
}

template <typename Visit>
void ForEachPlan(std::size_t models, std::size_t places, CirclePlan& plan, const Visit& visit) {
  for (std::uint32_t m = 0; m < models; ++m) {
    if (std::ranges::find(plan.models, m) != plan.models.end()) continue;
    plan.models.push_back(m);
    for (const CirclePolicy policy :
         {CirclePolicy::kSingle, CirclePolicy::kCascade, CirclePolicy::kFanout}) {
      if ((plan.models.size() == 1) != (policy == CirclePolicy::kSingle)) continue;
      plan.policy = policy;
      visit(plan);
    }
    if (plan.models.size() < places) ForEachPlan(models, places, plan, visit);
    plan.models.pop_back();
  }
}

Result<void> CheckTable(const Outcomes& outcomes) {
  if (outcomes.logged) {
    return Fail(Code::kInvalidArgument,
                "a log has one model's answer of each question; a table of all is needed");
  }
  const bool answers = std::ranges::any_of(outcomes.rows, [](const Outcome& row) {
    return std::ranges::any_of(row.answer, [](std::uint32_t one) { return one != kNoAnswer; });
  });
  if (!answers) {
    return Fail(Code::kInvalidArgument,
                "no answer has a 'final' or a text with one, so nobody knows which ones agree");
  }
  return {};
}

}  // namespace

CircleValue EvaluateCircle(const Outcomes& outcomes, const CirclePlan& plan, double confidence) {
  const double z = experiments::NormalQuantile(0.5 + 0.5 * confidence);
  std::array<std::vector<double>, 4> columns;
  for (const Outcome& row : outcomes.rows) {
    const auto played = Play(row, plan);
    if (!played) continue;
    columns[0].push_back(played->quality);
    columns[1].push_back(played->cost);
    columns[2].push_back(played->latency_ms);
    columns[3].push_back(played->asked);
  }
  CircleValue out;
  out.n = columns[0].size();
  out.quality = internal::FromValues(columns[0], z);
  out.cost = internal::FromValues(columns[1], z);
  out.latency_ms = internal::FromValues(columns[2], z);
  out.asked = internal::FromValues(columns[3], z).value;
  return out;
}

Result<TunedCircle> TuneCircle(const Outcomes& outcomes, const CircleBounds& bounds,
                               const SearchOptions& options) {
  ASSAY_TRY(CheckTable(outcomes));
  const std::size_t models = outcomes.models.size();
  const std::size_t places = std::min(models, kMostAsked);
  Problem problem;
  problem.variables.push_back({"policy", VariableKind::kChoice, 0, 2});
  problem.variables.push_back({"size", VariableKind::kInteger, 2, static_cast<double>(places)});
  for (std::size_t i = 0; i < places; ++i) {
    problem.variables.push_back(
        {fmt::format("place {}", i), VariableKind::kChoice, 0, static_cast<double>(models) - 1});
  }
  problem.evaluate = [&](std::span<const double> point) -> Score {
    const auto plan = PlanOf(point);
    return plan ? ScoreOf(outcomes, *plan, bounds) : Score{0, 100};
  };
  ASSAY_ASSIGN(const SearchResult found, Minimize(problem, options));
  TunedCircle out;
  Score best = found.score;
  if (const auto plan = PlanOf(found.best)) out.plan = *plan;
  if (CountPlans(models, places) <= kMostPlans) {
    out.engine_found_best = true;
    CirclePlan trial;
    ForEachPlan(models, places, trial, [&](const CirclePlan& plan) {
      ++out.enumerated;
      const Score score = ScoreOf(outcomes, plan, bounds);
      if (!score.BetterThan(best)) return;
      best = score;
      out.plan = plan;
      out.engine_found_best = false;
    });
  }
  if (best.violation > 0) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("no way to ask these models has a quality of {:.4f}{}", bounds.least_quality,
                    std::isinf(bounds.most_latency_ms)
                        ? std::string()
                        : fmt::format(" within {:g} ms", bounds.most_latency_ms)));
  }
  return out;
}

std::string_view PolicyName(CirclePolicy policy) {
  static constexpr std::array<std::string_view, 3> kNames = {"single", "cascade", "fanout"};
  return kNames[static_cast<std::size_t>(policy)];
}

std::string CircleLines(const Outcomes& outcomes, const CirclePlan& plan, std::string_view route) {
  std::vector<std::string> experts;
  for (const std::uint32_t model : plan.models)
    experts.push_back(QuotedYaml(outcomes.models[model]));
  const bool single = plan.policy == CirclePolicy::kSingle;
  return fmt::format("routes:\n  {}: {{experts: [{}], policy: {}{}}}\n", QuotedYaml(route),
                     fmt::join(experts, ", "), single ? "failover" : PolicyName(plan.policy),
                     single ? "" : ", consensus: {method: majority}");
}

}  // namespace assay::tuner
