// consensus.cc: assay.consensus.
#include "assay/consensus/consensus.h"

#include <map>

#include <boost/json.hpp>
#include <nanobind/stl/map.h>

#include "assay/consensus/json.h"
#include "assay/consensus/pattern.h"

#include "encoder.h"
#include "support.h"

namespace assay::python {
namespace {

namespace cs = consensus;

// One answer as Python gives it; the texts belong to the strings of `held`.
class Answers {
 public:
  Answers(const nb::object& texts, const std::optional<nb::object>& experts,
          const std::optional<std::vector<double>>& weights,
          const std::optional<std::vector<double>>& confidences)
      : texts_(texts), experts_(experts ? *experts : Numbered(texts_.size())) {
    CheckLength("experts", experts_.size());
    if (weights) CheckLength("weights", weights->size());
    if (confidences) CheckLength("confidences", confidences->size());
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      answers_.push_back({.expert = experts_.views()[i],
                          .text = texts_.views()[i],
                          .weight = weights ? (*weights)[i] : 1,
                          .confidence = confidences ? (*confidences)[i] : -1});
    }
  }

  [[nodiscard]] std::span<const cs::ExpertAnswer> get() const { return answers_; }

 private:
  void CheckLength(const char* what, std::size_t size) const {
    if (size != texts_.size()) {
      Raise(Code::kInvalidArgument,
            std::to_string(texts_.size()) + " answers, but " + std::to_string(size) + " " + what);
    }
  }
  static nb::object Numbered(std::size_t count) {
    nb::list names;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = "expert " + std::to_string(i + 1);
      names.append(nb::str(name.c_str(), name.size()));
    }
    return names;
  }

  Texts texts_;
  Texts experts_;
  std::vector<cs::ExpertAnswer> answers_;
};

template <typename T>
T Named(const std::optional<T>& found, const char* what, std::string_view name) {
  if (!found) {
    Raise(Code::kInvalidArgument,
          "no " + std::string(what) + " is called '" + std::string(name) + "'");
  }
  return *found;
}

using Shares = nb::typed<nb::dict, nb::str, nb::float_>;  // of each expert

cs::Reliabilities Known(const std::map<std::string, double>& accuracy) {
  cs::Reliabilities known;
  for (const auto& [expert, share] : accuracy) known.accuracy[expert] = share;
  return known;
}

struct PyOutcome {
  cs::Outcome outcome;
  std::size_t n = 0;
};

// nullptr options are the defaults of MergeOptions.
PyOutcome Merge(const nb::object& texts, const std::optional<nb::object>& experts,
                const std::optional<std::vector<double>>& weights,
                const std::optional<std::vector<double>>& confidences, std::string_view method,
                const SharedEncoder* encoder, const std::string& linkage, double same_threshold,
                double quorum, double claim_threshold, const std::optional<Shares>& reliabilities) {
  const Answers answers(texts, experts, weights, confidences);
  cs::MergeOptions options;
  options.method = Named(cs::MethodOf(method), "method", method);
  options.linkage = Named(cs::LinkageOf(linkage), "linkage", linkage);
  options.same_threshold = same_threshold;
  options.quorum = quorum;
  options.claim_threshold = claim_threshold;
  options.parallel = true;
  cs::Reliabilities known;
  if (reliabilities) known = Known(nb::cast<std::map<std::string, double>>(*reliabilities));
  PyOutcome out;
  out.n = answers.get().size();
  out.outcome = Take(Unlocked([&]() -> Result<cs::Outcome> {
    ASSAY_ASSIGN(const cs::Merger merger,
                 cs::Merger::Create(options, encoder == nullptr ? nullptr : encoder->get.get()));
    return merger.Merge(answers.get(), reliabilities ? &known : nullptr);
  }));
  return out;
}

void BindParts(nb::module_& module) {
  nb::class_<cs::FinalAnswer>(module, "FinalAnswer", "What an answer says in the end.")
      .def_prop_ro(
          "kind", [](const cs::FinalAnswer& final) { return cs::FinalKindName(final.kind); },
          "none, number, choice, yes_no or text.")
      .def_ro("marked", &cs::FinalAnswer::marked, "A marker or the whole answer says so.")
      .def_ro("number", &cs::FinalAnswer::number)
      .def_ro("text", &cs::FinalAnswer::text, "Canonical.");
  nb::class_<cs::Cluster>(module, "Cluster", "Items that agree.")
      .def_ro("members", &cs::Cluster::members, "Rising.")
      .def_ro("cohesion", &cs::Cluster::cohesion, "Mean agreement of its pairs.")
      .def_ro("stability", &cs::Cluster::stability, "How long it holds when the threshold moves.");
  nb::class_<cs::Opinion>(module, "Opinion", "Answers that count as one.")
      .def_ro("answers", &cs::Opinion::answers)
      .def_ro("medoid", &cs::Opinion::medoid)
      .def_ro("weight", &cs::Opinion::weight, "Share of all weight.")
      .def_ro("probability", &cs::Opinion::probability, "That it is right.")
      .def_ro("cohesion", &cs::Opinion::cohesion)
      .def_ro("stability", &cs::Opinion::stability)
      .def_ro("final", &cs::Opinion::final);
  nb::class_<cs::ClaimSupport>(module, "ClaimSupport", "A statement and who made it.")
      .def_ro("text", &cs::ClaimSupport::text)
      .def_ro("answer", &cs::ClaimSupport::answer)
      .def_ro("supporters", &cs::ClaimSupport::supporters)
      .def_ro("opponents", &cs::ClaimSupport::opponents)
      .def_ro("weight", &cs::ClaimSupport::weight)
      .def_ro("accepted", &cs::ClaimSupport::accepted);
  nb::class_<cs::Dissent>(module, "Dissent", "What the consensus leaves out or is denied by.")
      .def_ro("text", &cs::Dissent::text)
      .def_ro("answers", &cs::Dissent::answers)
      .def_ro("weight", &cs::Dissent::weight)
      .def_ro("against", &cs::Dissent::against)
      .def_ro("reason", &cs::Dissent::reason);
}

void BindOutcome(nb::module_& module) {
  nb::class_<PyOutcome>(module, "Outcome", "From the answers of several experts to one.")
      .def_prop_ro("method", [](const PyOutcome& o) { return cs::MethodName(o.outcome.method); })
      .def_prop_ro("answer", [](const PyOutcome& o) { return o.outcome.answer; })
      .def_prop_ro(
          "chosen",
          [](const PyOutcome& o) {
            return o.outcome.chosen == cs::kNoAnswer ? std::optional<std::uint32_t>()
                                                     : std::optional(o.outcome.chosen);
          },
          "Whose text it is; None where it was merged from claims.")
      .def_prop_ro("confidence", [](const PyOutcome& o) { return o.outcome.confidence; })
      .def_prop_ro("agreement_mean", [](const PyOutcome& o) { return o.outcome.agreement_mean; })
      .def_prop_ro("medoid", [](const PyOutcome& o) { return o.outcome.medoid; })
      .def_prop_ro(
          "agreement",
          [](const PyOutcome& o) {
            return ArrayOf(std::vector<double>(o.outcome.agreement), {o.n, o.n});
          },
          nb::rv_policy::move, "float64 [n, n], symmetric, 1 on the diagonal.")
      .def_prop_ro("finals", [](const PyOutcome& o) { return o.outcome.finals; })
      .def_prop_ro(
          "opinions", [](const PyOutcome& o) { return o.outcome.opinions; }, "Most probable first.")
      .def_prop_ro(
          "claims", [](const PyOutcome& o) { return o.outcome.claims; },
          "In the order of the merged text; method claims only.")
      .def_prop_ro(
          "dissent", [](const PyOutcome& o) { return o.outcome.dissent; }, "Heaviest first.")
      .def("__repr__", [](const PyOutcome& o) {
        return "Outcome(" + std::string(cs::MethodName(o.outcome.method)) +
               ", confidence=" + std::to_string(o.outcome.confidence) + ")";
      });
}

// The votes' experts are views of strings that `names` holds.
std::vector<cs::Vote> VotesOf(const Texts& names,
                              const std::vector<std::optional<std::uint32_t>>& choices) {
  if (names.size() != choices.size()) {
    Raise(Code::kInvalidArgument, std::to_string(names.size()) + " experts, but " +
                                      std::to_string(choices.size()) + " choices");
  }
  std::vector<cs::Vote> votes;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (choices[i] && *choices[i] > 65'535) {
      Raise(Code::kOutOfRange, "a choice is above 65535; number the answers from 0");
    }
    votes.push_back({.expert = names.views()[i], .choice = choices[i].value_or(cs::kNoVote)});
  }
  return votes;
}

using Choices = std::vector<std::optional<std::uint32_t>>;

void BindReliability(nb::module_& module) {
  module.def(
      "posterior",
      [](const nb::object& experts, const Choices& choices, const Shares& accuracy, double fallback,
         double distractors) {
        const Texts names(experts);
        cs::Reliabilities known = Known(nb::cast<std::map<std::string, double>>(accuracy));
        known.fallback = fallback;
        known.distractors = distractors;
        auto found = cs::PosteriorOf(VotesOf(names, choices), known);
        const std::size_t n = found.of_choice.size();
        return std::pair(ArrayOf(std::move(found.of_choice), {n}), found.nobody);
      },
      nb::arg("experts"), nb::arg("choices"), nb::arg("accuracy") = Shares(),
      nb::arg("fallback") = 0.6, nb::arg("distractors") = 8.0,
      "Probability that each voted answer is right, and that none is: (float64 [1 + highest\n"
      "choice], float). choices: numbers from 0, None for no vote; accuracy: {expert: share}.");
  nb::class_<cs::ReliabilityLearner>(
      module, "ReliabilityLearner",
      "How often each expert is right, learned from votes (Dawid and\n"
      "Skene). One thread at a time.")
      .def(nb::init<>())
      .def(
          "observe",
          [](cs::ReliabilityLearner& learner, const nb::object& experts, const Choices& choices) {
            const Texts names(experts);
            learner.Observe(VotesOf(names, choices));
          },
          nb::arg("experts"), nb::arg("choices"), "A question whose right answer nobody knows.")
      .def(
          "teach",
          [](cs::ReliabilityLearner& learner, const nb::object& experts, const Choices& choices,
             std::optional<std::uint32_t> right) {
            const Texts names(experts);
            learner.Teach(VotesOf(names, choices), right.value_or(cs::kNoVote));
          },
          nb::arg("experts"), nb::arg("choices"), nb::arg("right") = nb::none(),
          "A question whose right choice is known; None: nobody was right.")
      .def_prop_ro("accuracy",
                   [](const cs::ReliabilityLearner& learner) {
                     Shares out;
                     for (const auto& [expert, share] : learner.current().accuracy) {
                       out[expert.c_str()] = share;
                     }
                     return out;
                   })
      .def("__len__", &cs::ReliabilityLearner::questions);
}

std::string Patterns(const Doubles& times, const nb::object& patterns, const Doubles& values) {
  const Texts names(patterns);
  if (times.size() != names.size() || values.size() != names.size()) {
    Raise(Code::kInvalidArgument, "times, patterns and values have different lengths");
  }
  std::vector<cs::Event> events;
  for (std::size_t i = 0; i < names.size(); ++i) {
    events.push_back(
        {.time_s = times.data()[i], .pattern = names.views()[i], .value = values.data()[i]});
  }
  return boost::json::serialize(
      cs::ToJson(Take(Unlocked([&] { return cs::AnalyzePatterns(events); }))));
}

}  // namespace

void BindConsensus(nb::module_& module) {
  BindParts(module);
  BindOutcome(module);
  BindReliability(module);
  module.def("merge", Merge, nb::arg("answers"), nb::arg("experts") = nb::none(),
             nb::arg("weights") = nb::none(), nb::arg("confidences") = nb::none(),
             nb::arg("method") = "auto", nb::arg("encoder") = nb::none(),
             nb::arg("linkage") = "average", nb::arg("same_threshold") = 0.75,
             nb::arg("quorum") = 0.5, nb::arg("claim_threshold") = 0.7,
             nb::arg("reliabilities") = nb::none(),
             "One outcome of 2 to 200 answers. method: auto, majority, weighted, medoid, claims.\n"
             "encoder: assay.embed.Encoder; without it cosines of word counts. reliabilities:\n"
             "{expert: share of right answers}. Raises InvalidArgument naming the answer,\n"
             "OutOfRange for too many or too long ones. Without the GIL.");
  module.def(
      "extract_final",
      [](std::string_view answer, const std::string& expected) {
        return cs::ExtractFinal(answer, Named(cs::FinalKindOf(expected), "kind", expected));
      },
      nb::arg("answer"), nb::arg("expected") = "none",
      "The number, choice, yes/no or few words that an answer ends in. O(n).");
  module.def("same_final", cs::SameFinal, nb::arg("a"), nb::arg("b"),
             "Numbers by a relative difference of at most 1e-6, the rest by their texts.");
  module.def(
      "cluster",
      [](const Input<double, 2>& agreement, const std::string& linkage, double threshold) {
        const cs::Linkage kind = Named(cs::LinkageOf(linkage), "linkage", linkage);
        return Take(
            Unlocked([&] { return cs::ClusterByAgreement(SpanOf(agreement), kind, threshold); }));
      },
      nb::arg("agreement"), nb::arg("linkage") = "average", nb::arg("threshold") = 0.75,
      "Clusters of n items by float64 [n, n] in [0, 1]: groups are merged while their agreement "
      "is\n"
      "at least the threshold. Larger ones first. O(n^2). Raises InvalidArgument for a matrix "
      "that\n"
      "is not symmetric or out of range.");
  module.def(
      "autocorrelation",
      [](const Doubles& values) {
        return ArrayOf(Unlocked([&] { return cs::Autocorrelation(SpanOf(values)); }),
                       {values.size()});
      },
      nb::arg("values"), "r[k] / r[0] of the values without their mean: float64 [n]. O(n log n).");
  module.def("patterns_json", Patterns, nb::arg("times_s"), nb::arg("patterns"), nb::arg("values"),
             "What a history shows, as JSON: see patterns.");
}

}  // namespace assay::python
