// The judge's part in the check of an answer.
// Threads: plain functions; the coroutine belongs to an I/O thread.
#pragma once
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "assay/claims/judge.h"
#include "assay/gateway/answer_checker.h"

#include "checks/claim_judge_internal.h"

namespace assay::gateway {

// Claims of an answer that the judge is to be asked about.
struct UncertainPart {
  std::vector<std::size_t> claims;  // indices
  std::vector<claims::JudgeQuestion> questions;
  [[nodiscard]] bool empty() const { return claims.empty(); }
};

// Puts what the judge said before into the uncertain claims; what is left is to be asked. Empty
// without a judge.
[[nodiscard]] UncertainPart TakeKnown(const AnswerChecker& checker, std::span<CheckedClaim> claims);

// Takes the questions of `part`. Not answered when the coroutine is cancelled.
[[nodiscard]] boost::asio::awaitable<JudgeReply> AskJudge(const AnswerChecker& checker,
                                                          UncertainPart& part);

// Puts the opinions into the claims. Requires: the `claims` that `part` is of.
void TakeOpinions(const UncertainPart& part, const JudgeReply& reply,
                  std::span<CheckedClaim> claims);

// claims::ToJson of the claim; where the judge has said something also judge: {verdict, quote}.
[[nodiscard]] boost::json::object ToJson(const CheckedClaim& claim);

[[nodiscard]] claims::VerdictSummary SummaryOf(std::span<const CheckedClaim> claims);

// As AnswerChecker::Check, and waits for the judge; never on an I/O thread.
[[nodiscard]] Result<CheckedAnswer> CheckWithJudge(const AnswerChecker& checker,
                                                   std::string_view answer,
                                                   std::string_view question);

}  // namespace assay::gateway
