// embedding/memory_tiers_internal.h: which rows are in memory, and in which form.
// Room: cache (private).  Threads: one at a time (its owner locks).
//
// New rows enter the compressed tier's small queue. A row at the small queue's end stays, in the
// main queue, if it was asked for more often than the weakest row there, and leaves memory
// otherwise. A compressed row that is asked for more often than the weakest hot row takes its
// place. The weakest is the least asked of the five oldest; when it stays, the oldest becomes the
// newest, so that the next newcomer meets others.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "embedding/index_internal.h"

namespace assay::cache::embedding {

// A queue of slots; slot numbers are the caller's.
class SlotQueue {
 public:
  struct Links {
    std::uint32_t newer = kNone;
    std::uint32_t older = kNone;
  };
  void PushNewest(std::vector<Links>& links, std::uint32_t slot);
  void Remove(std::vector<Links>& links, std::uint32_t slot);
  [[nodiscard]] std::uint32_t oldest() const { return oldest_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::uint32_t newest_ = kNone;
  std::uint32_t oldest_ = kNone;
  std::size_t size_ = 0;
};

class MemoryTiers {
 public:
  MemoryTiers(Index& index, std::size_t dim, std::size_t hot_bytes, std::size_t compressed_bytes);

  // Requires: the node is in that tier.
  [[nodiscard]] std::span<const float> HotRow(std::uint32_t node) const;
  [[nodiscard]] std::string_view CompressedRow(std::uint32_t node) const;

  // Whether the compressed row should be hot now. Where it should not, the row that it was compared
  // with is the newest from now on.
  [[nodiscard]] bool Deserves(std::uint32_t node);
  // Makes a compressed row hot, and returns the node that had to leave the tier for it, if any: it
  // is on disk alone now. Requires: place is kSmall or kMain.
  [[nodiscard]] std::optional<std::uint32_t> MakeHot(std::uint32_t node,
                                                     std::span<const float> row);
  // Takes a row that is on disk alone into the compressed tier. kMain for one that was hot.
  void Insert(std::uint32_t node, std::string_view encoded, Place place);

  [[nodiscard]] std::size_t hot_rows() const { return hot_.size(); }
  [[nodiscard]] std::size_t hot_bytes() const;
  [[nodiscard]] std::size_t compressed_rows() const { return small_.size() + main_.size(); }
  [[nodiscard]] std::size_t compressed_bytes() const { return small_bytes_ + main_bytes_; }

 private:
  [[nodiscard]] SlotQueue& QueueOf(Place place) { return place == Place::kSmall ? small_ : main_; }
  [[nodiscard]] std::size_t& BytesOf(Place place) {
    return place == Place::kSmall ? small_bytes_ : main_bytes_;
  }
  void Enqueue(std::uint32_t slot, Place place);
  void Dequeue(std::uint32_t slot);
  void Drop(std::uint32_t slot);
  void EvictOne();
  std::uint32_t TakeSlot();
  [[nodiscard]] std::uint32_t WeakestHot() const;   // kNone without rows
  [[nodiscard]] std::uint32_t WeakestMain() const;  // kNone without rows

  struct Slot {
    std::uint32_t node = kNone;
    std::string bytes;
  };

  Index& index_;
  std::size_t dim_;
  std::size_t hot_capacity_;  // rows
  std::size_t compressed_capacity_bytes_;
  std::vector<float> hot_values_;  // [slots * dim]
  std::vector<std::uint32_t> hot_nodes_;
  std::vector<SlotQueue::Links> hot_links_;
  SlotQueue hot_;
  std::vector<Slot> slots_;
  std::vector<SlotQueue::Links> links_;
  std::vector<std::uint32_t> free_slots_;
  SlotQueue small_;
  SlotQueue main_;
  std::size_t small_bytes_ = 0;
  std::size_t main_bytes_ = 0;
};

}  // namespace assay::cache::embedding
