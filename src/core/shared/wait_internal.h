// Waiting for the other side of a shared channel.
#pragma once
#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "assay/core/result.h"

#include "shared/bell_internal.h"

namespace assay::core::internal {

// A sleeper looks so often whether the other side still lives.
inline constexpr std::chrono::milliseconds kLookAround{50};

[[nodiscard]] inline auto TooLong(std::size_t bytes, std::size_t most) {
  return Fail(
      Code::kOutOfRange,
      fmt::format("{} bytes do not fit the shared memory, which takes {} at once; send less "
                  "at once",
                  bytes, most));
}

// Spins for some microseconds, about what a sleep costs, where there is a second core to wait for.
template <typename Ready>
bool SpinUntil(const Ready& ready) {
  static const int turns = std::thread::hardware_concurrency() > 1 ? 200 : 0;
  for (int i = 0; i < turns; ++i) {
    if (ready()) return true;
    PauseSpin();
  }
  return false;
}

// Calls attempt(), a Result of an optional value, until it has a value or an error; sleeps at the
// bell in between. alive() is asked now and then: its error ends the waiting.
template <typename Attempt, typename Alive>
auto WaitFor(Bell& bell, std::chrono::nanoseconds timeout, const Attempt& attempt,
             const Alive& alive) -> Result<typename decltype(attempt())::value_type::value_type> {
  using Clock = std::chrono::steady_clock;
  std::optional<Clock::time_point> begin;
  while (true) {
    const std::uint32_t seen = bell.rung();
    auto tried = attempt();
    if (!tried) return std::unexpected(std::move(tried).error());
    if (*tried) return **std::move(tried);
    if (SpinUntil([&] { return bell.rung() != seen; })) continue;
    const Clock::time_point now = Clock::now();
    if (!begin) begin = now;
    if (now - *begin >= timeout) {
      return Fail(Code::kDeadlineExceeded, "the other side of the shared memory takes too long");
    }
    bell.Wait(seen, std::min<std::chrono::nanoseconds>(timeout - (now - *begin), kLookAround));
    if (bell.rung() != seen) continue;
    if (auto lives = alive(); !lives) {
      // It may have answered with its last breath.
      tried = attempt();
      if (tried && *tried) return **std::move(tried);
      return std::unexpected(std::move(lives).error());
    }
  }
}

}  // namespace assay::core::internal
