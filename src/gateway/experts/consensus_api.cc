#include <utility>

#include <boost/json.hpp>

#include "assay/consensus/consensus.h"
#include "assay/consensus/json.h"

#include "experts/consensus_api_internal.h"

namespace assay::gateway {
namespace {

HttpReply BadRequest(const Error& error) {
  return ErrorReply(ApiError{.status = 400,
                             .type = "invalid_request_error",
                             .code = "invalid_body",
                             .message = error.message});
}

HttpReply Merge(const HttpRequest& request, const EncoderSource& encoder) {
  const auto question = consensus::ParseQuestion(request.body);
  if (!question) return BadRequest(question.error());
  const auto found = encoder();
  if (!found) return ErrorReply(found.error());
  const auto merger = consensus::Merger::Create(question->options, *found);
  if (!merger) return BadRequest(merger.error());
  const std::vector<consensus::ExpertAnswer> answers = question->Views();
  const auto outcome = merger->Merge(answers);
  if (!outcome) {
    const Code code = outcome.error().code;
    const bool input = code == Code::kInvalidArgument || code == Code::kOutOfRange;
    return input ? BadRequest(outcome.error()) : ErrorReply(outcome.error());
  }
  return HttpReply::Json(boost::json::serialize(consensus::ToJson(*outcome, answers)));
}

}  // namespace

Result<void> AddConsensusApi(Router& router, EncoderSource encoder) {
  return router.Add("POST", "/v1/consensus", Scope::kClaims,
                    [encoder = std::move(encoder)](const HttpRequest& request) {
                      return Merge(request, encoder);
                    });
}

}  // namespace assay::gateway
