// upstream/provider.h: one model server that Assay may ask, and what goes in and comes out.
// Room: gateway (private).  Threads: a Provider is shared by all I/O threads; one call stays on the
// executor of the coroutine that made it, which must run on one thread at a time (an io_context of
// one thread, or a strand).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "assay/core/result.h"
#include "assay/gateway/exchange.h"

namespace assay::gateway {

namespace asio = boost::asio;

// All views must stay valid until the call is over.
struct UpstreamRequest {
  std::string_view path = "/chat/completions";  // below the upstream's base URL; may carry a query
  std::string_view method = "POST";
  std::string_view body;  // JSON text as the client sent it; forwarded byte for byte
  // Where the value of "model" stands in `body`, quotes included; 0 bytes = nothing is put in its
  // place.
  std::size_t model_offset = 0;
  std::size_t model_bytes = 0;
  std::string_view traceparent;      // W3C; empty = no such header
  std::string_view request_id;       // x-request-id; empty = no such header
  std::uint32_t token_estimate = 0;  // prompt and answer together, for limits of tokens a minute
  // When the answer must be whole, by core::Clock::monotonic_ns(); 0 = the settings' limits alone.
  std::int64_t deadline_ns = 0;
  // Where RouteClient counts the calls it makes, for questions that fail too; may be null.
  std::uint32_t* attempts = nullptr;
};

// What the upstream says it used; zero where it does not say.
struct TokenUsage {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::uint64_t total_tokens = 0;

  friend bool operator==(const TokenUsage&, const TokenUsage&) = default;
};

struct UpstreamHead {
  int status = 0;
  std::string_view content_type;  // as sent; empty where absent
  std::string_view request_id;    // the upstream's x-request-id; empty where absent
};

struct UpstreamReply {
  int status = 0;
  std::string content_type;
  std::string request_id;  // the upstream's x-request-id
  std::string body;  // whole; empty when the sink had it. The capacity is at least size() + 64
                     // bytes (what simdjson reads past the end) when the body came from a socket.
  bool streamed = false;             // the sink had the head and all of the body
  std::int64_t retry_after_ms = -1;  // what the answer asks for; -1 = nothing
  std::int64_t first_byte_ns = 0;    // duration from the call to the first byte of the answer
  std::int64_t total_ns = 0;         // duration of the call
  TokenUsage usage;                  // of a JSON answer; of a stream the assembler knows
  // Set by RouteClient; the names live as long as it does.
  std::string_view
      upstream;            // the name of the upstream that answered; empty = Assay itself (a limit)
  std::string_view model;  // the model asked there; empty = the client's
  std::uint32_t attempts = 1;  // calls made for this answer, retries and hedges included
  // Set by the experts' circle, where several were asked.
  std::int64_t cost_nanousd = -1;  // of all calls; -1: that of `usage` at `upstream`
  std::vector<ExpertNote> experts;
  std::string consensus;  // the value of x-assay-consensus; empty: one was asked
  // Set by CheckClaims, once for all who asked: see check_claims_internal.h.
  std::string verdict;  // the value of x-assay-verdict; empty: not checked
  std::vector<ClaimVerdict> claims;
};

// Takes a streamed answer as it comes. A sink sees only answers of status 2xx whose content type is
// text/event-stream; every other answer is collected in UpstreamReply::body, so that it can be
// retried. An error of the sink ends the call: the upstream connection is closed and the error
// returned.
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  // Once, as soon as the head is known, before any chunk. The views are valid until it returns.
  virtual asio::awaitable<Result<void>> Head(const UpstreamHead& head) = 0;
  // Bytes of the body in order, cut wherever the network cut them; never empty. The next chunk is
  // read from the upstream only when this returns, so a sink that waits for its client slows the
  // upstream down.
  virtual asio::awaitable<Result<void>> Chunk(std::string_view bytes) = 0;
};

// One upstream server. OpenAI-compatible HTTP is the first kind (http/http_provider.h).
class Provider {
 public:
  virtual ~Provider() = default;

  // Asks once, without retries. `sink` may be null: then a stream is collected as well.
  // An answer of any status is a reply, not an error.
  // Errors: kUnavailable (no connection, broken or cancelled), kDeadlineExceeded, kDataLoss (the
  // answer is not HTTP, or broke after its head), kResourceExhausted (larger than the limit), and
  // those of the sink. Cancellation (asio slots, terminal) closes the connection. The request is
  // read until the call is over.  `model` replaces the request's model where it names a place.
  [[nodiscard]] virtual asio::awaitable<Result<UpstreamReply>> Send(const UpstreamRequest& request,
                                                                    std::string_view model,
                                                                    ChunkSink* sink) = 0;

  // For logs, metrics and the dashboard; carries no secret.
  [[nodiscard]] virtual std::string_view name() const = 0;
};

}  // namespace assay::gateway
