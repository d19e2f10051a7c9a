// assay/consensus/json.h: questions with several answers, and outcomes, as JSON.
// Room: consensus.  Threads: pure functions.
// The same forms in `assay consensus` and `POST /v1/consensus`; docs/consensus.md lists the fields.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/consensus/consensus.h"
#include "assay/core/result.h"

namespace assay::consensus {

// A question and its answers. Owns what the answers view; movable, not copied.
struct Question {
  struct Answer {
    std::string expert;
    std::string text;
    double weight = 1;
    double confidence = -1;
    double latency_ms = -1;
  };
  std::string id;  // empty where it has none
  std::string text;
  std::vector<Answer> answers;
  MergeOptions options;  // those given to Parse, but for what the question says itself

  [[nodiscard]] std::vector<ExpertAnswer> Views() const;
};

// {"id"?, "question"?, "answers": [{"expert" | "model", "text" | "response", "weight"?,
// "confidence"?, "latency_ms"?} | "text", ...], "method"?, "linkage"?, "same_threshold"?,
// "quorum"?, "claim_threshold"?, "number_tolerance"?, "final_kind"?}. Other fields are ignored. An
// answer without an expert is called "expert 1" and so on. Errors: kInvalidArgument that names the
// field.
[[nodiscard]] Result<Question> ParseQuestion(std::string_view json,
                                             const MergeOptions& defaults = {});

// A question a line; or, where the first line holds no "answers", an answer a line, all of them to
// one question. Empty lines are left out. Errors: kInvalidArgument that names the line and the
// field, or an empty file.
[[nodiscard]] Result<std::vector<Question>> ParseQuestions(std::string_view json_lines,
                                                           const MergeOptions& defaults = {});

// "single", "complete", "average", and back; "number", "choice", ... back to FinalKind.
[[nodiscard]] std::string_view LinkageName(Linkage linkage);
[[nodiscard]] std::optional<Linkage> LinkageOf(std::string_view name);
[[nodiscard]] std::optional<FinalKind> FinalKindOf(std::string_view name);

// {answer, method, confidence, chosen, agreement_mean, medoid, opinions, claims, dissent, numeric,
// finals, agreement}; experts by name, indices as in `answers`; shares with four decimals.
[[nodiscard]] boost::json::object ToJson(const Outcome& outcome,
                                         std::span<const ExpertAnswer> answers);

}  // namespace assay::consensus
