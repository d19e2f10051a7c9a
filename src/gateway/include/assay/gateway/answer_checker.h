// assay/gateway/answer_checker.h: checks answers and claims against a route's documents.
// Room: gateway (uses core, embed, corpus, claims).
// Threads: an AnswerChecker is for many threads at once; each call runs on its caller's, about 1 ms
// a claim, so never on an I/O thread. A StreamingCheck belongs to one thread at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/extractor.h"
#include "assay/claims/judge.h"
#include "assay/claims/shared/wire.h"
#include "assay/claims/verdict.h"
#include "assay/claims/verifier.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/corpus/documents.h"
#include "assay/embed/encoder.h"
#include "assay/gateway/exchange.h"

namespace assay::gateway {

class ClaimJudge;  // checks/claim_judge_internal.h

struct CheckedClaim {
  claims::Claim claim;
  claims::Judgement judgement;
  std::optional<claims::JudgeOpinion> judge = {};  // which the judgement has taken; mostly none
};

struct CheckedAnswer {
  std::vector<CheckedClaim> claims;  // in the order of the answer
  claims::VerdictSummary summary;
  std::size_t unchecked_claims = 0;  // beyond `max_claims`
};

struct AnswerCheckerOptions {
  std::vector<std::string> documents;       // folders, files or index folders; at least one
  const embed::Encoder* encoder = nullptr;  // the static one; null: lower quality, no vectors
  const claims::Entailment* entailment = nullptr;  // judges what facts leave open; may be null
  ClaimJudge* judge = nullptr;                     // for whoever checks whole answers; may be null
  std::uint32_t passages = 8;                      // retrieved for each claim, 1 to 64
  std::size_t max_claims = 256;                    // of one answer
  std::size_t cached_verdicts = 65'536;
};

class AnswerChecker {
 public:
  // Brings the index of each of the documents up to date (in memory where the disk refuses) and
  // opens it. `warnings` takes the files that could not be read. Errors: those of
  // corpus::BuildOrUpdate; kInvalidArgument without documents.
  [[nodiscard]] static Result<std::unique_ptr<AnswerChecker>> Open(
      core::FileSystem& files, AnswerCheckerOptions options,
      std::vector<corpus::Warning>* warnings = nullptr);
  ~AnswerChecker();

  // Extracts the claims of an answer and judges them. Of several document sets, a claim takes the
  // verdict of one that supports it, else of one that contradicts it. `question` is what the answer
  // answers: "27 days." says little without it; may be empty.
  [[nodiscard]] Result<CheckedAnswer> Check(std::string_view answer,
                                            std::string_view question = {}) const;
  // One judgement a claim, in order. Does not depend on how claims are batched.
  [[nodiscard]] Result<std::vector<claims::Judgement>> Verify(
      std::span<const std::string_view> claims) const;

  // The bare verdicts of Verify, for callers that need no evidence; one that is known costs some
  // 50 ns. Requires: out.size() == claims.size().
  [[nodiscard]] Result<void> VerifyRecords(std::span<const std::string_view> claims,
                                           std::span<claims::VerdictRecord> out) const;

  // Looks for changed documents; calls that run go on with the old ones. After an error all stays
  // as it was. One call at a time.
  [[nodiscard]] Result<void> Refresh(std::vector<corpus::Warning>* warnings = nullptr);

  // Names the documents' content and the models that judge: changes exactly when a verdict may. 32
  // hexadecimal digits.
  [[nodiscard]] std::string Version() const;
  [[nodiscard]] std::size_t max_claims() const;
  [[nodiscard]] ClaimJudge* judge() const;

 private:
  struct State;
  explicit AnswerChecker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// An answer that is still being written: each sentence is judged when it is finished.
class StreamingCheck {
 public:
  // `checker` must outlive it. `question`: see AnswerChecker::Check.
  explicit StreamingCheck(const AnswerChecker& checker, std::string_view question = {});
  StreamingCheck(StreamingCheck&&) = delete;

  // Takes the next piece of the answer's text, cut anywhere; returns the claims of the sentences
  // that it finished. Spans count from the answer's first byte.
  [[nodiscard]] Result<std::vector<CheckedClaim>> Feed(std::string_view piece);
  // The end of the answer: the rest.
  [[nodiscard]] Result<std::vector<CheckedClaim>> Finish();

  [[nodiscard]] const claims::VerdictSummary& summary() const { return summary_; }

 private:
  [[nodiscard]] Result<std::vector<CheckedClaim>> Judge(claims::Extraction sentences);

  const AnswerChecker* checker_;
  claims::Extractor extractor_;
  claims::ExtractorStream stream_;
  claims::VerdictSummary summary_;
  std::size_t claims_ = 0;
};

// The form that the exchange's record keeps, with the best kKeptEvidence pieces of evidence.
inline constexpr std::size_t kKeptEvidence = 3;
[[nodiscard]] ClaimVerdict ToClaimVerdict(const CheckedClaim& checked);

// What the x-assay-verdict header says of an answer: "contradicted" if one of its claims is, else
// "unverified" if one is, else "supported"; "none" for an answer without claims.
[[nodiscard]] std::string_view VerdictHeader(const claims::VerdictSummary& summary);

}  // namespace assay::gateway
