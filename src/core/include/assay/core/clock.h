// assay/core/clock.h: the seams for time and chance, so that tests decide both.
// Room: core.  Threads: Real() clocks and generators are safe for many threads.
#pragma once
#include <array>
#include <cstdint>

namespace assay::core {

class Clock {
 public:
  virtual ~Clock() = default;

  // The process's clock. Lives for ever.
  [[nodiscard]] static Clock& Real();

  // Nanoseconds since the Unix epoch; jumps when the machine's time is set.
  [[nodiscard]] virtual std::int64_t wall_ns() const = 0;
  // Nanoseconds since some fixed moment; never goes back. For durations.
  [[nodiscard]] virtual std::int64_t monotonic_ns() const = 0;
};

class Rng {
 public:
  virtual ~Rng() = default;

  // Random bits of the operating system. Lives for ever. Not for keys: buffered in plain memory.
  [[nodiscard]] static Rng& Real();

  // 64 uniform bits.
  [[nodiscard]] virtual std::uint64_t NextU64() = 0;

  // Uniform in [0, bound), without bias (Lemire 2019). Requires: bound > 0.
  [[nodiscard]] std::uint64_t Below(std::uint64_t bound);
  // Uniform in [0, 1), a multiple of 2^-53.
  [[nodiscard]] double NextUnit();
};

// xoshiro256** (Blackman and Vigna 2018), its state filled by splitmix64: the same numbers for the
// same seed on every machine. Not for keys. Threads: one at a time.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed);
  [[nodiscard]] std::uint64_t NextU64() override;

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace assay::core
