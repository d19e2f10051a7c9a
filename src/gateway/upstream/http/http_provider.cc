#include "upstream/http/http_provider.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>
#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "assay/core/traffic/retry_after.h"

#include "upstream/answer.h"
#include "upstream/http/connection.h"
#include "upstream/http/request_head.h"
#include "upstream/http/response.h"
#include "upstream/http/url.h"

namespace assay::gateway {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kReadPastEnd = 64;  // what simdjson may read past a text
constexpr int kRequestTimeout = 408;  // what servers send to a connection that was idle too long

// What all connections and calls of a provider share; calls keep it alive.
struct Shared {
  HttpProviderOptions options;
  UpstreamUrl url;
  ConnectTarget target;
  std::unique_ptr<asio::ssl::context> tls;
  RequestHead head;
};

// One call and how far it is.
struct Exchange {
  const Shared& shared;
  const UpstreamRequest& request;
  std::string_view model;
  ChunkSink* sink;
  core::Clock& clock;
  DeadlineList::Entry& entry;
  std::int64_t begin_ns = 0;
  std::int64_t deadline_ns = 0;  // of the whole call
  std::int64_t limit_ms = 0;     // of the phase, for the error
  bool received = false;         // a byte of the answer came
  bool stale = false;            // the connection had been closed: nothing was received, ask again
  bool reusable = false;         // the connection can serve the next call

  void Phase(std::int64_t phase_ms, std::int64_t now_ns) {
    limit_ms = phase_ms;
    entry.Set(std::min(deadline_ns, now_ns + phase_ms * kNsPerMs));
  }

  std::unexpected<Error> Failed(const boost::system::error_code& error) {
    const std::string& shown = shared.target.shown;
    if (entry.expired()) {
      return Fail(Code::kDeadlineExceeded,
                  fmt::format("upstream {} {} within its time limit", shown,
                              received ? "did not finish its answer" : "did not answer"));
    }
    if (error == asio::error::operation_aborted) {
      return Fail(Code::kUnavailable, fmt::format("the call of upstream {} was cancelled", shown));
    }
    if (received) {
      return Fail(Code::kDataLoss,
                  fmt::format("upstream {} broke off in the middle of its answer: {}", shown,
                              error.message()));
    }
    stale = true;
    return Fail(Code::kUnavailable,
                fmt::format("upstream {} closed the connection without an answer: {}", shown,
                            error.message()));
  }
};

constexpr std::size_t kJoinedBytes = 4096;  // up to here a copy costs less than one more part

// A request on its way out.
struct Outgoing {
  std::string model;           // in JSON
  std::array<iovec, 4> parts;  // of which the first `count` are used
  std::size_t count = 0;

  [[nodiscard]] std::span<iovec> rest() { return std::span(parts).first(count); }
  void Add(std::string_view text) {
    parts[count++] = {const_cast<char*>(text.data()), text.size()};
  }
};

// The parts then point into `out`, into the request and into the connection.
void MakeRequest(const Exchange& call, Connection& connection, Outgoing& out) {
  const UpstreamRequest& request = call.request;
  std::string_view before = request.body;
  std::string_view after;
  if (!call.model.empty() && request.model_bytes != 0) {
    AppendJsonString(out.model, call.model);
    before = request.body.substr(0, request.model_offset);
    after = request.body.substr(request.model_offset + request.model_bytes);
  }
  connection.head.clear();
  call.shared.head.Append(connection.head, request,
                          before.size() + out.model.size() + after.size());
  if (before.size() + after.size() <= kJoinedBytes) {
    connection.head.append(before).append(out.model).append(after);
    out.Add(connection.head);
    return;
  }
  for (const std::string_view text :
       {std::string_view(connection.head), before, std::string_view(out.model), after}) {
    out.Add(text);
  }
}

// Writes what the socket takes now, which is nearly always all of it. False when something is left.
Result<bool> WriteNow(Exchange& call, Connection& connection, Outgoing& out) {
  if (connection.plain == nullptr) return false;
  boost::system::error_code error;
  std::size_t written = connection.plain->Write(out.rest(), error);
  if (error && error != asio::error::would_block) return call.Failed(error);
  bool all = true;
  for (iovec& part : out.rest()) {
    const std::size_t bytes = std::min(written, part.iov_len);
    part.iov_base = static_cast<char*>(part.iov_base) + bytes;
    part.iov_len -= bytes;
    written -= bytes;
    all = all && part.iov_len == 0;
  }
  return all;
}

asio::awaitable<Result<void>> WriteRest(Exchange& call, Connection& connection, Outgoing& out) {
  boost::system::error_code error;
  if (connection.tls != nullptr) {
    std::array<asio::const_buffer, 4> buffers;
    std::ranges::transform(out.rest(), buffers.begin(), [](const iovec& part) {
      return asio::const_buffer(part.iov_base, part.iov_len);
    });
    std::tie(error, std::ignore) = co_await asio::async_write(*connection.tls, buffers, kAwait);
    if (error) co_return call.Failed(error);
    co_return Result<void>();
  }
  while (true) {
    std::tie(error) = co_await connection.plain->Wait(EventSocket::Direction::kWrite, kAwait);
    if (error) co_return call.Failed(error);
    Result<bool> all = WriteNow(call, connection, out);
    if (!all) co_return std::unexpected(std::move(all).error());
    if (*all) co_return Result<void>();
  }
}

// Reads into the connection's buffer from `filled` on. Returns how much came; 0 only at an orderly
// end of the connection when `end_is_fine`.
asio::awaitable<Result<std::size_t>> Read(Exchange& call, Connection& connection,
                                          std::size_t filled, bool end_is_fine) {
  const std::span<char> space = std::span(connection.buffer).subspan(filled);
  boost::system::error_code error;
  std::size_t count = 0;
  if (connection.tls != nullptr) {
    std::tie(error, count) =
        co_await connection.tls->async_read_some(asio::buffer(space.data(), space.size()), kAwait);
  } else {
    count = connection.plain->Read(space, error);
    while (error == asio::error::would_block) {
      std::tie(error) = co_await connection.plain->Wait(EventSocket::Direction::kRead, kAwait);
      if (!error) count = connection.plain->Read(space, error);
    }
  }
  if (error == asio::error::eof && end_is_fine) co_return std::size_t{0};
  if (error) co_return call.Failed(error);
  call.received = true;
  co_return count;
}

struct ReceivedHead {
  ResponseHead head;
  std::size_t filled = 0;  // bytes in the buffer, from the head's first on
};

asio::awaitable<Result<ReceivedHead>> ReadHead(Exchange& call, Connection& connection) {
  std::size_t filled = 0;
  while (true) {
    Result<std::size_t> count = co_await Read(call, connection, filled, false);
    if (!count) co_return std::unexpected(std::move(count).error());
    filled += *count;
    while (true) {
      auto head = ParseResponseHead(std::string_view(connection.buffer.data(), filled));
      if (!head) {
        co_return Fail(head.error().code, fmt::format("upstream {}: {}", call.shared.target.shown,
                                                      head.error().message));
      }
      if (!*head) break;
      if ((*head)->status >= 200) {
        ReceivedHead received;
        received.head = **head;
        received.filled = filled;
        co_return received;
      }
      // 1xx: the true answer follows (RFC 9110, 15.2).
      filled -= (*head)->head_bytes;
      std::copy_n(connection.buffer.data() + (*head)->head_bytes, filled, connection.buffer.data());
    }
  }
}

std::unexpected<Error> TooLarge(const Exchange& call) {
  return Fail(Code::kResourceExhausted,
              fmt::format("the answer of upstream {} is larger than {} bytes",
                          call.shared.target.shown, call.shared.options.max_answer_bytes));
}

// Decodes what was read, in place; returns what of it is body.
Result<std::string_view> Decode(Exchange& call, BodyDecoder& decoder, std::span<char> bytes) {
  Result<BodyDecoder::Step> step = decoder.Decode(bytes);
  if (!step) {
    return Fail(step.error().code,
                fmt::format("upstream {}: {}", call.shared.target.shown, step.error().message));
  }
  call.reusable = call.reusable && step->taken == bytes.size();
  return std::string_view(bytes.data(), step->body_bytes);
}

Result<void> Collect(const Exchange& call, std::string_view body, UpstreamReply& reply) {
  if (body.size() > call.shared.options.max_answer_bytes - reply.body.size()) return TooLarge(call);
  reply.body.append(body);
  return {};
}

// Gives the body to the sink or collects it. `bytes` came with the head.
asio::awaitable<Result<void>> ReadBody(Exchange& call, Connection& connection, BodyDecoder& decoder,
                                       std::span<char> bytes, UpstreamReply& reply) {
  bool ended = false;
  while (true) {
    const Result<std::string_view> body = Decode(call, decoder, bytes);
    if (!body) co_return std::unexpected(body.error());
    if (!reply.streamed) {
      Result<void> taken = Collect(call, *body, reply);
      if (!taken) co_return std::unexpected(std::move(taken).error());
    } else if (!body->empty()) {
      call.entry.Set(call.deadline_ns);  // now the client may take its time
      Result<void> taken = co_await call.sink->Chunk(*body);
      if (!taken) co_return std::unexpected(std::move(taken).error());
    }
    if (decoder.done() || ended) co_return Result<void>();
    call.Phase(call.shared.options.gap_timeout_ms, call.clock.monotonic_ns());
    Result<std::size_t> count = co_await Read(call, connection, 0, decoder.until_close());
    if (!count) co_return std::unexpected(std::move(count).error());
    bytes = std::span<char>(connection.buffer.data(), *count);
    ended = *count == 0;
  }
}

std::int64_t RetryAfterOf(const ResponseHead& head, const core::Clock& clock) {
  if (const auto wait_ms = core::ParseRetryAfterMs(head.retry_after_ms)) return *wait_ms;
  return core::ParseRetryAfter(head.retry_after, clock.wall_ns() / kNsPerMs).value_or(-1);
}

// Fills `reply`, so that no part of an answer has to be moved from frame to frame.
asio::awaitable<Result<void>> Run(Exchange& call, Connection& connection, UpstreamReply& reply,
                                  std::int64_t now_ns) {
  const HttpProviderOptions& options = call.shared.options;
  // An upstream that does not even read is late as well.
  call.Phase(options.first_byte_timeout_ms, now_ns);
  Outgoing out;
  MakeRequest(call, connection, out);
  Result<bool> written = WriteNow(call, connection, out);
  if (!written) co_return std::unexpected(std::move(written).error());
  if (!*written) {
    Result<void> rest = co_await WriteRest(call, connection, out);
    if (!rest) co_return std::unexpected(std::move(rest).error());
  }
  Result<ReceivedHead> received = co_await ReadHead(call, connection);
  if (!received) co_return std::unexpected(std::move(received).error());
  const ResponseHead& head = received->head;
  reply.status = head.status;
  reply.content_type = head.content_type;
  reply.request_id = head.request_id;
  reply.first_byte_ns = call.clock.monotonic_ns() - call.begin_ns;
  reply.retry_after_ms = RetryAfterOf(head, call.clock);
  if (!head.content_encoding.empty() && head.content_encoding != "identity") {
    co_return Fail(Code::kDataLoss,
                   fmt::format("upstream {} compressed its answer without being asked to",
                               call.shared.target.shown));
  }
  call.reusable = head.keep_alive;
  BodyDecoder decoder(head);
  if (decoder.until_close()) call.reusable = false;
  const std::span<char> bytes(connection.buffer.data() + head.head_bytes,
                              received->filled - head.head_bytes);
  const bool good = head.status >= 200 && head.status < 300;
  reply.streamed = call.sink != nullptr && good && IsEventStream(head.content_type);
  if (reply.streamed) {
    const UpstreamHead seen{head.status, head.content_type, head.request_id};
    Result<void> taken = co_await call.sink->Head(seen);
    if (!taken) co_return std::unexpected(std::move(taken).error());
  } else {
    const std::uint64_t expected =
        head.content_length > 0 ? static_cast<std::uint64_t>(head.content_length) : 0;
    if (expected > options.max_answer_bytes) co_return TooLarge(call);
    reply.body.reserve(expected + kReadPastEnd);
  }
  if (!reply.streamed && head.content_length == static_cast<std::int64_t>(bytes.size())) {
    // It came as a whole: no coroutine is needed.
    Result<std::string_view> body = Decode(call, decoder, bytes);
    if (!body) co_return std::unexpected(std::move(body).error());
    reply.body.append(*body);
    reply.total_ns = reply.first_byte_ns;
  } else {
    Result<void> read = co_await ReadBody(call, connection, decoder, bytes, reply);
    if (!read) co_return std::unexpected(std::move(read).error());
    reply.total_ns = call.clock.monotonic_ns() - call.begin_ns;
  }
  if (reply.body.capacity() < reply.body.size() + kReadPastEnd)
    reply.body.reserve(reply.body.size() + kReadPastEnd);
  co_return Result<void>();
}

class HttpProvider final : public Provider {
 public:
  HttpProvider(std::shared_ptr<const Shared> shared, core::Clock& clock)
      : shared_(std::move(shared)), clock_(clock) {}

  [[nodiscard]] std::string_view name() const override { return shared_->options.name; }

  asio::awaitable<Result<UpstreamReply>> Send(const UpstreamRequest& request,
                                              std::string_view model, ChunkSink* sink) override {
    const auto executor = co_await asio::this_coro::executor;
    const auto* own = executor.target<asio::io_context::executor_type>();
    if (own == nullptr)
      co_return Fail(Code::kFailedPrecondition, "an upstream call must run on an io_context");
    asio::io_context* context = &own->context();
    const std::shared_ptr<const Shared> shared = shared_;
    const std::shared_ptr<const ConnectTarget> target(shared, &shared->target);
    core::Clock& clock = clock_;
    ConnectionPool& pool = asio::use_service<ConnectionPools>(*context).Of(target, *context, clock);
    const std::int64_t begin_ns = clock.monotonic_ns();
    std::int64_t deadline_ns = begin_ns + shared->options.total_timeout_ms * kNsPerMs;
    if (request.deadline_ns != 0) deadline_ns = std::min(deadline_ns, request.deadline_ns);
    DeadlineList::Entry entry(pool.deadlines, deadline_ns);
    Result<UpstreamReply> reply;
    for (bool may_reuse = true;; may_reuse = false) {
      Exchange call{*shared, request, model, sink, clock, entry};
      call.begin_ns = begin_ns;
      call.deadline_ns = deadline_ns;
      std::unique_ptr<Connection> connection;
      if (may_reuse) connection = pool.TakeIdle(begin_ns);
      const bool reused = connection != nullptr;
      std::int64_t now_ns = begin_ns;
      if (!reused) {
        if (!may_reuse) now_ns = clock.monotonic_ns();
        call.Phase(shared->options.connect_timeout_ms, now_ns);
        Result<std::unique_ptr<Connection>> opened = co_await pool.Connect(entry);
        if (!opened) co_return std::unexpected(std::move(opened).error());
        connection = std::move(*opened);
        now_ns = clock.monotonic_ns();
      }
      const bool plain = connection->plain != nullptr;
      entry.Watch(plain ? nullptr : &connection->socket);
      entry.Watch(connection->plain.get());
      reply.emplace();
      Result<void> run = co_await Run(call, *connection, *reply, now_ns);
      entry.Watch(static_cast<UpstreamSocket*>(nullptr));
      entry.Watch(static_cast<EventSocket*>(nullptr));
      if (!run) reply = std::unexpected(std::move(run).error());
      // A server may close an idle connection at any moment, also silently or with a 408: that says
      // nothing about it.
      const bool idle_too_long = reply && reply->status == kRequestTimeout && !call.reusable;
      if (reused && (call.stale || idle_too_long)) continue;
      if (reply && call.reusable) pool.PutIdle(std::move(connection), begin_ns + reply->total_ns);
      co_return reply;
    }
  }

 private:
  std::shared_ptr<const Shared> shared_;
  core::Clock& clock_;
};

Result<std::unique_ptr<asio::ssl::context>> MakeTls(const HttpProviderOptions& options) {
  boost::system::error_code error;
  auto tls = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
  tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                       asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                       asio::ssl::context::no_tlsv1_1,
                   error);
  if (!options.verify_tls) return tls;
  if (options.ca_file.empty()) {
    tls->set_default_verify_paths(error);
  } else {
    tls->load_verify_file(options.ca_file, error);
  }
  if (error) {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("upstream '{}': the certificates in {} cannot be used: {}", options.name,
                    options.ca_file.empty() ? "the system's folder" : options.ca_file,
                    error.message()));
  }
  return tls;
}

Result<void> CheckLimits(const HttpProviderOptions& options) {
  const std::array<std::int64_t, 4> limits_ms = {options.connect_timeout_ms,
                                                 options.first_byte_timeout_ms,
                                                 options.gap_timeout_ms, options.total_timeout_ms};
  constexpr std::int64_t kDayMs = 86'400'000;
  const bool inside =
      std::ranges::all_of(limits_ms, [](std::int64_t ms) { return ms >= 1 && ms <= kDayMs; });
  if (!inside || options.max_answer_bytes == 0 || options.dns_refresh_ms < 0 ||
      options.idle_timeout_ms < 0 || options.max_connection_age_ms < 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("upstream '{}': time limits must be 1 ms to one day, sizes at least 1",
                            options.name));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Provider>> MakeHttpProvider(HttpProviderOptions options,
                                                   core::Clock& clock) {
  ASSAY_TRY(CheckLimits(options));
  auto shared = std::make_shared<Shared>();
  ASSAY_ASSIGN(shared->url, ParseUpstreamUrl(options.url));
  ASSAY_ASSIGN(shared->head,
               RequestHead::Make(shared->url, options.api_key.view(), options.headers));
  if (shared->url.tls) {
    ASSAY_ASSIGN(shared->tls, MakeTls(options));
  }
  ConnectTarget& target = shared->target;
  target.host = shared->url.host;
  target.port = shared->url.port;
  target.shown = fmt::format("{}:{}", shared->url.host, shared->url.port);
  target.tls = shared->tls.get();
  target.verify = options.verify_tls;
  target.dns_refresh_ns = options.dns_refresh_ms * kNsPerMs;
  target.idle_timeout_ns = options.idle_timeout_ms * kNsPerMs;
  target.max_age_ns = options.max_connection_age_ms * kNsPerMs;
  target.max_idle = options.max_idle;
  options.api_key.Clear();  // the head has it
  shared->options = std::move(options);
  return std::make_unique<HttpProvider>(std::move(shared), clock);
}

}  // namespace assay::gateway
