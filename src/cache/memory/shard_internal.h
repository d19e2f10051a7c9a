// One shard of the memory cache: a table for readers, and the queues of S3-FIFO for the writer.
//
// New entries enter the small queue, those that were evicted lately the main one. At the end of the
// small queue an entry that was asked for moves to main, any other is evicted. At the end of main
// an entry that was asked for goes round again, with one ask forgotten, any other is evicted.
// Whatever is evicted leaves a ghost, and a ghost that is asked for gives the queue that let it go
// a little more room, as in ARC (Megiddo and Modha, FAST 2003): that is what S3-FIFO lacks where
// the latest questions are the next ones, and the tenth of the paper is too small. Readers only
// count asks, in the entry itself (its heat); the queues read the count when an entry comes to
// their end.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "assay/cache/tier.h"

#include "memory/epochs_internal.h"
#include "memory/ghosts_internal.h"
#include "memory/table_internal.h"

namespace assay::cache::memory {

class alignas(64) Shard {
 public:
  Shard() = default;
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard();

  // Before anything else is called.
  void Init(std::size_t capacity_bytes, std::size_t max_entries);

  // For readers, who hold a pin.
  [[nodiscard]] const Table& table() const noexcept {
    // Acquires the table's content; partner: GrowTable. Sequentially consistent for the epochs.
    return *table_.load(std::memory_order_seq_cst);
  }

  bool Put(EntryRef entry, std::int64_t now_ms);
  bool Erase(const Key& key);
  // Erases the entry itself, not another that took its place.
  bool Erase(const Entry& entry);
  std::size_t RemoveExpired(std::int64_t now_ms);
  void AddStats(TierStats& stats) const;

 private:
  enum class Place : std::uint8_t { kFree, kSmall, kMain };
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Node {
    const Entry* entry = nullptr;  // one reference is the shard's
    std::uint32_t newer = kNone;
    std::uint32_t older = kNone;  // also the next free node
    Place place = Place::kFree;
  };
  struct Queue {
    std::uint32_t newest = kNone;
    std::uint32_t oldest = kNone;
    std::uint64_t entries = 0;
    std::uint64_t size_bytes = 0;
  };
  struct Retired {
    std::uint64_t stamp = 0;
    const Entry* entry = nullptr;  // or
    std::unique_ptr<Table> table;

    [[nodiscard]] std::size_t size_bytes() const {
      return entry != nullptr ? entry->footprint_bytes() : table->size_bytes();
    }
  };

  [[nodiscard]] Queue& QueueOf(Place place) { return place == Place::kSmall ? small_ : main_; }
  [[nodiscard]] std::size_t OverheadBytes() const;
  [[nodiscard]] bool OverBudget() const;
  void Enqueue(std::uint32_t number, Place place);
  void Dequeue(std::uint32_t number);
  std::uint32_t NewNode(const Entry* entry);
  // Whether the key was evicted lately; the queue that let it go then gets more room.
  [[nodiscard]] bool Returns(const Entry& entry);
  void Insert(EntryRef entry);
  void Replace(std::uint32_t place, EntryRef entry);
  void Remove(std::uint32_t place);
  void RemoveNode(std::uint32_t number);
  void EvictOne();
  void EvictFromSmall();
  void EvictFromMain();
  void Sweep(std::int64_t now_ms, std::size_t nodes);
  void GrowTable();
  void Retire(Retired retired);
  void Reclaim();

  std::atomic<Table*> table_{nullptr};  // owned; partner: table()
  mutable std::mutex mutex_;            // guards all below
  std::size_t capacity_bytes_ = 0;
  std::size_t max_entries_ = 0;
  Queue small_;
  Queue main_;
  Ghosts small_ghosts_;
  Ghosts main_ghosts_;
  double small_share_ = 0.1;  // of the shard, for the small queue; at first as in the paper
  std::vector<Node> nodes_;
  std::uint32_t free_node_ = kNone;
  std::size_t hand_ = 0;  // of the sweep
  std::vector<Retired> retired_;
  std::size_t retired_bytes_ = 0;
  std::size_t kept_retired_ = 0;  // what the last Reclaim had to leave
  std::size_t kept_bytes_ = 0;
  std::uint64_t puts_ = 0;
  std::uint64_t evictions_ = 0;
  std::uint64_t expired_ = 0;
};

}  // namespace assay::cache::memory
