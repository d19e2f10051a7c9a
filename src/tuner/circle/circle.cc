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
constexpr int kCutOffs = 21;         // 0, 0.05, ... 1
constexpr double kLeastKnown = 0.5;  // of the questions
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

// What of a row a plan needs to be played on it.
bool Known(const Outcome& row, const CirclePlan& plan) {
  return std::ranges::none_of(plan.models, [&](std::uint32_t model) {
    return std::isnan(row.quality[model]) ||
           (plan.policy == CirclePolicy::kChecked && std::isnan(row.supported[model]));
  });
}

struct Served {
  std::uint32_t model = 0;
  std::size_t asked = 1;
};

Served UntilTwoAgree(const Outcome& row, std::span<const std::uint32_t> models) {
  for (std::size_t i = 1; i < models.size(); ++i) {
    const auto before = models.first(i);
    const auto with = std::ranges::find_if(
        before, [&](std::uint32_t other) { return Same(row, other, models[i]); });
    if (with != before.end()) return {.model = *with, .asked = i + 1};
  }
  return {.model = OfMost(row, models), .asked = models.size()};
}

Served UntilSupported(const Outcome& row, std::span<const std::uint32_t> models,
                      double min_supported) {
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (row.contradicted[models[i]] == 0 && row.supported[models[i]] >= min_supported) {
      return {.model = models[i], .asked = i + 1};
    }
  }
  const auto rank = [&](std::uint32_t model) {
    return std::pair(-row.contradicted[model], row.supported[model]);
  };
  return {.model = *std::ranges::max_element(models, {}, rank), .asked = models.size()};
}

Served ServedBy(const Outcome& row, const CirclePlan& plan) {
  const std::span<const std::uint32_t> models(plan.models);
  switch (plan.policy) {
    case CirclePolicy::kSingle:
      break;
    case CirclePolicy::kCascade:
      return UntilTwoAgree(row, models);
    case CirclePolicy::kFanout:
      return {.model = OfMost(row, models), .asked = models.size()};
    case CirclePolicy::kChecked:
      return UntilSupported(row, models, plan.min_supported);
  }
  return {.model = models.front(), .asked = 1};
}

std::optional<Played> Play(const Outcome& row, const CirclePlan& plan) {
  if (!Known(row, plan)) return std::nullopt;
  const Served served = ServedBy(row, plan);
  Played out{.quality = row.quality[served.model], .asked = static_cast<double>(served.asked)};
  for (const std::uint32_t model : std::span(plan.models).first(served.asked)) {
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
  const auto rows = static_cast<double>(outcomes.rows.size());
  if (means.n == 0 || static_cast<double>(means.n) < kLeastKnown * rows) return {0, 10};
  const double short_of = bounds.least_quality - means.mean.quality;
  const double late =
      std::isinf(bounds.most_latency_ms) ? 0 : means.mean.latency_ms / bounds.most_latency_ms - 1;
  const double tie = 1e-9 * means.mean.latency_ms + 1e-12 * static_cast<double>(plan.models.size());
  return {means.mean.cost * (1 + 1e-9) + tie * 1e-6,
          (short_of > kTolerance ? short_of : 0) + std::max(0.0, late)};
}

// What the rows of a table let one try.
struct Choices {
  std::size_t models = 0;
  std::size_t places = 0;
  bool agreement = false;  // some answers say which ones they equal
  bool checks = false;     // some answers were checked against documents
};

// Whether a plan of that size may follow the policy.
bool Possible(const Choices& choices, CirclePolicy policy, std::size_t size) {
  if (policy == CirclePolicy::kSingle) return size == 1;
  if (size < 2) return false;
  return policy == CirclePolicy::kChecked ? choices.checks : choices.agreement;
}

double CutOff(int step) {
  return static_cast<double>(step) / (kCutOffs - 1);
}

// Point: policy, size, cut-off, then a model for each place.
std::optional<CirclePlan> PlanOf(const Choices& choices, std::span<const double> point) {
  CirclePlan plan;
  plan.policy = static_cast<CirclePolicy>(static_cast<int>(point[0]));
  const auto size = plan.policy == CirclePolicy::kSingle ? 1 : static_cast<std::size_t>(point[1]);
  if (!Possible(choices, plan.policy, size)) return std::nullopt;
  if (plan.policy == CirclePolicy::kChecked)
    plan.min_supported = CutOff(static_cast<int>(point[2]));
  for (std::size_t i = 0; i < size; ++i) {
    const auto model = static_cast<std::uint32_t>(point[3 + i]);
    if (std::ranges::find(plan.models, model) != plan.models.end()) return std::nullopt;
    plan.models.push_back(model);
  }
  return plan;
}

std::uint64_t CountPlans(const Choices& choices) {
  std::uint64_t count = choices.models;
  std::uint64_t orders = choices.models;
  const std::uint64_t of_order = (choices.agreement ? 2U : 0U) + (choices.checks ? kCutOffs : 0U);
  for (std::size_t size = 2; size <= choices.places; ++size) {
    orders *= choices.models - size + 1;
    count += of_order * orders;
    if (count > kMostPlans) return count;
  }
  return count;
}

template <typename Visit>
void ForEachPlan(const Choices& choices, CirclePlan& plan, const Visit& visit) {
  for (std::uint32_t m = 0; m < choices.models; ++m) {
    if (std::ranges::find(plan.models, m) != plan.models.end()) continue;
    plan.models.push_back(m);
    for (const CirclePolicy policy : {CirclePolicy::kSingle, CirclePolicy::kCascade,
                                      CirclePolicy::kFanout, CirclePolicy::kChecked}) {
      if (!Possible(choices, policy, plan.models.size())) continue;
      plan.policy = policy;
      const int steps = policy == CirclePolicy::kChecked ? kCutOffs : 1;
      for (int step = 0; step < steps; ++step) {
        plan.min_supported = CutOff(step);
        visit(plan);
      }
    }
    if (plan.models.size() < choices.places) ForEachPlan(choices, plan, visit);
    plan.models.pop_back();
  }
}

// The highest cut-off that does not make the plan worse.
void BeCareful(const Outcomes& outcomes, const CircleBounds& bounds, CirclePlan& plan) {
  const Score score = ScoreOf(outcomes, plan, bounds);
  CirclePlan trial = plan;
  for (int step = kCutOffs - 1; step >= 0 && CutOff(step) > plan.min_supported; --step) {
    trial.min_supported = CutOff(step);
    if (score.BetterThan(ScoreOf(outcomes, trial, bounds))) continue;
    plan.min_supported = trial.min_supported;
    return;
  }
}

Result<Choices> ChoicesOf(const Outcomes& outcomes) {
  if (outcomes.logged) {
    return Fail(Code::kInvalidArgument,
                "a log has one model's answer of each question; a table of all is needed");
  }
  Choices out{.models = outcomes.models.size(),
              .places = std::min(outcomes.models.size(), kMostAsked)};
  for (const Outcome& row : outcomes.rows) {
    out.agreement = out.agreement || std::ranges::any_of(row.answer, [](std::uint32_t one) {
                      return one != kNoAnswer;
                    });
    out.checks = out.checks || std::ranges::any_of(row.supported,
                                                   [](double share) { return !std::isnan(share); });
  }
  if (!out.agreement && !out.checks) {
    return Fail(Code::kInvalidArgument,
                "no answer has a 'final', a text with one, or 'supported', so nobody knows which "
                "ones agree or hold");
  }
  return out;
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
  ASSAY_ASSIGN(const Choices choices, ChoicesOf(outcomes));
  const auto places = static_cast<double>(choices.places);
  Problem problem;
  problem.variables.push_back({"policy", VariableKind::kChoice, 0, choices.checks ? 3.0 : 2.0});
  problem.variables.push_back({"size", VariableKind::kInteger, std::min(2.0, places), places});
  problem.variables.push_back(
      {"cut-off", VariableKind::kInteger, 0, choices.checks ? kCutOffs - 1.0 : 0.0});
  for (std::size_t i = 0; i < choices.places; ++i) {
    problem.variables.push_back({fmt::format("place {}", i), VariableKind::kChoice, 0,
                                 static_cast<double>(choices.models) - 1});
  }
  problem.evaluate = [&](std::span<const double> point) -> Score {
    const auto plan = PlanOf(choices, point);
    return plan ? ScoreOf(outcomes, *plan, bounds) : Score{0, 100};
  };
  ASSAY_ASSIGN(const SearchResult found, Minimize(problem, options));
  TunedCircle out;
  Score best = found.score;
  if (const auto plan = PlanOf(choices, found.best)) out.plan = *plan;
  if (CountPlans(choices) <= kMostPlans) {
    out.engine_found_best = true;
    CirclePlan trial;
    ForEachPlan(choices, trial, [&](const CirclePlan& plan) {
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
  if (out.plan.policy == CirclePolicy::kChecked) BeCareful(outcomes, bounds, out.plan);
  return out;
}

std::string_view PolicyName(CirclePolicy policy) {
  static constexpr std::array<std::string_view, 4> kNames = {"single", "cascade", "fanout",
                                                             "checked"};
  return kNames[static_cast<std::size_t>(policy)];
}

std::string CircleLines(const Outcomes& outcomes, const CirclePlan& plan, std::string_view route,
                        const std::vector<std::string>& documents) {
  std::vector<std::string> experts;
  for (const std::uint32_t model : plan.models)
    experts.push_back(QuotedYaml(outcomes.models[model]));
  std::string how = "policy: failover";
  if (plan.policy == CirclePolicy::kChecked) {
    std::vector<std::string> paths;
    for (const std::string& path : documents) paths.push_back(QuotedYaml(path));
    how = fmt::format("policy: cascade, documents: [{}], consensus: {{min_supported: {:g}}}",
                      fmt::join(paths, ", "), plan.min_supported);
  } else if (plan.policy != CirclePolicy::kSingle) {
    how = fmt::format("policy: {}, consensus: {{method: majority}}", PolicyName(plan.policy));
  }
  return fmt::format("routes:\n  {}: {{experts: [{}], {}}}\n", QuotedYaml(route),
                     fmt::join(experts, ", "), how);
}

}  // namespace assay::tuner
