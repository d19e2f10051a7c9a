// Epoch-based reclamation (Fraser 2004, 5.2.3): what a reader may still look at is not dropped.
//
// A reader pins the current epoch while it follows pointers. A writer first unlinks what it wants
// to drop, then stamps it with an epoch of its own. It may be dropped when every pinned epoch is
// younger than the stamp: a reader that pinned a younger epoch has read the stamp's increment, so
// it also sees the unlinking. That a pin is seen, or else its reader sees the unlinking, takes a
// fence on both sides; the writer pays for both where the system can do that (Linux membarrier(2),
// as in Desnoyers, McKenney et al. 2012, "User-level implementations of read-copy update").
//
// What a reader wants to use longer it leases before it unpins: it notes the entry in a place of
// its thread, which is cleared when the entry is given back. Whoever drops entries first looks at
// the pins, then at the leases, so a lease that was noted under a pin is never missed.
//
// One domain for the process: pins last some 100 ns, so caches do not hold one another up.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "assay/cache/entry.h"

namespace assay::cache::memory {

class Epochs {
 public:
  static constexpr std::size_t kLeases = 128;  // of one thread; beyond, references are counted

  // A thread's places; never freed, taken over by later threads.
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> pinned{0};  // 0: none. Partner: OldestPinned.
    std::uint32_t next_lease = 0;          // where to look for a free one; only its thread
    std::atomic<std::uint32_t> spare{0};   // for CountAsk; only its thread
    std::size_t number = 0;                // 0 for the first slot, then one more each
    Slot* next = nullptr;
    std::atomic<bool> taken{true};  // partner: itself in the next thread
    alignas(64) std::array<Lease, kLeases> leases{};
  };

  // Pins while it lives. Not to be nested in one thread.
  class Pin {
   public:
    Pin() noexcept : slot_(OwnSlot()) {
      const std::uint64_t now = now_.load(std::memory_order_seq_cst);
      if (writers_fence_) {
        // Partner: Fence, which makes it a full fence here; only the compiler must be held back.
        slot_->pinned.store(now, std::memory_order_release);
        std::atomic_signal_fence(std::memory_order_seq_cst);
      } else {
        slot_->pinned.exchange(now, std::memory_order_seq_cst);
      }
    }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() { slot_->pinned.store(0, std::memory_order_release); }

    // Which slot; no other living thread has it.
    [[nodiscard]] std::size_t number() const noexcept { return slot_->number; }

    // Hands out an entry that was found under this pin, and counts the ask.
    [[nodiscard]] EntryRef Ask(const Entry* entry) const noexcept {
      const std::uint32_t at = slot_->next_lease++;
      entry->CountAsk(at, slot_->spare);
      Lease& lease = slot_->leases[at % kLeases];
      // Partner: ~EntryRef, maybe of another thread, whose reads must stay before the next
      // clearing.
      if (lease.load(std::memory_order_acquire) == nullptr) [[likely]] {
        lease.store(entry, std::memory_order_release);  // partner: Leases
        return EntryRef::Borrow(entry, lease);
      }
      entry->Keep();
      return EntryRef::Adopt(entry);
    }

   private:
    Slot* slot_;
  };

  // The stamp of something that was just unlinked.
  [[nodiscard]] static std::uint64_t Stamp() noexcept {
    return now_.fetch_add(1, std::memory_order_seq_cst);
  }
  // What is stamped below it may be dropped, but for what is in Leases afterwards.
  // Time: O(threads), and about a microsecond for the fence.
  [[nodiscard]] static std::uint64_t OldestPinned() noexcept;
  // The leased entries, sorted. Time: O(threads).
  [[nodiscard]] static std::vector<const Entry*> Leases();

  // Takes over the reference to an entry that is leased beyond the life of its cache.
  static void AddOrphan(const Entry* entry);
  // Drops the orphans that nobody leases any more.
  static void DropOrphans();

 private:
  [[nodiscard]] static Slot* OwnSlot() noexcept {
    return own_slot_ != nullptr ? own_slot_ : TakeSlot();
  }
  static Slot* TakeSlot() noexcept;
  static void Fence() noexcept;

  static std::atomic<std::uint64_t> now_;  // partner: itself, in Pin and Stamp
  static std::atomic<Slot*> slots_;        // partner: itself, in TakeSlot and OldestPinned
  static thread_local constinit inline Slot* own_slot_ = nullptr;
  // Set once, before the first pin of any thread (in TakeSlot).
  static constinit inline bool writers_fence_ = false;
};

}  // namespace assay::cache::memory
