// assay/tuner/routing.h: which model for which class of question, from outcomes.
// Room: tuner (uses core, experiments).  Threads: pure functions.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/experiments/tests.h"
#include "assay/tuner/engine.h"

namespace assay::tuner {

inline constexpr std::uint32_t kNoAnswer = 0xFFFFFFFF;  // equal to none

// One question. In a table of outcomes every model has answered it; in a log only `chosen` has.
struct Outcome {
  std::uint32_t question_class = 0;
  std::uint64_t split_hash =
      0;  // of the question's text: equal questions stay on one side of a split
  std::vector<double> quality;             // a model: [0, 1]; NaN where unknown
  std::vector<double> cost;                // a model: US dollars; NaN where unknown
  std::vector<std::uint32_t> answer = {};  // a model: equal numbers are equal answers of this row
  std::vector<double> latency_ms = {};     // a model; NaN where unknown
  // A model: shares of the answer's claims that documents support and contradict; NaN where nobody
  // has checked.
  std::vector<double> supported = {};
  std::vector<double> contradicted = {};
  std::uint32_t chosen = 0;  // logs only
  double propensity = 0;     // logs only: probability with which `chosen` was chosen, (0, 1]
};

struct Outcomes {
  std::vector<std::string> classes;
  std::vector<std::string> models;
  std::vector<Outcome> rows;
  bool logged = false;
};

struct ReadOptions {
  std::map<std::string, double, std::less<>>
      usd_per_million_tokens;                                  // of each model; others cost nothing
  std::map<std::string, double, std::less<>> latency_ms = {};  // of answers that do not say theirs
  // The final answer in an answer's text, by which answers are compared; empty: none. Null: only
  // 'final' members count.
  std::function<std::string(std::string_view text)> final_of = {};
  std::string class_field = {};  // "": "class", "subject", "category" or "task", whichever is there
};

// JSON lines of one of these forms (docs/tuner.md):
//   {"prompt", "correct": {model: bool or number}}              a table
//   {"question", "answers": [{"model", "correct", "text"}]}     a table; answers may also have
//                                                               "final", "cost", "latency_ms",
//                                                               "supported" and "contradicted"
//   {"class", "model", "propensity", "reward", "cost"}          a log
// Tokens are estimated as a quarter of the characters of question and answer. Records without a
// class get one of four by the length of their question. Errors: kInvalidArgument naming file and
// line, also for propensities outside (0, 1] and mixed forms.
[[nodiscard]] Result<Outcomes> ReadOutcomes(std::string_view text, std::string_view file,
                                            const ReadOptions& options);

// Half of the questions each, by the hash of the question.
struct SplitOutcomes {
  Outcomes tune;
  Outcomes held_back;
};
[[nodiscard]] SplitOutcomes Split(const Outcomes& outcomes);

// Mean quality and cost of every model in every class; logs are weighted by 1 / propensity.
// Qualities of small classes are drawn towards the model's mean over all classes, as if
// `prior_rows` more had it.
struct ClassTable {
  std::vector<double> share;                 // of questions, a class
  std::vector<std::vector<double>> quality;  // [class][model]
  std::vector<std::vector<double>> cost;
};
[[nodiscard]] ClassTable Tabulate(const Outcomes& outcomes, double prior_rows);

using Policy = std::vector<std::uint32_t>;  // model of each class

struct TableValue {
  double quality = 0;
  double cost = 0;
};
[[nodiscard]] TableValue ValueOf(const ClassTable& table, const Policy& policy);

// The cheapest policy with at least that mean quality.
// Errors: kInvalidArgument as Minimize; kFailedPrecondition when no policy reaches the quality.
[[nodiscard]] Result<Policy> TunePolicy(const ClassTable& table, double least_quality,
                                        const SearchOptions& options);
// The same by trying every policy. Errors: kOutOfRange for more than 2^22 policies.
[[nodiscard]] Result<Policy> EnumeratePolicies(const ClassTable& table, double least_quality);

struct Estimate {
  double value = 0;
  experiments::Interval interval;
};

// What a policy is worth on outcomes. Tables: means. Logs: IPS (Horvitz and Thompson 1952), SNIPS
// (Swaminathan and Joachims 2015) and DR (Dudik, Langford and Li 2011), whose model is `table`,
// from other rows. Intervals: normal; that of SNIPS by the delta method.
struct PolicyValue {
  std::uint64_t n = 0;
  Estimate quality;  // tables: mean; logs: DR
  Estimate cost;     // tables: mean; logs: SNIPS
  std::optional<Estimate> ips;
  std::optional<Estimate> snips;
  double effective_n = 0;  // Kish: (sum w)^2 / sum w^2
};
[[nodiscard]] PolicyValue Evaluate(const Outcomes& outcomes, const Policy& policy,
                                   const ClassTable& table, double confidence);

// A JSON string, which is a YAML string too.
[[nodiscard]] std::string QuotedYaml(std::string_view text);

// Lines for the file of `assay serve`: a route for each class, its first expert the policy's model
// and the others behind it. `prefix` goes in front of the class in the route's name.
[[nodiscard]] std::string ConfigLines(const Outcomes& outcomes, const Policy& policy,
                                      std::string_view prefix);

}  // namespace assay::tuner
