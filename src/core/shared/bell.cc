#include <climits>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/bell_internal.h"

namespace assay::core::internal {
namespace {

// The futex word is the atomic's own memory: 32 bits, lock-free, no padding.
std::uint32_t* WordOf(std::atomic<std::uint32_t>& atomic) {
  static_assert(sizeof(atomic) == sizeof(std::uint32_t));
  return reinterpret_cast<std::uint32_t*>(&atomic);
}

}  // namespace

void Bell::Ring() {
  rung_.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) == 0) return;
  ::syscall(SYS_futex, WordOf(rung_), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void Bell::Wait(std::uint32_t seen, std::chrono::nanoseconds timeout) {
  if (timeout.count() <= 0) return;
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  timespec limit = {};
  limit.tv_sec = seconds.count();
  limit.tv_nsec = (timeout - seconds).count();
  if (rung() == seen) {
    ::syscall(SYS_futex, WordOf(rung_), FUTEX_WAIT, seen, &limit, nullptr, 0);
  }
  sleepers_.fetch_sub(1, std::memory_order_seq_cst);
}

void PauseSpin() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace assay::core::internal
