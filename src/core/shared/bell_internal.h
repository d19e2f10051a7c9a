// Bell: where one process sleeps until another one has news, across address spaces.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>

namespace assay::core::internal {

inline constexpr std::size_t kSharedLine = 64;  // bytes of a cache line, part of the region's form

// Lives in shared memory; all zeros is a bell that has not rung.
class alignas(kSharedLine) Bell {
 public:
  // Look at this before looking for news; Wait returns at once if the bell has rung since.
  [[nodiscard]] std::uint32_t rung() const {
    return rung_.load(std::memory_order_seq_cst);  // partner: Ring
  }
  // After the news is in place. A system call only when somebody sleeps.
  void Ring();
  // Sleeps until rung() != seen or the time is over; may wake early.
  void Wait(std::uint32_t seen, std::chrono::nanoseconds timeout);
  // Nobody sleeps here any more: the one who did is dead.
  void Forget() { sleepers_.store(0, std::memory_order_relaxed); }

 private:
  // Sequentially consistent: either the sleeper sees the ring, or the ringer sees the sleeper.
  std::atomic<std::uint32_t> rung_;
  std::atomic<std::uint32_t> sleepers_;
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

// A hint to the processor that this is a waiting loop.
void PauseSpin();

}  // namespace assay::core::internal
