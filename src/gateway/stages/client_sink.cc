#include <cstddef>
#include <memory>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <boost/asio/this_coro.hpp>

#include "coroutine/signal_internal.h"
#include "stages/client_sink_internal.h"

namespace assay::gateway {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxUnsentBytes = 256 << 10;  // then the upstream is slowed down

}  // namespace

asio::awaitable<Result<void>> ClientSink::Head(const UpstreamHead&) {
  begin_();
  co_return Result<void>{};
}

asio::awaitable<void> ClientSink::WaitForClient() {
  const auto drained = std::make_shared<Signal>(co_await asio::this_coro::executor);
  reply_.WhenDrained([drained] { drained->Set(); });
  co_await drained->Wait();
}

std::size_t ClientSink::WholeEvents(std::string_view bytes) {
  if (done_ || !readable_) return bytes.size();
  std::size_t whole = 0;
  const auto taken = reader_.Feed(bytes, [&](const SseEvent& event, std::size_t end) {
    whole = end;
    done_ = event.data == "[DONE]";
    return !done_;
  });
  readable_ = taken.has_value();
  if (done_) on_done_();
  return done_ || !readable_ ? bytes.size() : whole;
}

asio::awaitable<Result<void>> ClientSink::Chunk(std::string_view bytes) {
  const std::size_t whole = WholeEvents(bytes);
  if (whole > 0 && !begun_.empty()) {
    begun_.append(bytes.substr(0, whole));
    reply_.Write(begun_);
    begun_.clear();
  } else {
    reply_.Write(bytes.substr(0, whole));
  }
  begun_.append(bytes.substr(whole));
  if (reply_.unsent_bytes() > kMaxUnsentBytes) co_await WaitForClient();
  if (reply_.gone() && !done_) co_return Fail(Code::kUnavailable, "the client went away");
  co_return Result<void>{};
}

void ClientSink::Finish() {
  reply_.Write(begun_);
  begun_.clear();
}

asio::awaitable<Result<void>> SendAsStream(std::string_view answer_json, bool include_usage,
                                           ChunkSink& sink) {
  const auto events = ReplayAsStream(answer_json, include_usage);
  if (!events) co_return std::unexpected(events.error());
  const UpstreamHead head{.status = 200, .content_type = "text/event-stream", .request_id = {}};
  if (auto taken = co_await sink.Head(head); !taken) co_return taken;
  co_return co_await sink.Chunk(*events);
}

}  // namespace assay::gateway
