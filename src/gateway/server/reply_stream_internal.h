// Where an answer goes: what the stages see of a connection.
// Threads: everything is called on the connection's I/O thread.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

#include "assay/gateway/http_message.h"

#include "http/request_parser_internal.h"

namespace assay::gateway {

struct AnswerHead {
  int status = 200;
  std::string_view content_type = "application/json";  // empty: no such field
  std::string_view fields = {};                        // further fields, each "name: value\r\n"
};

class ReplyStream {
 public:
  virtual ~ReplyStream() = default;

  // The whole answer. It is copied into the connection's buffer and written once the request that
  // was read last is answered, several pipelined ones in one write.
  virtual void Answer(const AnswerHead& head, std::string_view body) = 0;
  void AnswerReply(const HttpReply& reply, std::string_view request_id);

  // The answer comes later. The connection reads no further request until then. `on_gone` is called
  // at most once, when the client leaves before the answer is finished; not after End or Answer.
  [[nodiscard]] virtual std::shared_ptr<ReplyStream> Defer(std::function<void()> on_gone) = 0;

  // An answer whose length is not known: chunks, or until the end of the connection for HTTP/1.0.
  virtual void Begin(const AnswerHead& head) = 0;
  virtual void Write(std::string_view bytes) = 0;
  virtual void End() = 0;
  // The answer cannot be finished: the connection is cut, so that the client sees it.
  virtual void Abort() = 0;

  // What the client has not taken yet.
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
  // Calls back once, when unsent_bytes() is 0 or the client is gone.
  virtual void WhenDrained(std::function<void()> done) = 0;
  [[nodiscard]] virtual bool gone() const = 0;

  [[nodiscard]] virtual boost::asio::any_io_executor executor() = 0;
  // For coroutines that go on without this request's client; see IoThread::Hold.
  [[nodiscard]] virtual std::shared_ptr<void> HoldThread() = 0;
  [[nodiscard]] virtual std::size_t thread_index() const = 0;
  [[nodiscard]] virtual std::string peer() const = 0;
};

// What a server does with whole requests.
inline constexpr std::size_t kBodyPadding = 64;  // what simdjson may read behind a body

class RequestSink {
 public:
  virtual ~RequestSink() = default;
  // Answers, or defers. The views are valid during the call; 64 bytes behind the body may be read.
  virtual void OnRequest(const RequestView& request, ReplyStream& reply) = 0;
  // The server refused a request by itself (see ParseError::code) or closed a connection: counted.
  virtual void OnRefused(const ParseError& error) = 0;
};

}  // namespace assay::gateway
