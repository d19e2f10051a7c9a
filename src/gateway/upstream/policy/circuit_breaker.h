// upstream/policy/circuit_breaker.h: leaves a failing upstream alone for a while.
// Room: gateway (private).  Threads: one at a time (its owner locks); time is the caller's.
// Source: Nygard, "Release It!" (2007), 5.2; the share of failures over a sliding window of ten
// slots.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace assay::gateway {

struct BreakerOptions {
  double failure_share = 0.5;    // opens at this share of failures in the window, in (0, 1]
  std::uint32_t min_calls = 10;  // ... of at least so many calls
  std::int64_t window_ms = 30'000;
  std::int64_t open_ms =
      10'000;                // then probes are let through; doubles while they fail, up to 8 times
  std::uint32_t probes = 2;  // at most so many at once, and so many good ones in a row close it
};

enum class BreakerState : std::uint8_t { kClosed, kOpen, kHalfOpen };

class CircuitBreaker {
 public:
  // What a call was let through with; results of calls from before the last change of state say
  // nothing about now.
  using Permit = std::uint64_t;
  static constexpr Permit kRefused = 0;

  explicit CircuitBreaker(const BreakerOptions& options) : options_(options) {}

  // Whether a call would be let through now.
  [[nodiscard]] bool MayPass(std::int64_t now_ns) const;
  // Lets a call through, or kRefused. Each permit is given back by exactly one of the three below.
  [[nodiscard]] Permit Pass(std::int64_t now_ns);
  void Succeeded(Permit permit, std::int64_t now_ns);
  void Failed(Permit permit, std::int64_t now_ns);
  // The call says nothing: cancelled, or refused by a limit of the upstream.
  void Abandoned(Permit permit);

  [[nodiscard]] BreakerState state(std::int64_t now_ns) const;
  [[nodiscard]] std::uint64_t opened() const { return opened_; }
  // How long it stays open; 0 when it is not.
  [[nodiscard]] std::int64_t OpenForNs(std::int64_t now_ns) const;

 private:
  static constexpr std::size_t kSlots = 10;
  static constexpr std::uint32_t kMaxDoublings = 3;

  struct Slot {
    std::int64_t number = -1;  // of the slot's time since the clock's zero
    std::uint32_t calls = 0;
    std::uint32_t failures = 0;
  };

  Slot& SlotAt(std::int64_t now_ns);
  void Open(std::int64_t now_ns);

  BreakerOptions options_;
  std::array<Slot, kSlots> slots_ = {};
  bool open_ = false;  // until the probes are good
  std::int64_t open_until_ns_ = 0;
  std::uint32_t doublings_ = 0;
  std::uint32_t probes_in_flight_ = 0;
  std::uint32_t good_probes_ = 0;
  Permit generation_ = 1;  // changes with the state
  std::uint64_t opened_ = 0;
};

}  // namespace assay::gateway
