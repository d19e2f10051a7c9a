#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "assay/tuner/routing.h"

namespace assay::tuner {
namespace {

constexpr double kMostPolicies = 1 << 22;
constexpr double kTolerance = 1e-12;  // of a quality that should be equal

// The cost of a policy, and by how much it is short of the quality.
class Objective {
 public:
  Objective(const ClassTable& table, double least_quality)
      : table_(table), least_quality_(least_quality) {}

  Score operator()(std::span<const double> x) const {
    double quality = 0;
    double cost = 0;
    for (std::size_t c = 0; c < x.size(); ++c) {
      const auto model = static_cast<std::size_t>(x[c]);
      quality += table_.share[c] * table_.quality[c][model];
      cost += table_.share[c] * table_.cost[c][model];
    }
    const double missing = least_quality_ - quality;
    return {cost, missing > kTolerance ? missing : 0};
  }

 private:
  const ClassTable& table_;
  double least_quality_;
};

// The best model of each class when a unit of quality is worth `price`.
Policy AtPrice(const ClassTable& table, double price) {
  Policy out;
  for (std::size_t c = 0; c < table.share.size(); ++c) {
    std::size_t best = 0;
    for (std::size_t m = 1; m < table.quality[c].size(); ++m) {
      const auto worth = [&](std::size_t i) {
        return price * table.quality[c][i] - table.cost[c][i];
      };
      if (worth(m) > worth(best)) best = m;
    }
    out.push_back(static_cast<std::uint32_t>(best));
  }
  return out;
}

struct Move {
  std::size_t question_class = 0;
  std::uint32_t model = 0;
  double quality = 0;  // what changes
  double cost = 0;
};

std::vector<Move> MovesFrom(const ClassTable& table, const Policy& policy) {
  std::vector<Move> out;
  for (std::size_t c = 0; c < policy.size(); ++c) {
    for (std::uint32_t m = 0; m < table.quality[c].size(); ++m) {
      if (m == policy[c]) continue;
      out.push_back({c, m, table.share[c] * (table.quality[c][m] - table.quality[c][policy[c]]),
                     table.share[c] * (table.cost[c][m] - table.cost[c][policy[c]])});
    }
  }
  return out;
}

// Changes one class or two at once, the most saving ones first, for as long as the quality holds.
void Descend(const ClassTable& table, double least_quality, Policy& policy) {
  constexpr double kLeastSaving =
      1e-12;  // of the cost, so that rounding does not go round in circles
  for (;;) {
    const TableValue now = ValueOf(table, policy);
    const double spare = now.quality - least_quality + kTolerance;
    std::vector<Move> moves = MovesFrom(table, policy);
    moves.push_back(
        {.question_class = policy.size(), .model = 0});  // none: a pair with it is one move
    double best = -kLeastSaving * (now.cost + 1e-300);
    std::size_t first = moves.size();
    std::size_t second = moves.size();
    for (std::size_t i = 0; i < moves.size(); ++i) {
      for (std::size_t j = i + 1; j < moves.size(); ++j) {
        if (moves[i].question_class == moves[j].question_class) continue;
        const double saving = moves[i].cost + moves[j].cost;
        if (saving >= best || moves[i].quality + moves[j].quality < -spare) continue;
        best = saving;
        first = i;
        second = j;
      }
    }
    if (first == moves.size()) return;
    for (const std::size_t i : {first, second}) {
      if (moves[i].question_class < policy.size()) policy[moves[i].question_class] = moves[i].model;
    }
  }
}

}  // namespace

TableValue ValueOf(const ClassTable& table, const Policy& policy) {
  TableValue out;
  for (std::size_t c = 0; c < policy.size(); ++c) {
    out.quality += table.share[c] * table.quality[c][policy[c]];
    out.cost += table.share[c] * table.cost[c][policy[c]];
  }
  return out;
}

Result<Policy> TunePolicy(const ClassTable& table, double least_quality,
                          const SearchOptions& options) {
  Problem problem;
  for (std::size_t c = 0; c < table.share.size(); ++c) {
    problem.variables.push_back({fmt::format("class {}", c), VariableKind::kChoice, 0,
                                 static_cast<double>(table.quality[c].size()) - 1});
  }
  problem.evaluate = Objective(table, least_quality);
  ASSAY_ASSIGN(const SearchResult found, Minimize(problem, options));
  Policy best;
  for (const double model : found.best) best.push_back(static_cast<std::uint32_t>(model));
  bool reached = found.score.violation == 0;
  // Bisection on the price of quality gives a second start, where many classes leave the search
  // behind.
  double low = 0;
  double high = 1e-9;
  while (ValueOf(table, AtPrice(table, high)).quality < least_quality - kTolerance && high < 1e12)
    high *= 4;
  for (int i = 0; i < 80; ++i) {
    const double middle = 0.5 * (low + high);
    const bool enough =
        ValueOf(table, AtPrice(table, middle)).quality >= least_quality - kTolerance;
    (enough ? high : low) = middle;
  }
  Policy priced = AtPrice(table, high);
  if (ValueOf(table, priced).quality >= least_quality - kTolerance) {
    Descend(table, least_quality, priced);
    if (reached) Descend(table, least_quality, best);
    if (!reached || ValueOf(table, priced).cost < ValueOf(table, best).cost) best = priced;
    reached = true;
  }
  if (!reached) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("no policy reaches a quality of {:.4f}; the best one found misses it by {:.4f}",
                    least_quality, found.score.violation));
  }
  return best;
}

Result<Policy> EnumeratePolicies(const ClassTable& table, double least_quality) {
  double count = 1;
  for (const auto& models : table.quality) count *= static_cast<double>(models.size());
  if (count > kMostPolicies) {
    return Fail(Code::kOutOfRange,
                fmt::format("{:.3g} policies are more than can be tried", count));
  }
  Policy policy(table.share.size(), 0);
  std::optional<Policy> best;
  double cheapest = std::numeric_limits<double>::infinity();
  for (bool more = true; more;) {
    const TableValue value = ValueOf(table, policy);
    if (value.quality >= least_quality - kTolerance && value.cost < cheapest) {
      cheapest = value.cost;
      best = policy;
    }
    more = false;
    for (std::size_t c = 0; c < policy.size() && !more;
         ++c) {  // counts up, the first class fastest
      more = ++policy[c] < table.quality[c].size();
      if (!more) policy[c] = 0;
    }
  }
  if (best) return *best;
  return Fail(Code::kFailedPrecondition,
              fmt::format("no policy reaches a quality of {:.4f}", least_quality));
}

std::string QuotedYaml(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string ConfigLines(const Outcomes& outcomes, const Policy& policy, std::string_view prefix) {
  std::string out = "routes:\n";
  for (std::size_t c = 0; c < policy.size(); ++c) {
    std::string experts = QuotedYaml(outcomes.models[policy[c]]);
    for (std::size_t m = 0; m < outcomes.models.size(); ++m) {
      if (m != policy[c]) experts += ", " + QuotedYaml(outcomes.models[m]);
    }
    out += fmt::format("  {}: {{experts: [{}]}}\n",
                       QuotedYaml(fmt::format("{}{}", prefix, outcomes.classes[c])), experts);
  }
  return out;
}

}  // namespace assay::tuner
