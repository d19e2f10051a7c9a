// upstream/route_client.h: asks the upstreams of a route until one answers, within their limits.
// Room: gateway (private).  Threads: shared by all I/O threads; see provider.h for what a call
// needs.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "assay/core/clock.h"

#include "upstream/provider.h"

namespace assay::gateway {

class Upstream;  // upstream.h: a provider with the limiter, breaker and counters that all routes
                 // share

enum class Balance : std::uint8_t {
  kFailover,  // the first target that can be asked, in their order
  kWeighted,  // by chance, in proportion to the weights
};

struct RouteTarget {
  std::shared_ptr<Upstream> upstream;
  std::string model;         // asked for there; empty = the client's own
  std::uint32_t weight = 1;  // for kWeighted; 0 = only when the others fail
};

struct RouteClientOptions {
  Balance balance = Balance::kFailover;
  std::uint32_t max_attempts = 3;      // calls for one question, 1..10; hedges are not counted
  std::int64_t backoff_base_ms = 200;  // full jitter: uniform in [0, min(max, base * 2^n))
  std::int64_t backoff_max_ms = 10'000;
  std::int64_t deadline_ms = 600'000;  // for all attempts and waits together
  double hedge_quantile = 0;  // in (0, 1): a second call after this quantile of the route's
                              // latencies, answers without a sink only; 0 = never
};

class RouteClient {
 public:
  // Errors: kInvalidArgument (no target, or an option outside its range).
  [[nodiscard]] static Result<std::shared_ptr<RouteClient>> Make(
      std::string name, RouteClientOptions options, std::vector<RouteTarget> targets,
      core::Clock& clock = core::Clock::Real(), core::Rng& rng = core::Rng::Real());
  virtual ~RouteClient() = default;

  // As Provider::Send, over the route's targets: failover or balance, limits, breakers, retries and
  // deadline. Retries only while the sink has seen nothing. When every target refuses, the last
  // answer is returned as it is (say, a 429 or a 500 of the upstream). When a limit of Assay's own
  // refuses, the reply has the status 429, an error in the OpenAI shape, `retry_after_ms`, and an
  // empty `upstream`. A JSON answer of status 200 that is not valid JSON is a failed attempt; in
  // the end kDataLoss.
  [[nodiscard]] virtual asio::awaitable<Result<UpstreamReply>> Send(const UpstreamRequest& request,
                                                                    ChunkSink* sink) = 0;

  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual const std::vector<RouteTarget>& targets() const = 0;
};

}  // namespace assay::gateway
