// live.cc: of assay.experiments what a running experiment needs: who gets which variant, which arm
// to play next, and what came of it so far.
#include "assay/experiments/live.h"

#include "support.h"

namespace assay::python {
namespace {

namespace ex = experiments;
using PyShare = std::pair<std::string, double>;

ex::LiveExperiment MakeExperiment(std::string id, const std::vector<PyShare>& variants,
                                  std::string layer, std::uint32_t first_slot, std::uint32_t slots,
                                  double ramp) {
  ex::LiveExperiment out;
  out.id = std::move(id);
  out.layer = std::move(layer);
  out.first_slot = first_slot;
  out.slots = slots;
  out.ramp = ramp;
  for (const auto& [name, share] : variants) out.variants.push_back({.name = name, .share = share});
  return out;
}

const ex::LiveExperiment& Known(const ex::Assigner& assigner, std::string_view experiment) {
  const ex::LiveExperiment* const found = assigner.Find(experiment);
  if (found == nullptr) {
    Raise(Code::kNotFound, "there is no experiment '" + std::string(experiment) + "'");
  }
  return *found;
}

std::optional<std::string> VariantOf(const ex::Assigner& assigner, std::string_view experiment,
                                     std::string_view unit) {
  const ex::LiveExperiment& one = Known(assigner, experiment);
  const std::optional<std::size_t> variant = assigner.VariantOf(experiment, unit);
  if (!variant) return std::nullopt;
  return one.variants[*variant].name;
}

Output<std::int32_t> VariantsOf(const ex::Assigner& assigner, std::string_view experiment,
                                const nb::object& units) {
  (void)Known(assigner, experiment);
  const Texts held(units);
  std::vector<std::int32_t> out(held.size());
  Unlocked([&] {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto variant = assigner.VariantOf(experiment, held.views()[i]);
      out[i] = variant ? static_cast<std::int32_t>(*variant) : -1;
    }
  });
  const std::size_t n = out.size();
  return ArrayOf(std::move(out), {n});
}

void BindAssignment(nb::module_& module) {
  nb::class_<ex::LiveExperiment>(module, "LiveExperiment", "Variants and their part of the units.")
      .def(nb::new_(&MakeExperiment), nb::arg("id"), nb::arg("variants"),
           nb::arg("layer") = "default", nb::arg("first_slot") = 0,
           nb::arg("slots") = ex::kLayerSlots, nb::arg("ramp") = 1.0,
           "variants: (name, share) pairs, the control first; shares are relative to each other.\n"
           "Experiments of a layer exclude one another: each owns `slots` of its 10,000, from\n"
           "`first_slot` on. ramp: the share of the slots' units that take part, in [0, 1].")
      .def_ro("id", &ex::LiveExperiment::id)
      .def_ro("layer", &ex::LiveExperiment::layer)
      .def_ro("first_slot", &ex::LiveExperiment::first_slot)
      .def_ro("slots", &ex::LiveExperiment::slots)
      .def_ro("ramp", &ex::LiveExperiment::ramp)
      .def_prop_ro(
          "variants",
          [](const ex::LiveExperiment& one) {
            std::vector<PyShare> out;
            for (const auto& variant : one.variants) out.emplace_back(variant.name, variant.share);
            return out;
          },
          "(name, share) pairs.");
  nb::class_<ex::Assigner>(
      module, "Assigner",
      "Who gets which variant, by hash alone: the same in every process, after every restart,\n"
      "and in the gateway, whose units are tenant, NUL, unit. Raising a ramp only adds units.\n"
      "Safe for many threads.")
      .def(nb::new_([](const std::vector<ex::LiveExperiment>& experiments) {
             return std::make_unique<ex::Assigner>(Take(ex::Assigner::Create(experiments)));
           }),
           nb::arg("experiments"),
           "Raises InvalidArgument naming the experiment: fewer than 2 variants, a name twice,\n"
           "shares, ramp or slots out of range, slots that two of a layer share.")
      .def("variant_of", VariantOf, nb::arg("experiment"), nb::arg("unit"),
           "The variant's name; None when the unit takes no part. Raises NotFound for no such\n"
           "experiment.")
      .def("variants_of", VariantsOf, nb::arg("experiment"), nb::arg("units"),
           "The variants' numbers of n units: int32 [n], -1 where one takes no part. Without the\n"
           "GIL, about 50 ns a unit.");
}

// With numbers of its own, so that equal seeds play equal arms.
struct PyBandit {
  ex::ThompsonBandit bandit;
  core::SeededRng rng;
};

std::unique_ptr<PyBandit> MakeBandit(std::size_t arms, std::pair<double, double> prior,
                                     std::uint64_t seed) {
  const auto positive = [](double x) { return x > 0 && x <= 1e12; };
  if (arms == 0 || !positive(prior.first) || !positive(prior.second)) {
    Raise(Code::kInvalidArgument, "a bandit has one arm at least, and a prior above 0");
  }
  return std::make_unique<PyBandit>(ex::ThompsonBandit(arms, {.a = prior.first, .b = prior.second}),
                                    core::SeededRng(seed));
}

Output<double> Posteriors(const PyBandit& bandit) {
  std::vector<double> out;
  for (const ex::BetaPrior& one : bandit.bandit.posteriors()) {
    out.push_back(one.a);
    out.push_back(one.b);
  }
  const std::size_t arms = out.size() / 2;
  return ArrayOf(std::move(out), {arms, 2});
}

void BindBandit(nb::module_& module) {
  nb::class_<PyBandit>(
      module, "ThompsonBandit",
      "Plays the arm that is best in one draw of each posterior (Thompson 1933), so good arms\n"
      "more and more. One thread at a time.")
      .def(
          nb::new_(&MakeBandit), nb::arg("arms"), nb::arg("prior") = std::pair(1.0, 1.0),
          nb::arg("seed") = 1,
          "prior: (a, b) of each arm's Beta distribution. Raises InvalidArgument for no arms or a\n"
          "prior that is not above 0.")
      .def(
          "choose", [](PyBandit& one) { return one.bandit.Choose(one.rng); },
          "The arm to play now, from 0. O(arms).")
      .def(
          "reward",
          [](PyBandit& one, std::size_t arm, double reward) {
            Take(one.bandit.Reward(arm, reward, one.rng));
          },
          nb::arg("arm"), nb::arg("reward"),
          "What came of it, in [0, 1]; between them a biased coin decides. Raises OutOfRange for "
          "no\n"
          "such arm, InvalidArgument for another reward.")
      .def_prop_ro("posteriors", Posteriors, nb::rv_policy::move,
                   "a and b of each arm's Beta distribution: float64 [arms, 2].");
}

ex::Summary CellOf(const ex::OutcomeBoard& board, std::size_t metrics, std::size_t variant,
                   std::size_t metric) {
  const std::vector<ex::OutcomeSum> cells = board.Snapshot();
  if (metric >= metrics || variant >= cells.size() / metrics) {
    Raise(Code::kOutOfRange, "there is no variant " + std::to_string(variant) + " or no metric " +
                                 std::to_string(metric));
  }
  return cells[variant * metrics + metric].summary();
}

struct PyBoard {
  ex::OutcomeBoard board;
  std::size_t metrics;
};

std::unique_ptr<PyBoard> MakeBoard(std::size_t variants, std::size_t metrics) {
  constexpr std::size_t kMostCells = 1'000'000;
  if (variants == 0 || metrics == 0 || variants > kMostCells / metrics) {
    Raise(Code::kInvalidArgument,
          "variants and metrics are 1 at least, and a million cells at most");
  }
  return std::make_unique<PyBoard>(ex::OutcomeBoard(variants, metrics), metrics);
}

void BindBoard(nb::module_& module) {
  const auto variant = nb::arg("variant");
  const auto metric = nb::arg("metric");
  nb::class_<PyBoard>(
      module, "OutcomeBoard",
      "What came of an experiment so far: number, mean and variance of each variant and\n"
      "metric. Variant 0 is the control. Safe for many threads.")
      .def(nb::new_(&MakeBoard), nb::arg("variants"), nb::arg("metrics") = 1,
           "Raises InvalidArgument unless both are 1 at least.")
      .def(
          "record",
          [](PyBoard& one, std::size_t v, std::size_t m, double value) {
            Take(one.board.Record(v, m, value));
          },
          variant, metric, nb::arg("value"),
          "One outcome; NaN and infinities count as missing. Raises OutOfRange for no such cell.")
      .def(
          "record_many",
          [](PyBoard& one, std::size_t v, std::size_t m, const Doubles& values) {
            Take(Unlocked([&] {
              ex::OutcomeSum sum;
              for (const double value : SpanOf(values)) sum.Add(value);
              return one.board.Merge(v, m, sum);
            }));
          },
          variant, metric, nb::arg("values"),
          "Outcomes float64 [n], in their order. Without the GIL.")
      .def(
          "summary",
          [](const PyBoard& one, std::size_t v, std::size_t m) {
            return CellOf(one.board, one.metrics, v, m);
          },
          variant, metric, "Number, mean and deviation so far.")
      .def(
          "look",
          [](const PyBoard& one, std::size_t v, std::size_t m, double tau, double confidence) {
            const ex::SequentialResult found = Take(one.board.Look(v, m, tau, confidence));
            return std::pair(found.p, std::pair(found.interval.low, found.interval.high));
          },
          variant, metric, nb::arg("tau"), nb::arg("confidence") = 0.95,
          "(p, (low, high)) of variant minus control, valid however often one looks; tau is the\n"
          "size of effect that matters, in the metric's unit. Raises FailedPrecondition below 2\n"
          "outcomes in either.");
}

}  // namespace

void BindLive(nb::module_& module) {
  BindAssignment(module);
  BindBandit(module);
  BindBoard(module);
}

}  // namespace assay::python
