// assay/claims/judge.h: what a language model is asked about uncertain claims, and what it said.
// Room: claims (uses core, text).  Threads: pure functions.
// Claims, evidence and the model's answer are text of strangers: the first two go out as JSON
// strings of the user message, the last is read strictly and counts only with a true quote.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/verdict.h"
#include "assay/core/result.h"

namespace assay::claims {

// `support` of the claims that count as uncertain; both ends belong to it.
struct JudgeBand {
  float low = 0.3F;
  float high = 0.7F;
};

inline constexpr std::size_t kMaxJudgedClaims = 64;  // in one request

// Those of the judgements that are uncertain and have evidence to show, as indices, the most
// uncertain first.
[[nodiscard]] std::vector<std::size_t> UncertainClaims(std::span<const Judgement* const> judgements,
                                                       const JudgeBand& band);

// A claim with its evidence, as they are sent: well-formed UTF-8, each text of at most 4 KiB.
struct JudgeQuestion {
  std::string claim;
  std::vector<std::string> evidence;
};
[[nodiscard]] JudgeQuestion MakeJudgeQuestion(std::string_view claim, const Judgement& judgement);

// The body of one chat request that asks about all of them; they are numbered from 1.
[[nodiscard]] std::string JudgeRequest(std::span<const JudgeQuestion> questions,
                                       std::string_view model);

struct JudgeOpinion {
  Verdict verdict = Verdict::kUnverified;
  std::string quote;  // words of the evidence, white space folded; may be empty for kUnverified
  friend bool operator==(const JudgeOpinion&, const JudgeOpinion&) = default;
};

// One a question; none where the model said nothing of it, or nothing with a true quote.
using JudgeOpinions = std::vector<std::optional<JudgeOpinion>>;

// The text of the model's answer: a JSON list of {claim, verdict, quote}, which may stand in a code
// fence. A verdict but "not_mentioned" needs a quote: whole words that stand one behind the other
// in a piece of evidence of that claim (white space aside), at least two of them unless they are
// all of it. Errors: kDataLoss for any other form, for an unknown claim, verdict or member, for a
// claim that comes twice, and above 64 KiB; then nothing of the answer counts.
[[nodiscard]] Result<JudgeOpinions> ReadJudgeOpinions(std::string_view text,
                                                      std::span<const JudgeQuestion> questions);

// Makes the judge's verdict that of the judgement, with the reason. Where it changes, `confidence`
// becomes the verifier's own for the new one: low, and no longer calibrated. A second time changes
// nothing.
void TakeOpinion(const JudgeOpinion& opinion, Judgement& judgement);

}  // namespace assay::claims
