// AskExperts and MergeAnswers on a route that asks several.
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include "checks/check_claims_internal.h"
#include "experts/circle_internal.h"
#include "stages/client_sink_internal.h"
#include "stages/pipeline_state_internal.h"

namespace assay::gateway {

boost::asio::awaitable<Result<UpstreamReply>> Pipeline::AskCircle(std::shared_ptr<Miss> miss,
                                                                  const UpstreamRequest& request,
                                                                  const CircleRequest& question,
                                                                  ChunkSink* sink) {
  Exchange& exchange = miss->exchange;
  const AnswerChecker* const checker = miss->route->checker;
  const RouteTable& routes = *miss->live->routes;
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  // Named: g++ 12 destroys a temporary of a co_await expression twice (GCC bug 99576).
  const CircleCall call{
      .request = request,
      .question = question,
      .request_json = exchange.body,
      .checker = checker,
      .compute = *parts_.compute,
      .cost_nanousd = [&routes](std::string_view upstream, const TokenUsage& usage) {
        return routes.CostNanousd(upstream, usage.prompt_tokens, usage.completion_tokens);
      }};
  auto reply = co_await miss->route->circle->Ask(call);
  if (!reply || reply->status != 200) co_return reply;
  miss->NoteStage(Stage::kMergeAnswers, begin_ns + reply->total_ns);
  if (checker != nullptr && reply->verdict.empty()) {
    const std::int64_t check_ns = core::Clock::Real().monotonic_ns();
    CheckOutcome checked =
        co_await CheckAnswer(*checker, *parts_.compute, exchange.body, reply->body);
    reply->verdict = std::move(checked.verdict);
    reply->claims = std::move(checked.claims);
    miss->NoteStage(Stage::kCheckClaims, check_ns);
  }
  if (exchange.cacheable && exchange.wish.may_write) Store(*miss, *reply, reply->body);
  if (sink == nullptr) co_return reply;
  exchange.consensus = reply->consensus;  // the head goes out first
  miss->verdict_field = reply->verdict;
  if (auto sent = co_await SendAsStream(reply->body, exchange.stream_usage, *sink); !sent) {
    co_return std::unexpected(std::move(sent).error());
  }
  reply->streamed = true;
  co_return reply;
}

}  // namespace assay::gateway
