// Epoch-based reclamation (Fraser 2004, 5.2.3): what a reader may still look at is not dropped.
//
// A reader pins the current epoch while it follows pointers. A writer first unlinks what it wants
// to drop, then stamps it with an epoch of its own. It may be dropped when every pinned epoch is
// younger than the stamp: a reader that pinned a younger epoch has read the stamp's increment, so
// it also sees the unlinking. All loads and stores that this rests on are sequentially consistent.
//
// One domain for the process: pins last some 100 ns, so caches do not hold one another up.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace assay::cache::memory {

class Epochs {
 public:
  // A thread's place; never freed, taken over by later threads.
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> pinned{0};  // 0: none. Partner: OldestPinned.
    std::atomic<bool> taken{true};         // partner: itself in the next thread
    std::size_t number = 0;                // 0 for the first slot, then one more each
    Slot* next = nullptr;
  };

  // Pins while it lives. Not to be nested in one thread.
  class Pin {
   public:
    Pin() noexcept : slot_(OwnSlot()) {
      slot_->pinned.exchange(now_.load(std::memory_order_seq_cst), std::memory_order_seq_cst);
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() { slot_->pinned.store(0, std::memory_order_release); }

    // Which slot; no other living thread has it.
    [[nodiscard]] std::size_t number() const noexcept { return slot_->number; }

   private:
    Slot* slot_;
  };

  // The stamp of something that was just unlinked.
  [[nodiscard]] static std::uint64_t Stamp() noexcept {
    return now_.fetch_add(1, std::memory_order_seq_cst);
  }
  // What is stamped below it may be dropped. Time: O(threads).
  [[nodiscard]] static std::uint64_t OldestPinned() noexcept;

 private:
  [[nodiscard]] static Slot* OwnSlot() noexcept {
    return own_slot_ != nullptr ? own_slot_ : TakeSlot();
  }
  static Slot* TakeSlot() noexcept;

  static std::atomic<std::uint64_t> now_;  // partner: itself, in Pin and Stamp
  static std::atomic<Slot*> slots_;        // partner: itself, in TakeSlot and OldestPinned
  static thread_local constinit inline Slot* own_slot_ = nullptr;
};

}  // namespace assay::cache::memory
