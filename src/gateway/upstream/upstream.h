// upstream/upstream.h: an upstream as all routes share it: provider, limits, circuit breaker,
// counters. Room: gateway (private).  Threads: safe.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "assay/core/clock.h"
#include "assay/core/result.h"

#include "upstream/provider.h"

namespace assay::gateway {

struct LimiterOptions {
  std::uint32_t requests_per_minute = 0;  // 0 = no limit
  std::uint64_t tokens_per_minute = 0;    // 0 = no limit; counts prompt and answer
  std::uint32_t max_waiting = 256;        // calls that may wait for their turn; more are refused
  std::int64_t max_wait_ms = 30'000;      // a call that would wait longer is refused at once
};

struct BreakerOptions {
  double failure_share = 0.5;    // opens at this share of failures in the window, in (0, 1]
  std::uint32_t min_calls = 10;  // ... of at least so many calls
  std::int64_t window_ms = 30'000;
  std::int64_t open_ms =
      10'000;                // then a few calls probe it; doubles while they fail, up to 8 times
  std::uint32_t probes = 2;  // so many good probes in a row close it
};

enum class BreakerState : std::uint8_t { kClosed, kOpen, kHalfOpen };

// A moment's numbers; counters grow from the start of the process.
struct UpstreamStats {
  std::uint64_t calls = 0;         // attempts sent
  std::uint64_t failures = 0;      // no answer, broken, 5xx or not JSON
  std::uint64_t rate_limited = 0;  // answers of status 429
  std::uint64_t refused = 0;       // not sent: the limiter's queue or wait was too long
  std::uint64_t in_flight = 0;
  std::uint64_t waiting = 0;  // for the limiter
  std::uint64_t breaker_opened = 0;
  BreakerState breaker = BreakerState::kClosed;
  std::int64_t paused_ms = 0;  // how long the upstream's retry-after still holds calls back
  double latency_ms = 0;       // moving average of good answers
};

class Upstream {
 public:
  [[nodiscard]] static std::shared_ptr<Upstream> Make(std::unique_ptr<Provider> provider,
                                                      LimiterOptions limits, BreakerOptions breaker,
                                                      core::Clock& clock = core::Clock::Real());
  virtual ~Upstream() = default;

  [[nodiscard]] virtual Provider& provider() = 0;
  [[nodiscard]] virtual UpstreamStats Stats() const = 0;
};

}  // namespace assay::gateway
