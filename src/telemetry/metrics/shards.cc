#include "assay/telemetry/shards.h"

#include <memory>
#include <mutex>
#include <vector>

#include <sys/mman.h>

namespace assay::telemetry::internal {

thread_local constinit std::uint32_t thread_slot = kNoSlot;

namespace {

// Which slots threads hold. A slot that comes back is handed out again under this lock, which
// orders the old owner's last store before the new owner's first load.
class Slots {
 public:
  std::uint32_t Take() {
    const std::scoped_lock lock(mutex_);
    if (!free_.empty()) {
      const std::uint32_t slot = free_.back();
      free_.pop_back();
      return slot;
    }
    return next_ < kMaxThreads ? next_++ : kSharedSlot;
  }
  void GiveBack(std::uint32_t slot) {
    const std::scoped_lock lock(mutex_);
    free_.push_back(slot);
  }

 private:
  std::mutex mutex_;
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 0;
};

Slots& AllSlots() {
  static auto* slots = new Slots;  // outlives every thread
  return *slots;
}

// Gives the slot back when the thread ends.
struct SlotOwner {
  SlotOwner() : slot(AllSlots().Take()) { thread_slot = slot; }
  ~SlotOwner() {
    thread_slot = kSharedSlot;  // what other destructors of this thread still count
    if (slot != kSharedSlot) AllSlots().GiveBack(slot);
  }
  SlotOwner(const SlotOwner&) = delete;
  SlotOwner& operator=(const SlotOwner&) = delete;
  std::uint32_t slot;
};

}  // namespace

Cell* ShardOf(Shards* shards, std::uint32_t slot) noexcept {
  std::atomic<Cell*>& place = shards->shard[slot];
  Cell* cells = place.load(std::memory_order_acquire);
  if (cells != nullptr) return cells;
  // Anonymous memory is zero, which is what a Cell of 0 is, and takes no room until it is touched.
  void* memory = ::mmap(nullptr, kShardBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* fresh = static_cast<Cell*>(memory);
  if (place.compare_exchange_strong(cells, fresh, std::memory_order_acq_rel)) return fresh;
  ::munmap(memory, kShardBytes);  // the shared slot only: another thread was first
  return cells;
}

void FreeShards(Shards* shards) noexcept {
  for (std::atomic<Cell*>& place : shards->shard) {
    Cell* cells = place.exchange(nullptr, std::memory_order_acq_rel);
    if (cells != nullptr) ::munmap(cells, kShardBytes);
  }
}

std::vector<const Cell*> LiveShards(const Shards& shards) {
  std::vector<const Cell*> live;
  for (const std::atomic<Cell*>& place : shards.shard) {
    if (const Cell* cells = place.load(std::memory_order_acquire)) live.push_back(cells);
  }
  return live;
}

std::uint64_t SumOfCell(std::span<const Cell* const> live, std::uint32_t cell) noexcept {
  std::uint64_t sum = 0;
  for (const Cell* cells : live) sum += cells[cell].load(std::memory_order_relaxed);
  return sum;
}

void AddSlow(Shards* shards, std::uint32_t cell, std::uint64_t n) noexcept {
  if (thread_slot == kNoSlot) {
    thread_local const SlotOwner owner;
    (void)owner;
  }
  const std::uint32_t slot = thread_slot;
  Cell* cells = ShardOf(shards, slot);
  if (cells == nullptr) return;  // no memory for statistics: the program goes on without
  cells[cell].fetch_add(n, std::memory_order_relaxed);
}

Shards* NullShards() {
  static auto* shards = new Shards;
  return shards;
}

}  // namespace assay::telemetry::internal
