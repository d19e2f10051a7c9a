#include "upstream/policy/circuit_breaker.h"

#include <algorithm>

namespace assay::gateway {
namespace {
constexpr std::int64_t kNsPerMs = 1'000'000;
}

BreakerState CircuitBreaker::state(std::int64_t now_ns) const {
  if (!open_) return BreakerState::kClosed;
  return now_ns < open_until_ns_ ? BreakerState::kOpen : BreakerState::kHalfOpen;
}

std::int64_t CircuitBreaker::OpenForNs(std::int64_t now_ns) const {
  return open_ ? std::max<std::int64_t>(0, open_until_ns_ - now_ns) : 0;
}

bool CircuitBreaker::MayPass(std::int64_t now_ns) const {
  switch (state(now_ns)) {
    case BreakerState::kClosed:
      return true;
    case BreakerState::kOpen:
      return false;
    case BreakerState::kHalfOpen:
      return probes_in_flight_ < options_.probes;
  }
  return false;
}

CircuitBreaker::Permit CircuitBreaker::Pass(std::int64_t now_ns) {
  if (!MayPass(now_ns)) return kRefused;
  if (open_) ++probes_in_flight_;
  return generation_;
}

void CircuitBreaker::Succeeded(Permit permit, std::int64_t now_ns) {
  if (permit != generation_) return;
  if (!open_) {
    ++SlotAt(now_ns).calls;
    return;
  }
  --probes_in_flight_;
  if (++good_probes_ < options_.probes) return;
  open_ = false;
  doublings_ = 0;
  slots_ = {};
  ++generation_;
}

void CircuitBreaker::Failed(Permit permit, std::int64_t now_ns) {
  if (permit != generation_) return;
  if (open_) {
    doublings_ = std::min(doublings_ + 1, kMaxDoublings);
    Open(now_ns);
    return;
  }
  Slot& slot = SlotAt(now_ns);
  ++slot.calls;
  ++slot.failures;
  std::uint64_t calls = 0;
  std::uint64_t failures = 0;
  for (const Slot& each : slots_) {
    if (each.number <= slot.number - static_cast<std::int64_t>(kSlots)) continue;
    calls += each.calls;
    failures += each.failures;
  }
  if (calls >= options_.min_calls &&
      static_cast<double>(failures) >= options_.failure_share * static_cast<double>(calls)) {
    Open(now_ns);
  }
}

void CircuitBreaker::Abandoned(Permit permit) {
  if (permit == generation_ && open_) --probes_in_flight_;
}

CircuitBreaker::Slot& CircuitBreaker::SlotAt(std::int64_t now_ns) {
  const std::int64_t slot_ns =
      std::max<std::int64_t>(1, options_.window_ms * kNsPerMs / static_cast<std::int64_t>(kSlots));
  const std::int64_t number = now_ns / slot_ns;
  Slot& slot = slots_[static_cast<std::size_t>(number) % kSlots];
  if (slot.number != number) slot = Slot{.number = number};
  return slot;
}

void CircuitBreaker::Open(std::int64_t now_ns) {
  open_ = true;
  open_until_ns_ = now_ns + (options_.open_ms << doublings_) * kNsPerMs;
  probes_in_flight_ = 0;
  good_probes_ = 0;
  slots_ = {};
  ++generation_;
  ++opened_;
}

}  // namespace assay::gateway
