#include "assay/core/traffic/rate_limiter.h"

#include <cmath>

namespace assay::core {
namespace {
constexpr double kNsPerMinute = 60e9;
}

std::int64_t TokenBucket::WaitNs(std::int64_t now_ns, double cost) {
  if (per_minute_ <= 0) return 0;
  if (!seen_) seen_ns_ = now_ns;
  seen_ = true;
  if (now_ns > seen_ns_) {
    level_ = std::min(capacity(),
                      level_ + static_cast<double>(now_ns - seen_ns_) * per_minute_ / kNsPerMinute);
    seen_ns_ = now_ns;
  }
  const double missing = std::min(cost, capacity()) - level_;
  if (missing <= 0) return 0;
  return static_cast<std::int64_t>(std::ceil(missing * kNsPerMinute / per_minute_));
}

std::int64_t RateLimiter::WaitNs(std::int64_t now_ns, double tokens) {
  return std::max({requests_.WaitNs(now_ns, 1), tokens_.WaitNs(now_ns, tokens), PausedNs(now_ns)});
}

std::int64_t RateLimiter::Reserve(std::int64_t now_ns, double tokens) {
  const std::int64_t wait_ns = WaitNs(now_ns, tokens);
  requests_.Take(1);
  tokens_.Take(tokens);
  return wait_ns;
}

void RateLimiter::Refund(double tokens) {
  requests_.Refund(1);
  tokens_.Refund(tokens);
}

void RateLimiter::TakeElsewhere(double requests, double tokens) {
  requests_.Refund(-requests);
  tokens_.Refund(-tokens);
}

}  // namespace assay::core
