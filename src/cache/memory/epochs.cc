#include <algorithm>
#include <functional>
#include <limits>
#include <mutex>

#include "memory/epochs_internal.h"

#if defined(__linux__) && __has_include(<linux/membarrier.h>)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#define ASSAY_CACHE_MEMBARRIER 1
#endif
// The thread sanitizer knows nothing of membarrier(2).
#if defined(__SANITIZE_THREAD__)
#undef ASSAY_CACHE_MEMBARRIER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#undef ASSAY_CACHE_MEMBARRIER
#endif
#endif

namespace assay::cache::memory {
namespace {

// Whether this system lets one thread fence all threads of the process.
bool RegisterForFences() {
#ifdef ASSAY_CACHE_MEMBARRIER
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
  return false;
#endif
}

// Never destroyed: caches may be, after static objects are.
struct Orphans {
  std::mutex mutex;
  std::vector<const Entry*> entries;
};
Orphans& TheOrphans() {
  static auto* orphans = new Orphans();
  return *orphans;
}

}  // namespace

void Epochs::Fence() noexcept {
#ifdef ASSAY_CACHE_MEMBARRIER
  if (writers_fence_) ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
#endif
}

constinit std::atomic<std::uint64_t> Epochs::now_{1};
constinit std::atomic<Epochs::Slot*> Epochs::slots_{nullptr};

std::uint64_t Epochs::OldestPinned() noexcept {
  Fence();
  std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
  for (const Slot* slot = slots_.load(std::memory_order_seq_cst); slot != nullptr;
       slot = slot->next) {
    const std::uint64_t pinned = slot->pinned.load(std::memory_order_seq_cst);
    if (pinned != 0) oldest = std::min(oldest, pinned);
  }
  return oldest;
}

std::vector<const Entry*> Epochs::Leases() {
  std::vector<const Entry*> leases;
  for (const Slot* slot = slots_.load(std::memory_order_seq_cst); slot != nullptr;
       slot = slot->next) {
    for (const Lease& lease : slot->leases) {
      const Entry* entry = lease.load(std::memory_order_acquire);
      if (entry != nullptr) leases.push_back(entry);
    }
  }
  std::ranges::sort(leases, std::less<>());
  return leases;
}

void Epochs::AddOrphan(const Entry* entry) {
  Orphans& orphans = TheOrphans();
  const std::scoped_lock lock(orphans.mutex);
  orphans.entries.push_back(entry);
}

void Epochs::DropOrphans() {
  Orphans& orphans = TheOrphans();
  const std::scoped_lock lock(orphans.mutex);
  if (orphans.entries.empty()) return;
  // Nobody can find them any more, so there are no pins to look at.
  const std::vector<const Entry*> leases = Leases();
  std::erase_if(orphans.entries, [&](const Entry* entry) {
    if (std::ranges::binary_search(leases, entry, std::less<>())) return false;
    (void)EntryRef::Adopt(entry);
    return true;
  });
}

Epochs::Slot* Epochs::TakeSlot() noexcept {
  static const bool registered = [] { return writers_fence_ = RegisterForFences(); }();
  (void)registered;
  // Gives the slot back when the thread ends; a later look-up of the ending thread takes one anew
  // and keeps it for good.
  struct Owner {
    Slot* slot = nullptr;
    ~Owner() {
      own_slot_ = nullptr;
      slot->taken.store(false, std::memory_order_release);
    }
  };
  Slot* mine = nullptr;
  for (Slot* slot = slots_.load(std::memory_order_seq_cst); slot != nullptr && mine == nullptr;
       slot = slot->next) {
    bool free = false;
    if (slot->taken.compare_exchange_strong(free, true, std::memory_order_acq_rel)) mine = slot;
  }
  if (mine == nullptr) {
    mine = new Slot();
    mine->next = slots_.load(std::memory_order_seq_cst);
    do {
      mine->number = mine->next == nullptr ? 0 : mine->next->number + 1;
    } while (!slots_.compare_exchange_weak(mine->next, mine, std::memory_order_seq_cst));
  }
  static thread_local Owner owner;
  owner.slot = mine;
  own_slot_ = mine;
  return mine;
}

}  // namespace assay::cache::memory
