#include "assay/core/clock.h"

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstddef>

#include <sys/random.h>

#include "assay/core/check.h"

namespace assay::core {
namespace {

class RealClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ns() const override {
    return Nanoseconds(std::chrono::system_clock::now().time_since_epoch());
  }
  [[nodiscard]] std::int64_t monotonic_ns() const override {
    return Nanoseconds(std::chrono::steady_clock::now().time_since_epoch());
  }

 private:
  template <typename Duration>
  static std::int64_t Nanoseconds(Duration duration) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  }
};

// One system call per 32 numbers: getrandom() gives up to 256 bytes without being interrupted.
class RealRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t NextU64() override {
    thread_local std::array<std::uint64_t, 32> numbers{};
    thread_local std::size_t left = 0;
    if (left == 0) {
      ssize_t got = -1;
      do {
        got = ::getrandom(numbers.data(), sizeof(numbers), 0);
      } while (got < 0 && errno == EINTR);
      ASSAY_CHECK(got == static_cast<ssize_t>(sizeof(numbers)));
      left = numbers.size();
    }
    return numbers[--left];
  }
};

}  // namespace

Clock& Clock::Real() {
  static RealClock clock;
  return clock;
}

Rng& Rng::Real() {
  static RealRng rng;
  return rng;
}

std::uint64_t Rng::Below(std::uint64_t bound) {
  ASSAY_DCHECK(bound > 0);
  __extension__ using Wide = unsigned __int128;
  Wide product = static_cast<Wide>(NextU64()) * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t threshold = (0 - bound) % bound;  // 2^64 mod bound
    while (static_cast<std::uint64_t>(product) < threshold) {
      product = static_cast<Wide>(NextU64()) * bound;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double Rng::NextUnit() {
  return static_cast<double>(NextU64() >> 11) * 0x1.0p-53;
}

SeededRng::SeededRng(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    word = mixed ^ (mixed >> 31);
  }
}

std::uint64_t SeededRng::NextU64() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace assay::core
