// assay/core/traffic/rate_limiter.h: requests and tokens a minute, by reservation.
// Room: core.  Threads: one at a time (its owner locks); time is the caller's.
// Method: two token buckets whose level may fall below zero: each caller is told how long to wait,
// so callers are served in the order in which they asked (generic cell rate algorithm, ITU-T I.371,
// in another form).
#pragma once
#include <algorithm>
#include <cstdint>

namespace assay::core {

// One bucket. Holds `burst`, or a tenth of a minute's worth, at least 1: in no minute more than the
// rate and the burst (1.1 times the rate) goes through.
class TokenBucket {
 public:
  explicit TokenBucket(double per_minute, double burst = 0)
      : per_minute_(per_minute), burst_(burst), level_(capacity()) {}

  // Nanoseconds until `cost` may pass; 0 = now, always so without a limit. A cost above the
  // capacity waits for a full bucket.
  [[nodiscard]] std::int64_t WaitNs(std::int64_t now_ns, double cost);
  // Takes the cost, now or ahead of time.
  void Take(double cost) { level_ -= cost; }
  void Refund(double cost) { level_ = std::min(level_ + cost, capacity()); }

 private:
  [[nodiscard]] double capacity() const {
    return std::max(1.0, burst_ > 0 ? burst_ : per_minute_ / 10);
  }

  double per_minute_;  // 0 = no limit
  double burst_;       // 0 = a tenth of a minute's worth
  double level_;
  std::int64_t seen_ns_ = 0;
  bool seen_ = false;
};

class RateLimiter {
 public:
  // `burst_requests`: how many go through at once after a quiet time; 0 = a tenth of a minute's.
  RateLimiter(double requests_per_minute, double tokens_per_minute, double burst_requests = 0)
      : requests_(requests_per_minute, burst_requests), tokens_(tokens_per_minute) {}

  // How long a call of so many tokens would have to wait now.
  [[nodiscard]] std::int64_t WaitNs(std::int64_t now_ns, double tokens);
  // Takes the call's place in the line and says how long it must wait.
  [[nodiscard]] std::int64_t Reserve(std::int64_t now_ns, double tokens);
  // A reserved call was not made.
  void Refund(double tokens);
  // A call that was reserved with `estimate` tokens used `actual` ones.
  void Settle(double estimate, double actual) { tokens_.Take(actual - estimate); }
  // Another process used as much of the same limits, or less than nothing where it gave back.
  void TakeElsewhere(double requests, double tokens);
  // The upstream asked to be left alone (retry-after). Never shortens an earlier pause.
  void PauseUntil(std::int64_t until_ns) {
    paused_until_ns_ = std::max(paused_until_ns_, until_ns);
  }
  [[nodiscard]] std::int64_t PausedNs(std::int64_t now_ns) const {
    return std::max<std::int64_t>(0, paused_until_ns_ - now_ns);
  }

 private:
  TokenBucket requests_;
  TokenBucket tokens_;
  std::int64_t paused_until_ns_ = INT64_MIN / 2;
};

}  // namespace assay::core
