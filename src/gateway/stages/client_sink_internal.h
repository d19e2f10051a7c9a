// Where a streamed answer goes: to the client, and into the finished answer on the way.
// Threads: the I/O thread of the exchange.
#pragma once
#include <functional>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "server/reply_stream_internal.h"
#include "sse/chat_stream.h"
#include "upstream/provider.h"

namespace assay::gateway {

// Passes chunks on to the client as they come; waits while the client does not take them.
class ClientSink final : public ChunkSink {
 public:
  // `begin` sends the head.
  ClientSink(ReplyStream& reply, std::function<void()> begin)
      : reply_(reply), begin_(std::move(begin)) {}

  boost::asio::awaitable<Result<void>> Head(const UpstreamHead& head) override;
  boost::asio::awaitable<Result<void>> Chunk(std::string_view bytes) override;

 private:
  boost::asio::awaitable<void> WaitForClient();

  ReplyStream& reply_;
  std::function<void()> begin_;
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

}  // namespace assay::gateway
