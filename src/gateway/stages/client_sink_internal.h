// Where a streamed answer goes: to the client, and into the finished answer on the way.
// Threads: the I/O thread of the exchange.
#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "server/reply_stream_internal.h"
#include "sse/chat_stream.h"
#include "sse/reader.h"
#include "upstream/provider.h"

namespace assay::gateway {

// Passes events on to the client as they come, byte for byte; waits while the client does not take
// them. An event goes out when it is whole, so that one that breaks off is not glued to the error
// that follows. Clients leave as soon as they read [DONE], often before the upstream has ended its
// answer: from there on the exchange counts as whole, and the client's leaving is no failure.
class ClientSink final : public ChunkSink {
 public:
  // `begin` sends the head; `on_done` is called before [DONE] goes out.
  ClientSink(ReplyStream& reply, std::function<void()> begin, std::function<void()> on_done)
      : reply_(reply), begin_(std::move(begin)), on_done_(std::move(on_done)) {}

  boost::asio::awaitable<Result<void>> Head(const UpstreamHead& head) override;
  boost::asio::awaitable<Result<void>> Chunk(std::string_view bytes) override;
  // The stream ended in order: what follows the last whole event goes out too.
  void Finish();

 private:
  boost::asio::awaitable<void> WaitForClient();
  // How many of the bytes may go out: up to the end of an event, and all after [DONE].
  [[nodiscard]] std::size_t WholeEvents(std::string_view bytes);

  ReplyStream& reply_;
  std::function<void()> begin_;
  std::function<void()> on_done_;
  SseReader reader_;
  std::string begun_;     // of an event whose end has not come yet
  bool readable_ = true;  // no event so far was too long
  bool done_ = false;
};

// For a stream that no client reads; what it says is kept on the way.
class NoClient final : public ChunkSink {
 public:
  boost::asio::awaitable<Result<void>> Head(const UpstreamHead&) override {
    co_return Result<void>{};
  }
  boost::asio::awaitable<Result<void>> Chunk(std::string_view) override {
    co_return Result<void>{};
  }
};

// Keeps what passes, as the finished JSON answer.
class AssemblingSink final : public ChunkSink {
 public:
  explicit AssemblingSink(ChunkSink& next) : next_(&next) {}
  void SetNext(ChunkSink& next) { next_ = &next; }

  boost::asio::awaitable<Result<void>> Head(const UpstreamHead& head) override {
    return next_->Head(head);
  }
  boost::asio::awaitable<Result<void>> Chunk(std::string_view bytes) override {
    assembler_.Feed(bytes);
    return next_->Chunk(bytes);
  }
  [[nodiscard]] ChatStreamAssembler& assembler() { return assembler_; }

 private:
  ChunkSink* next_;
  ChatStreamAssembler assembler_;
};

// A finished JSON answer as the stream that it would have been. Errors: those of ReplayAsStream and
// of the sink.
[[nodiscard]] boost::asio::awaitable<Result<void>> SendAsStream(std::string_view answer_json,
                                                                bool include_usage,
                                                                ChunkSink& sink);

}  // namespace assay::gateway
