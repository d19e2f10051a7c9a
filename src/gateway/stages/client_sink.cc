#include <memory>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

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
  const auto timer = std::make_shared<asio::steady_timer>(co_await asio::this_coro::executor);
  timer->expires_at(asio::steady_timer::time_point::max());
  const auto drained = std::make_shared<bool>(false);
  reply_.WhenDrained([timer, drained] {
    *drained = true;
    timer->cancel();
  });
  if (!*drained) (void)co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
}

void ClientSink::LookForDone(std::string_view bytes) {
  if (done_ || !readable_) return;
  const auto taken = reader_.Feed(bytes, [this](const SseEvent& event, std::size_t) {
    done_ = event.data == "[DONE]";
    return !done_;
  });
  readable_ = taken.has_value();
  if (done_) on_done_();
}

asio::awaitable<Result<void>> ClientSink::Chunk(std::string_view bytes) {
  LookForDone(bytes);
  reply_.Write(bytes);
  if (reply_.unsent_bytes() > kMaxUnsentBytes) co_await WaitForClient();
  if (reply_.gone() && !done_) co_return Fail(Code::kUnavailable, "the client went away");
  co_return Result<void>{};
}

}  // namespace assay::gateway
