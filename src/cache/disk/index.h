// disk/index.h: which records of the log are alive, by key.
// Room: cache, private.  Threads: Find, CopyShard and size from any thread; the changing calls from
// one thread at a time.
// Method: an array of items and an open-addressing table of their numbers, in 16 shards.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <vector>

#include "assay/cache/entry.h"

#include "disk/format.h"

namespace assay::cache::disk {

// Stored in checkpoints as it is.
struct Item {
  Key key;
  std::int64_t stored_ms = 0;
  std::int64_t expires_ms = 0;
  std::uint32_t segment = 0;
  std::uint32_t offset_units = 0;  // of kAlignBytes
  std::uint32_t payload_bytes = 0;
  std::uint32_t tenant_tag = 0;
  std::uint32_t route_tag = 0;
  std::uint32_t model_tag = 0;

  [[nodiscard]] std::uint64_t offset() const { return std::uint64_t{offset_units} * kAlignBytes; }
  [[nodiscard]] std::uint64_t record_bytes() const { return RecordBytes(payload_bytes); }
  [[nodiscard]] bool SamePlace(const Item& other) const {
    return segment == other.segment && offset_units == other.offset_units;
  }
};
static_assert(sizeof(Item) == 56);

class Index {
 public:
  static constexpr std::size_t kShards = 16;
  using Condition = std::function<bool(const Item&)>;

  // With `mark` the item is remembered as read, which gives it a second chance in the collector.
  [[nodiscard]] std::optional<Item> Find(const Key& key, bool mark) const;
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::vector<Item> CopyShard(std::size_t shard) const;
  // Calls visit(item) for each of a shard, which is locked meanwhile.
  template <typename Visit>
  void VisitShard(std::size_t shard, Visit&& visit) const {
    const std::shared_lock lock(shards_[shard].mutex);
    for (const Item& item : shards_[shard].items) visit(item);
  }
  // Those that fulfil the condition; `read` tells for each whether it was marked.
  void Collect(const Condition& condition, std::vector<Item>& items, std::vector<bool>* read) const;

  // Returns what stood under the key before.
  std::optional<Item> Insert(const Item& item);
  std::optional<Item> Erase(const Key& key);
  // Returns what it erased. Time: O(entries).
  std::vector<Item> EraseWhere(const Condition& condition);
  // Fills an empty shard; many shards at once are fine. False when a key does not belong there or
  // stands twice: the index is then of no use before Clear().
  [[nodiscard]] bool LoadShard(std::size_t shard, std::span<const Item> items);
  void Clear();
  [[nodiscard]] static std::size_t ShardOf(const Key& key);

 private:
  static constexpr std::uint32_t kEmpty = UINT32_MAX;

  struct Shard {
    mutable std::shared_mutex mutex;
    std::vector<Item> items;
    // Beside `items`: 1 when read since it was put. Set under the shared lock, so by atomic_ref.
    mutable std::vector<std::uint8_t> marks;
    std::vector<std::uint32_t> table;  // numbers of items; a power of two, at most 3/4 full

    [[nodiscard]] std::size_t SlotOf(const Key& key) const;  // of the key, or the empty one for it
    void Grow(std::size_t items_wanted);
    void EraseAt(std::size_t slot);
  };

  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> size_{0};  // a figure for statistics; orders nothing
};

}  // namespace assay::cache::disk
