#include <memory>

#include <boost/asio/this_coro.hpp>
#include <boost/json.hpp>

#include "assay/claims/json.h"

#include "checks/judge_claims_internal.h"
#include "coroutine/signal_internal.h"

namespace assay::gateway {
namespace {

void Take(const std::optional<claims::JudgeOpinion>& opinion, CheckedClaim& claim) {
  if (!opinion) return;
  claims::TakeOpinion(*opinion, claim.judgement);
  claim.judge = opinion;
}

}  // namespace

UncertainPart TakeKnown(const AnswerChecker& checker, std::span<CheckedClaim> claims) {
  UncertainPart part;
  const ClaimJudge* const judge = checker.judge();
  if (judge == nullptr) return part;
  std::vector<const claims::Judgement*> judgements;
  for (const CheckedClaim& one : claims) judgements.push_back(&one.judgement);
  for (const std::size_t i : claims::UncertainClaims(judgements, judge->band())) {
    auto question = claims::MakeJudgeQuestion(claims[i].claim.text, claims[i].judgement);
    if (const auto known = judge->Known(question)) {
      Take(*known, claims[i]);
    } else if (part.claims.size() < judge->max_claims()) {
      part.claims.push_back(i);
      part.questions.push_back(std::move(question));
    }
  }
  return part;
}

boost::asio::awaitable<JudgeReply> AskJudge(const AnswerChecker& checker, UncertainPart& part) {
  const auto given =
      std::make_shared<HandOver<JudgeReply>>(co_await boost::asio::this_coro::executor);
  // Named: g++ 12 destroys a temporary of a co_await expression twice (GCC bug 99576).
  ClaimJudge::Done done = [to = given](JudgeReply reply) mutable {
    HandOver<JudgeReply>::Give(std::move(to), std::move(reply));
  };
  checker.judge()->Ask(std::move(part.questions), std::move(done));
  co_return co_await given->Take();
}

void TakeOpinions(const UncertainPart& part, const JudgeReply& reply,
                  std::span<CheckedClaim> claims) {
  for (std::size_t i = 0; i < reply.opinions.size(); ++i) {
    Take(reply.opinions[i], claims[part.claims[i]]);
  }
}

boost::json::object ToJson(const CheckedClaim& claim) {
  boost::json::object object = claims::ToJson(claim.claim, claim.judgement);
  if (claim.judge) {
    object["judge"] = {{"verdict", VerdictName(claim.judge->verdict)},
                       {"quote", claim.judge->quote}};
  }
  return object;
}

claims::VerdictSummary SummaryOf(std::span<const CheckedClaim> claims) {
  claims::VerdictSummary summary;
  for (const CheckedClaim& one : claims) summary.Add(one.judgement.verdict);
  return summary;
}

Result<CheckedAnswer> CheckWithJudge(const AnswerChecker& checker, std::string_view answer,
                                     std::string_view question) {
  ASSAY_ASSIGN(CheckedAnswer checked, checker.Check(answer, question));
  UncertainPart part = TakeKnown(checker, checked.claims);
  if (!part.empty()) {
    const JudgeReply reply = checker.judge()->AskAndWait(std::move(part.questions));
    TakeOpinions(part, reply, checked.claims);
  }
  checked.summary = SummaryOf(checked.claims);
  return checked;
}

}  // namespace assay::gateway
