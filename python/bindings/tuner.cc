// tuner.cc: assay.tuner.
#include <map>

#include <nanobind/stl/map.h>

#include "assay/tuner/engine.h"
#include "assay/tuner/routing.h"

#include "support.h"

namespace assay::python {
namespace {

namespace tn = tuner;

tn::VariableKind KindOf(std::string_view name) {
  if (name == "continuous") return tn::VariableKind::kContinuous;
  if (name == "integer") return tn::VariableKind::kInteger;
  if (name == "choice") return tn::VariableKind::kChoice;
  Raise(Code::kInvalidArgument,
        "no kind is called '" + std::string(name) + "'; there are continuous, integer and choice");
}

tn::Engine EngineOf(std::string_view name) {
  if (name == "differential") return tn::Engine::kDifferential;
  if (name == "genetic") return tn::Engine::kGenetic;
  if (name == "annealing") return tn::Engine::kAnnealing;
  Raise(Code::kInvalidArgument, "no engine is called '" + std::string(name) +
                                    "'; there are differential, genetic and annealing");
}

// Python's answer for a point. What it raises is kept for the end: the search runs without Python.
class Evaluator {
 public:
  explicit Evaluator(nb::callable function) : function_(std::move(function)) {}

  [[nodiscard]] tn::Score operator()(std::span<const double> point) {
    const nb::gil_scoped_acquire locked;
    if (raised_) return {.value = std::numeric_limits<double>::quiet_NaN(), .violation = 0};
    try {
      nb::list values;
      for (const double value : point) values.append(value);
      const nb::object answer = function_(values);
      if (nb::isinstance<nb::tuple>(answer)) {
        const auto [value, violation] = nb::cast<std::pair<double, double>>(answer);
        return {.value = value, .violation = violation};
      }
      return {.value = nb::cast<double>(answer), .violation = 0};
    } catch (...) {
      raised_ = std::current_exception();
      return {.value = std::numeric_limits<double>::quiet_NaN(), .violation = 0};
    }
  }

  // With the GIL.
  void Rethrow() const {
    if (raised_) std::rethrow_exception(raised_);
  }

 private:
  nb::callable function_;
  std::exception_ptr raised_;  // guarded by the GIL
};

using Objective = nb::typed<nb::callable, nb::any(nb::typed<nb::list, double>)>;
using PyVariable = std::tuple<std::string, std::string, double, double>;

Record Minimize(const std::vector<PyVariable>& variables, Objective function,
                std::string_view engine, std::uint64_t evaluations, std::uint32_t restarts,
                std::uint64_t seed) {
  tn::Problem problem;
  for (const auto& [name, kind, low, high] : variables) {
    problem.variables.push_back({.name = name, .kind = KindOf(kind), .low = low, .high = high});
  }
  Evaluator evaluator(std::move(function));
  problem.evaluate = [&evaluator](std::span<const double> point) { return evaluator(point); };
  const tn::SearchOptions options{
      .engine = EngineOf(engine), .evaluations = evaluations, .restarts = restarts, .seed = seed};
  auto found = Unlocked([&] { return tn::Minimize(problem, options); });
  evaluator.Rethrow();
  const tn::SearchResult result = Take(std::move(found));
  Record out;
  out["best"] = nb::cast(result.best);
  out["value"] = result.score.value;
  out["violation"] = result.score.violation;
  out["evaluations"] = result.evaluations;
  return out;
}

tn::ClassTable TableOf(const Doubles& share, const Input<double, 2>& quality,
                       const Input<double, 2>& cost) {
  const std::size_t classes = share.size();
  if (quality.shape(0) != classes || cost.shape(0) != classes ||
      quality.shape(1) != cost.shape(1) || quality.shape(1) == 0) {
    Raise(Code::kInvalidArgument,
          "share is [classes], quality and cost are [classes, models], with one model at least");
  }
  const std::size_t models = quality.shape(1);
  tn::ClassTable table;
  table.share.assign(share.data(), share.data() + classes);
  for (std::size_t i = 0; i < classes; ++i) {
    table.quality.emplace_back(quality.data() + i * models, quality.data() + (i + 1) * models);
    table.cost.emplace_back(cost.data() + i * models, cost.data() + (i + 1) * models);
  }
  return table;
}

void CheckPolicy(const tn::ClassTable& table, const tn::Policy& policy) {
  bool fits = policy.size() == table.share.size();
  for (const std::uint32_t model : policy) fits = fits && model < table.quality.front().size();
  if (!fits) Raise(Code::kInvalidArgument, "a policy holds the number of a model for each class");
}

void BindPolicies(nb::module_& module) {
  const auto share = nb::arg("share");
  const auto quality = nb::arg("quality");
  const auto cost = nb::arg("cost");
  module.def(
      "policy_value",
      [](const Doubles& s, const Input<double, 2>& q, const Input<double, 2>& c,
         const tn::Policy& policy) {
        const tn::ClassTable table = TableOf(s, q, c);
        CheckPolicy(table, policy);
        const tn::TableValue value = tn::ValueOf(table, policy);
        return std::pair(value.quality, value.cost);
      },
      share, quality, cost, nb::arg("policy"),
      "(quality, cost) of a policy: share float64 [classes], quality and cost float64 [classes,\n"
      "models], policy the number of a model for each class.");
  module.def(
      "enumerate_policies",
      [](const Doubles& s, const Input<double, 2>& q, const Input<double, 2>& c, double least) {
        const tn::ClassTable table = TableOf(s, q, c);
        return Take(Unlocked([&] { return tn::EnumeratePolicies(table, least); }));
      },
      share, quality, cost, nb::arg("least_quality"),
      "The cheapest policy with at least that mean quality, by trying every one. Raises\n"
      "FailedPrecondition when none reaches it, OutOfRange for more than 2^22.");
  module.def(
      "tune_policy",
      [](const Doubles& s, const Input<double, 2>& q, const Input<double, 2>& c, double least,
         std::uint64_t evaluations, std::uint64_t seed) {
        const tn::ClassTable table = TableOf(s, q, c);
        tn::SearchOptions options;
        options.evaluations = evaluations;
        options.seed = seed;
        return Take(Unlocked([&] { return tn::TunePolicy(table, least, options); }));
      },
      share, quality, cost, nb::arg("least_quality"), nb::arg("evaluations") = 20'000,
      nb::arg("seed") = 1, "The same by a search, for many classes and models.");
}

Record Tabulate(const std::string& text, const std::string& file,
                const std::map<std::string, double>& prices, const std::string& class_field,
                double prior_rows) {
  tn::ReadOptions options;
  options.usd_per_million_tokens.insert(prices.begin(), prices.end());
  options.class_field = class_field;
  const tn::Outcomes outcomes =
      Take(Unlocked([&] { return tn::ReadOutcomes(text, file, options); }));
  tn::ClassTable table = tn::Tabulate(outcomes, prior_rows);
  std::vector<double> quality;
  std::vector<double> cost;
  const std::size_t classes = table.share.size();
  const std::size_t models = outcomes.models.size();
  for (std::size_t i = 0; i < classes; ++i) {
    quality.insert(quality.end(), table.quality[i].begin(), table.quality[i].end());
    cost.insert(cost.end(), table.cost[i].begin(), table.cost[i].end());
  }
  Record out;
  out["classes"] = nb::cast(outcomes.classes);
  out["models"] = nb::cast(outcomes.models);
  out["share"] = nb::cast(ArrayOf(std::move(table.share), {classes}));
  out["quality"] = nb::cast(ArrayOf(std::move(quality), {classes, models}));
  out["cost"] = nb::cast(ArrayOf(std::move(cost), {classes, models}));
  return out;
}

}  // namespace

void BindTuner(nb::module_& module) {
  module.def(
      "minimize", Minimize, nb::arg("variables"), nb::arg("function"),
      nb::arg("engine") = "differential", nb::arg("evaluations") = 20'000, nb::arg("restarts") = 1,
      nb::arg("seed") = 1,
      "The best point of a box. variables: (name, kind, low, high) with kind continuous,\n"
      "integer or choice; function(list of float) gives a value or (value, violation), and\n"
      "may be called from several threads in turn. engine: differential, genetic, annealing.\n"
      "Returns best, value, violation, evaluations. Raises InvalidArgument for bounds, and\n"
      "what the function raised.");
  module.def("tabulate", Tabulate, nb::arg("json_lines"), nb::arg("file") = "outcomes",
             nb::arg("usd_per_million_tokens") = std::map<std::string, double>(),
             nb::arg("class_field") = "", nb::arg("prior_rows") = 0.0,
             "Outcomes (docs/tuner.md) to classes, models, share, quality and cost. Raises\n"
             "InvalidArgument naming file and line.");
  BindPolicies(module);
}

}  // namespace assay::python
