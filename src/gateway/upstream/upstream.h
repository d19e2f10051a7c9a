// upstream/upstream.h: an upstream as all routes share it: provider, limits, circuit breaker,
// counters. Room: gateway (private).  Threads: safe; one short lock for a call's begin and end.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "assay/core/clock.h"
#include "assay/core/traffic/rate_limiter.h"

#include "upstream/policy/circuit_breaker.h"
#include "upstream/provider.h"

namespace assay::gateway {

struct LimiterOptions {
  std::uint64_t requests_per_minute = 0;  // 0 = no limit
  std::uint64_t tokens_per_minute = 0;    // 0 = no limit; counts prompt and answer
  std::uint32_t max_waiting = 256;        // calls that may wait for their turn; more are refused
  std::int64_t max_wait_ms = 30'000;      // a call that would wait longer is refused at once
  // Calls that may be in flight; further ones wait, within the two limits above. 0 = no limit.
  std::uint32_t max_in_flight = 0;
};

// A moment's numbers; counters grow from the start of the process.
struct UpstreamStats {
  std::uint64_t calls = 0;         // attempts sent
  std::uint64_t failures = 0;      // no answer, broken, 5xx or not JSON
  std::uint64_t rate_limited = 0;  // answers of status 429
  std::uint64_t refused = 0;       // not sent: the limiter's line or wait was too long
  std::uint64_t in_flight = 0;
  std::uint64_t waiting = 0;     // for the limiter, or for a call in flight to end
  std::uint64_t hedges = 0;      // calls made because the first of a question was late
  std::uint64_t hedges_won = 0;  // of them, those that answered first
  std::uint64_t breaker_opened = 0;
  BreakerState breaker = BreakerState::kClosed;
  std::int64_t paused_ms = 0;  // how long the upstream's retry-after still holds calls back
  double latency_ms = 0;       // of good answers to their first byte, moving average
  bool reachable = true;       // as the latest look from outside said
};

// What calls took of an upstream's limits, and gave back because they were not made or took less.
struct UpstreamSpent {
  std::int64_t requests = 0;
  std::int64_t requests_back = 0;
  std::int64_t tokens = 0;
  std::int64_t tokens_back = 0;
};

// How an attempt ended, as limits and breaker see it.
enum class Outcome : std::uint8_t {
  kGood,       // answered; also a 4xx: the request was wrong, not the upstream
  kFailed,     // no answer, too late, broken, 5xx, not JSON
  kLimited,    // 429, or 503 with retry-after
  kCancelled,  // nobody wanted it any more
};

class Upstream {
 public:
  Upstream(std::unique_ptr<Provider> provider, LimiterOptions limits, BreakerOptions breaker,
           core::Clock& clock = core::Clock::Real());

  [[nodiscard]] Provider& provider() { return *provider_; }
  [[nodiscard]] std::string_view name() const { return provider_->name(); }
  [[nodiscard]] UpstreamStats Stats() const;

  // Whether a call could be made, and after what wait.
  struct Outlook {
    bool usable = false;  // false: the breaker is open, it is not reachable, or the line too long
    bool breaker_open = false;  // or it is not reachable
    bool busy = false;          // as many calls are in flight as may be
    std::int64_t wait_ns = 0;   // until a call could pass; of the breaker where that is open; a
                                // guess where it is busy
  };
  [[nodiscard]] Outlook Look(std::uint64_t tokens);

  // One who waits until fewer calls are in flight.
  struct Waiter {
    std::function<void()> wake;  // called at most once, by any thread, when it was granted
    bool granted = false;        // the upstream's lock guards it
  };

  // A call's place: from Admit() to Finish() or Leave().
  struct Ticket {
    CircuitBreaker::Permit permit = CircuitBreaker::kRefused;
    std::uint64_t tokens = 0;
    std::int64_t wait_ns = 0;  // the caller waits so long, then calls Begin()
    bool waiting = false;
    std::shared_ptr<Waiter> waiter = nullptr;  // of Queue()
  };
  // Takes a place; a permit of kRefused when there is none (counted as refused).
  [[nodiscard]] Ticket Admit(std::uint64_t tokens);
  // The wait is over, the call is sent. False: as many calls are in flight as may be, or others
  // wait for that already.
  [[nodiscard]] bool Begin(Ticket& ticket);
  // After Begin() was false: stands in line; `waiter` is woken when it is this call's turn, at once
  // where it is already. False (counted as refused): the line is as long as it may be.
  [[nodiscard]] bool Queue(Ticket& ticket, const std::shared_ptr<Waiter>& waiter);
  // Ends the wait in line. True: the call is sent now. False (counted as refused): its turn has not
  // come.
  [[nodiscard]] bool EndQueue(Ticket& ticket);
  [[nodiscard]] std::int64_t max_wait_ms() const { return limits_.max_wait_ms; }
  // What a look from outside saw. One that is not reachable gets no calls; `next_look_ns`, of the
  // clock's monotonic time, is when that may change.
  void SetReachable(bool reachable, std::int64_t next_look_ns);
  [[nodiscard]] bool has_rate() const {
    return limits_.requests_per_minute != 0 || limits_.tokens_per_minute != 0;
  }
  // What was taken since the last call of this.
  [[nodiscard]] UpstreamSpent TakeSpent();
  // What other gateways took of the same limits.
  void NoteSpentElsewhere(const UpstreamSpent& spent);
  // The call that begins is a hedge; a hedge answered first.
  void NoteHedge();
  void NoteHedgeWon();
  // Cancelled while it waited.
  void Leave(Ticket& ticket);
  // The call is over. `tokens`: what it used, 0 = unknown; `retry_after_ms`: what the answer asks
  // for, -1 = nothing.
  void Finish(const Ticket& ticket, Outcome outcome, std::uint64_t tokens,
              std::int64_t first_byte_ns, std::int64_t retry_after_ms);

 private:
  // All with the lock held.
  [[nodiscard]] bool Busy() const;
  [[nodiscard]] bool LineIsFull() const {
    return stats_.waiting + line_.size() >= limits_.max_waiting;
  }
  // A call in flight has ended: who is woken once the lock is given back; null = nobody.
  [[nodiscard]] std::shared_ptr<Waiter> EndOne();

  std::unique_ptr<Provider> provider_;
  LimiterOptions limits_;
  core::Clock& clock_;
  mutable std::mutex mutex_;
  core::RateLimiter limiter_;
  CircuitBreaker breaker_;
  UpstreamStats stats_;
  UpstreamSpent spent_;
  std::int64_t next_look_ns_ = 0;             // while it is not reachable
  std::deque<std::shared_ptr<Waiter>> line_;  // for a call in flight to end
};

}  // namespace assay::gateway
