#include <algorithm>
#include <limits>

#include "memory/epochs_internal.h"

namespace assay::cache::memory {

constinit std::atomic<std::uint64_t> Epochs::now_{1};
constinit std::atomic<Epochs::Slot*> Epochs::slots_{nullptr};

std::uint64_t Epochs::OldestPinned() noexcept {
  std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
  for (const Slot* slot = slots_.load(std::memory_order_seq_cst); slot != nullptr;
       slot = slot->next) {
    const std::uint64_t pinned = slot->pinned.load(std::memory_order_seq_cst);
    if (pinned != 0) oldest = std::min(oldest, pinned);
  }
  return oldest;
}

Epochs::Slot* Epochs::TakeSlot() noexcept {
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
