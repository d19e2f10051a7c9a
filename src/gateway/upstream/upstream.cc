#include "upstream/upstream.h"

#include <algorithm>
#include <utility>

namespace assay::gateway {
namespace {
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr double kAverageShare = 0.1;  // of the newest latency in the moving average
}  // namespace

Upstream::Upstream(std::unique_ptr<Provider> provider, LimiterOptions limits,
                   BreakerOptions breaker, core::Clock& clock)
    : provider_(std::move(provider)),
      limits_(limits),
      clock_(clock),
      limiter_(static_cast<double>(limits.requests_per_minute),
               static_cast<double>(limits.tokens_per_minute)),
      breaker_(breaker) {}

Upstream::Outlook Upstream::Look(std::uint64_t tokens) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  const std::scoped_lock lock(mutex_);
  Outlook outlook;
  if (!breaker_.MayPass(now_ns)) {
    outlook.breaker_open = true;
    outlook.wait_ns = breaker_.OpenForNs(now_ns);
    return outlook;
  }
  outlook.wait_ns = limiter_.WaitNs(now_ns, static_cast<double>(tokens));
  outlook.usable = outlook.wait_ns == 0 || (stats_.waiting < limits_.max_waiting &&
                                            outlook.wait_ns <= limits_.max_wait_ms * kNsPerMs);
  return outlook;
}

Upstream::Ticket Upstream::Admit(std::uint64_t tokens) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  const std::scoped_lock lock(mutex_);
  Ticket ticket;
  ticket.tokens = tokens;
  const std::int64_t wait_ns = limiter_.WaitNs(now_ns, static_cast<double>(tokens));
  const bool fits = wait_ns == 0 || (stats_.waiting < limits_.max_waiting &&
                                     wait_ns <= limits_.max_wait_ms * kNsPerMs);
  if (fits) ticket.permit = breaker_.Pass(now_ns);
  if (ticket.permit == CircuitBreaker::kRefused) {
    ++stats_.refused;
    return ticket;
  }
  ticket.wait_ns = limiter_.Reserve(now_ns, static_cast<double>(tokens));
  ticket.waiting = ticket.wait_ns > 0;
  if (ticket.waiting) ++stats_.waiting;
  return ticket;
}

void Upstream::Begin(Ticket& ticket) {
  const std::scoped_lock lock(mutex_);
  if (ticket.waiting) --stats_.waiting;
  ticket.waiting = false;
  ++stats_.calls;
  ++stats_.in_flight;
}

void Upstream::NoteHedge() {
  const std::scoped_lock lock(mutex_);
  ++stats_.hedges;
}

void Upstream::NoteHedgeWon() {
  const std::scoped_lock lock(mutex_);
  ++stats_.hedges_won;
}

void Upstream::Leave(Ticket& ticket) {
  const std::scoped_lock lock(mutex_);
  if (ticket.waiting) --stats_.waiting;
  ticket.waiting = false;
  limiter_.Refund(static_cast<double>(ticket.tokens));
  breaker_.Abandoned(ticket.permit);
}

void Upstream::Finish(const Ticket& ticket, Outcome outcome, std::uint64_t tokens,
                      std::int64_t first_byte_ns, std::int64_t retry_after_ms) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  const std::scoped_lock lock(mutex_);
  --stats_.in_flight;
  if (tokens != 0) limiter_.Settle(static_cast<double>(ticket.tokens), static_cast<double>(tokens));
  if (retry_after_ms > 0 && outcome != Outcome::kGood)
    limiter_.PauseUntil(now_ns + retry_after_ms * kNsPerMs);
  switch (outcome) {
    case Outcome::kGood: {
      breaker_.Succeeded(ticket.permit, now_ns);
      const double latency_ms = static_cast<double>(first_byte_ns) / static_cast<double>(kNsPerMs);
      stats_.latency_ms =
          stats_.latency_ms == 0
              ? latency_ms
              : stats_.latency_ms + kAverageShare * (latency_ms - stats_.latency_ms);
      break;
    }
    case Outcome::kFailed:
      ++stats_.failures;
      breaker_.Failed(ticket.permit, now_ns);
      break;
    case Outcome::kLimited:
      ++stats_.rate_limited;
      breaker_.Abandoned(ticket.permit);
      break;
    case Outcome::kCancelled:
      breaker_.Abandoned(ticket.permit);
      break;
  }
}

UpstreamStats Upstream::Stats() const {
  const std::int64_t now_ns = clock_.monotonic_ns();
  const std::scoped_lock lock(mutex_);
  UpstreamStats stats = stats_;
  stats.breaker = breaker_.state(now_ns);
  stats.breaker_opened = breaker_.opened();
  stats.paused_ms = limiter_.PausedNs(now_ns) / kNsPerMs;
  return stats;
}

}  // namespace assay::gateway
