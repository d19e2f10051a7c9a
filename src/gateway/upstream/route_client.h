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

#include "upstream/policy/choice.h"
#include "upstream/policy/latency_window.h"
#include "upstream/provider.h"
#include "upstream/upstream.h"

namespace assay::gateway {

struct RouteTarget {
  std::shared_ptr<Upstream> upstream;
  std::string model;         // asked for there; empty = the client's own
  std::uint32_t weight = 1;  // for kWeighted; 0 = only when the others fail
};

struct RouteClientOptions {
  Balance balance = Balance::kFailover;
  std::uint32_t max_attempts = 3;        // calls for one question, 1..10; hedges are not counted
  std::int64_t backoff_base_ms = 200;    // full jitter: uniform in [0, min(max, base * 2^n)]
  std::int64_t backoff_max_ms = 10'000;  // also the longest retry-after that a retry waits for
  std::int64_t deadline_ms = 600'000;    // for all attempts and waits together
  double hedge_quantile = 0;  // in (0, 1): a second call after this quantile of the route's
                              // latencies, for answers that are collected (no sink) only; 0 = never
};

class RouteClient {
 public:
  // Errors: kInvalidArgument (no target, or an option outside its range).
  [[nodiscard]] static Result<std::shared_ptr<RouteClient>> Make(
      std::string name, RouteClientOptions options, std::vector<RouteTarget> targets,
      core::Clock& clock = core::Clock::Real(), core::Rng& rng = core::Rng::Real());

  // As Provider::Send, over the route's targets: failover or balance, limits, breakers, retries and
  // deadline. The RouteClient must live until the call is over. Retries only while the sink has
  // seen nothing. When every target refuses, the last answer is returned as it is (say, a 429 or a
  // 500 of the upstream). When a limit of Assay's own refuses, the reply has the status 429, an
  // error in the OpenAI shape, `retry_after_ms`, and an empty `upstream`: "upstream_rate_limited",
  // or "upstream_busy" when as many calls are in flight, and as many wait, as may. An answer of
  // status 200 that is neither valid JSON nor an event stream is a failed attempt; in the end
  // kDataLoss. Errors also: kUnavailable when the breakers of all targets are open.
  [[nodiscard]] asio::awaitable<Result<UpstreamReply>> Send(const UpstreamRequest& request,
                                                            ChunkSink* sink);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::vector<RouteTarget>& targets() const { return targets_; }

 private:
  struct Question;  // one Send() and how far it is
  struct Attempt;   // one call and how it ended
  struct Race;      // a call and its hedge

  RouteClient(std::string name, RouteClientOptions options, std::vector<RouteTarget> targets,
              core::Clock& clock, core::Rng& rng)
      : name_(std::move(name)),
        options_(options),
        targets_(std::move(targets)),
        clock_(clock),
        rng_(rng) {}

  // Takes a place at the best target; false when there is none.
  [[nodiscard]] bool Choose(Question& question);
  [[nodiscard]] Result<UpstreamReply> Refusal(const Question& question) const;
  // Calls until one answers; the last attempt's reply is what Send returns.
  asio::awaitable<void> Ask(Question& question, Attempt& last);
  asio::awaitable<bool> WaitTurn(Question& question);
  asio::awaitable<bool> WaitInLine(Question& question);
  // They fill `attempt`, so that no part of an answer has to be moved from frame to frame.
  asio::awaitable<void> Call(Question& question, ChunkSink* sink, Attempt& attempt);
  asio::awaitable<void> CallHedged(Question& question, Attempt& attempt);
  void Start(const std::shared_ptr<Race>& race, Question& question,
             const asio::any_io_executor& executor);

  std::string name_;
  RouteClientOptions options_;
  std::vector<RouteTarget> targets_;
  core::Clock& clock_;
  core::Rng& rng_;
  LatencyWindow latencies_;
};

}  // namespace assay::gateway
