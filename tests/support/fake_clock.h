// fake_clock.h: a clock that tests turn by hand.
// Threads: safe; each of the two times is one atomic, read and written on its own.
#pragma once
#include <atomic>
#include <cstdint>

#include "assay/core/clock.h"

namespace assay::testing {

class FakeClock final : public core::Clock {
 public:
  explicit FakeClock(std::int64_t wall_ns = 0) : wall_ns_(wall_ns) {}

  [[nodiscard]] std::int64_t wall_ns() const override { return wall_ns_.load(); }
  [[nodiscard]] std::int64_t monotonic_ns() const override { return monotonic_ns_.load(); }

  // Moves both times on.
  void Advance(std::int64_t by_ns) {
    wall_ns_ += by_ns;
    monotonic_ns_ += by_ns;
  }
  // Somebody sets the machine's clock: the monotonic time stays.
  void SetWall(std::int64_t wall_ns) { wall_ns_ = wall_ns; }

 private:
  std::atomic<std::int64_t> wall_ns_;
  std::atomic<std::int64_t> monotonic_ns_{0};
};

}  // namespace assay::testing
