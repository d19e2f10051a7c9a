#include "upstream/upstream.h"

#include <algorithm>
#include <cstdlib>
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

bool Upstream::Busy() const {
  return limits_.max_in_flight != 0 &&
         (stats_.in_flight >= limits_.max_in_flight || !line_.empty());
}

Upstream::Outlook Upstream::Look(std::uint64_t tokens) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  const std::scoped_lock lock(mutex_);
  Outlook outlook;
  if (!stats_.reachable) {
    outlook.breaker_open = true;
    outlook.wait_ns = std::max(kNsPerMs, next_look_ns_ - now_ns);
    return outlook;
  }
  if (!breaker_.MayPass(now_ns)) {
    outlook.breaker_open = true;
    outlook.wait_ns = breaker_.OpenForNs(now_ns);
    return outlook;
  }
  outlook.wait_ns = limiter_.WaitNs(now_ns, static_cast<double>(tokens));
  outlook.busy = Busy();
  if (outlook.busy) {
    const double answer_ns = stats_.latency_ms * static_cast<double>(kNsPerMs);
    outlook.wait_ns = std::max({outlook.wait_ns, kNsPerMs, static_cast<std::int64_t>(answer_ns)});
  }
  const bool soon = outlook.busy || outlook.wait_ns <= limits_.max_wait_ms * kNsPerMs;
  outlook.usable = outlook.wait_ns == 0 || (!LineIsFull() && soon);
  return outlook;
}

Upstream::Ticket Upstream::Admit(std::uint64_t tokens) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  const std::scoped_lock lock(mutex_);
  Ticket ticket;
  ticket.tokens = tokens;
  const std::int64_t wait_ns = limiter_.WaitNs(now_ns, static_cast<double>(tokens));
  const bool fits = wait_ns == 0 || (!LineIsFull() && wait_ns <= limits_.max_wait_ms * kNsPerMs);
  if (fits && stats_.reachable) ticket.permit = breaker_.Pass(now_ns);
  if (ticket.permit == CircuitBreaker::kRefused) {
    ++stats_.refused;
    return ticket;
  }
  ticket.wait_ns = limiter_.Reserve(now_ns, static_cast<double>(tokens));
  ++spent_.requests;
  spent_.tokens += static_cast<std::int64_t>(tokens);
  ticket.waiting = ticket.wait_ns > 0;
  if (ticket.waiting) ++stats_.waiting;
  return ticket;
}

bool Upstream::Begin(Ticket& ticket) {
  const std::scoped_lock lock(mutex_);
  if (ticket.waiting) --stats_.waiting;
  ticket.waiting = false;
  if (Busy()) return false;
  ++stats_.calls;
  ++stats_.in_flight;
  return true;
}

bool Upstream::Queue(Ticket& ticket, const std::shared_ptr<Waiter>& waiter) {
  {
    const std::scoped_lock lock(mutex_);
    if (!Busy()) {
      waiter->granted = true;
      ++stats_.calls;
      ++stats_.in_flight;
    } else if (LineIsFull()) {
      ++stats_.refused;
      return false;
    } else {
      line_.push_back(waiter);
    }
    ticket.waiter = waiter;
    if (!waiter->granted) return true;
  }
  waiter->wake();
  return true;
}

bool Upstream::EndQueue(Ticket& ticket) {
  const std::scoped_lock lock(mutex_);
  const std::shared_ptr<Waiter> waiter = std::exchange(ticket.waiter, nullptr);
  if (waiter->granted) return true;
  std::erase(line_, waiter);
  ++stats_.refused;
  return false;
}

std::shared_ptr<Upstream::Waiter> Upstream::EndOne() {
  --stats_.in_flight;
  if (line_.empty() || stats_.in_flight >= limits_.max_in_flight) return nullptr;
  std::shared_ptr<Waiter> next = std::move(line_.front());
  line_.pop_front();
  next->granted = true;
  ++stats_.calls;
  ++stats_.in_flight;
  return next;
}

void Upstream::SetReachable(bool reachable, std::int64_t next_look_ns) {
  const std::scoped_lock lock(mutex_);
  stats_.reachable = reachable;
  next_look_ns_ = next_look_ns;
}

UpstreamSpent Upstream::TakeSpent() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(spent_, UpstreamSpent{});
}

void Upstream::NoteSpentElsewhere(const UpstreamSpent& spent) {
  const std::scoped_lock lock(mutex_);
  limiter_.TakeElsewhere(static_cast<double>(spent.requests - spent.requests_back),
                         static_cast<double>(spent.tokens - spent.tokens_back));
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
  std::shared_ptr<Waiter> next;
  {
    const std::scoped_lock lock(mutex_);
    if (ticket.waiting) --stats_.waiting;
    ticket.waiting = false;
    if (const auto waiter = std::exchange(ticket.waiter, nullptr)) {
      if (waiter->granted) {
        --stats_.calls;  // it never was one
        next = EndOne();
      } else {
        std::erase(line_, waiter);
      }
    }
    limiter_.Refund(static_cast<double>(ticket.tokens));
    ++spent_.requests_back;
    spent_.tokens_back += static_cast<std::int64_t>(ticket.tokens);
    breaker_.Abandoned(ticket.permit);
  }
  if (next) next->wake();
}

void Upstream::Finish(const Ticket& ticket, Outcome outcome, std::uint64_t tokens,
                      std::int64_t first_byte_ns, std::int64_t retry_after_ms) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  std::unique_lock lock(mutex_);
  const std::shared_ptr<Waiter> next = EndOne();
  if (tokens != 0) {
    limiter_.Settle(static_cast<double>(ticket.tokens), static_cast<double>(tokens));
    const auto more = static_cast<std::int64_t>(tokens) - static_cast<std::int64_t>(ticket.tokens);
    (more > 0 ? spent_.tokens : spent_.tokens_back) += std::abs(more);
  }
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
  lock.unlock();
  if (next) next->wake();
}

UpstreamStats Upstream::Stats() const {
  const std::int64_t now_ns = clock_.monotonic_ns();
  const std::scoped_lock lock(mutex_);
  UpstreamStats stats = stats_;
  stats.waiting += line_.size();
  stats.breaker = breaker_.state(now_ns);
  stats.breaker_opened = breaker_.opened();
  stats.paused_ms = limiter_.PausedNs(now_ns) / kNsPerMs;
  return stats;
}

}  // namespace assay::gateway
