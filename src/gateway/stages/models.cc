// GET /v1/models and /v1/models/{id}.
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "openai/model_list_internal.h"
#include "stages/pipeline_state_internal.h"

namespace assay::gateway {

void Pipeline::StartModelList(ThreadState& state, const RequestView& request,
                              const std::string& path, ReplyStream& reply) {
  const std::string id(state.names.request_id_view());
  const Result<Caller> caller = parts_.gate->Admit(request.authorization, Scope::kInference);
  if (!caller) return reply.AnswerReply(ErrorReply(caller.error()), id);
  state.caller = *caller;
  constexpr std::string_view kList = "/v1/models";
  std::string wanted = path.size() > kList.size() ? path.substr(kList.size() + 1) : std::string();
  const auto miss = MakeMiss(state, reply);
  Spawn(miss, ListModels(miss, std::move(wanted)));
}

boost::asio::awaitable<void> Pipeline::ListModels(std::shared_ptr<Miss> miss, std::string wanted) {
  co_await boost::asio::this_coro::throw_if_cancelled(false);
  miss->running = true;
  if (miss->exchange.cancelled) {
    miss->finished = true;
    co_return;
  }
  std::set<std::string> names;
  const ModelRoute* any = nullptr;
  for (const auto& [name, route] : miss->live->routes->routes()) {
    if (name == "*") {
      any = &route;
    } else {
      names.insert(name);
    }
  }
  HttpReply answer;
  if (any != nullptr && (wanted.empty() || !names.contains(wanted))) {
    UpstreamRequest request;
    request.path = "/models";
    request.method = "GET";
    request.request_id = miss->exchange.request_id;
    const Result<UpstreamReply> reply = co_await any->client->Send(request, nullptr);
    // Without the upstream's list, the named routes are still true.
    const Result<void> read = !reply ? std::unexpected(reply.error())
                              : reply->status == 200
                                  ? ReadModelList(reply->body, names)
                                  : Fail(Code::kUnavailable, "the upstream has no model list");
    if (!read && names.empty()) {
      answer = ErrorReply(UpstreamError(read.error()));
      miss->finished = true;
      miss->reply->AnswerReply(answer, miss->exchange.request_id);
      co_return;
    }
  }
  if (wanted.empty()) {
    answer = HttpReply::Json(WriteModelList(names));
  } else if (names.contains(wanted)) {
    answer = HttpReply::Json(WriteModel(wanted));
  } else {
    answer =
        ErrorReply(ApiError{.status = 404,
                            .type = ErrorTypeOf(404),
                            .code = "model_not_found",
                            .param = "model",
                            .message = fmt::format("No route serves the model '{}'.", wanted)});
  }
  miss->finished = true;
  miss->reply->AnswerReply(answer, miss->exchange.request_id);
}

}  // namespace assay::gateway
