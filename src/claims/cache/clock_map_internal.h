// A bounded map from 128-bit hashes to immutable values, with reads that take no lock.
//
// Two cache lines hold a set of eight slots: short tags, recency marks, and pointers to nodes. A
// node carries its full key and never changes, so a reader needs no lock: a stale tag or pointer is
// a miss or leads to a node that says itself whether it is the right one.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "assay/core/hash.h"

#include "cache/epochs_internal.h"

namespace assay::claims::cache {

template <typename Value>
class ClockMap {
 public:
  // Requires: max_entries >= 1.
  explicit ClockMap(std::size_t max_entries)
      : sets_(std::bit_ceil((max_entries + kWays - 1) / kWays)), shards_(kShards) {}
  ClockMap(const ClockMap&) = delete;
  ClockMap& operator=(const ClockMap&) = delete;
  ~ClockMap() {
    for (Set& set : sets_) {
      for (auto& node : set.nodes) delete node.load(std::memory_order_relaxed);
    }
    for (Shard& shard : shards_) {
      for (const Retired& old : shard.retired) delete old.node;
    }
  }

  [[nodiscard]] std::size_t Pin() const { return epochs_.Pin(); }
  void Unpin(std::size_t pin) const { epochs_.Unpin(pin); }

  // Requires for all reads: the caller holds a pin, for as long as it uses the value.
  [[nodiscard]] const Value* Find(const core::Hash128& key) const {
    const Set& set = SetOf(key);
    return FindIn(set, key);
  }

  // Asks for the memory of a set, and for that of a node, ahead of Find.
  void PrefetchSet(const core::Hash128& key) const {
    const Set& set = SetOf(key);
    __builtin_prefetch(&set);
    __builtin_prefetch(&set.nodes.back());
  }
  void PrefetchNode(const core::Hash128& key) const {
    const Set& set = SetOf(key);
    const std::uint16_t tag = TagOf(key);
    for (std::size_t way = 0; way < kWays; ++way) {
      if (set.tags[way].load(std::memory_order_relaxed) == tag) {
        __builtin_prefetch(set.nodes[way].load(std::memory_order_relaxed));
      }
    }
  }

  // Inserts or replaces; may evict another entry of the same set.
  void Put(const core::Hash128& key, Value value) {
    auto fresh = std::make_unique<Node>(key, std::move(value));
    Shard& shard = shards_[SetIndex(key) % kShards];
    const std::lock_guard lock(shard.mutex);
    Set& set = sets_[SetIndex(key)];
    const std::size_t way = WayFor(set, key, shard);
    // A reader may see the old tag with the new node or the reverse; the node's key decides.
    set.tags[way].store(TagOf(key), std::memory_order_relaxed);
    set.recent[way].store(0, std::memory_order_relaxed);
    // Publishes the node's content; partner: the load in FindIn.
    const Node* old = set.nodes[way].exchange(fresh.release());
    ++shard.insertions;
    if (old == nullptr) {
      ++shard.entries;
    } else {
      Retire(shard, old);
    }
  }

  struct Counts {
    std::uint64_t entries = 0;
    std::uint64_t insertions = 0;
    std::uint64_t evictions = 0;
  };
  [[nodiscard]] Counts counts() const {
    Counts sum;
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      sum.entries += shard.entries;
      sum.insertions += shard.insertions;
      sum.evictions += shard.evictions;
    }
    return sum;
  }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kShards = 64;        // of the writers' locks
  static constexpr std::size_t kRetiredBatch = 32;  // nodes that wait before the pins are looked at

  struct Node {
    Node(const core::Hash128& k, Value&& v) : key(k), value(std::move(v)) {}
    const core::Hash128 key;
    const Value value;
  };

  struct alignas(128) Set {
    std::array<std::atomic<std::uint16_t>, kWays> tags{};
    mutable std::array<std::atomic<std::uint8_t>, kWays> recent{};
    std::uint8_t hand = 0;  // guarded by the shard's mutex
    std::array<std::atomic<const Node*>, kWays> nodes{};
  };
  static_assert(sizeof(Set) == 128);

  struct Retired {
    std::uint64_t epoch;
    const Node* node;
  };
  struct alignas(64) Shard {
    std::mutex mutex;
    std::vector<Retired> retired;  // in order of epoch
    std::uint64_t entries = 0;
    std::uint64_t insertions = 0;
    std::uint64_t evictions = 0;
  };

  [[nodiscard]] std::size_t SetIndex(const core::Hash128& key) const {
    return static_cast<std::size_t>(key.low) & (sets_.size() - 1);
  }
  [[nodiscard]] const Set& SetOf(const core::Hash128& key) const { return sets_[SetIndex(key)]; }
  [[nodiscard]] static std::uint16_t TagOf(const core::Hash128& key) {
    return static_cast<std::uint16_t>(key.high);
  }

  static const Value* FindIn(const Set& set, const core::Hash128& key) {
    const std::uint16_t tag = TagOf(key);
    for (std::size_t way = 0; way < kWays; ++way) {
      if (set.tags[way].load(std::memory_order_relaxed) != tag) continue;
      // Acquires the node's content; partner: the exchange in Put. Sequentially consistent for the
      // sake of the epochs.
      const Node* node = set.nodes[way].load();
      if (node == nullptr || node->key != key) continue;
      // Marked once, then only read, so that the line stays shared between the readers' cores.
      if (set.recent[way].load(std::memory_order_relaxed) == 0) {
        set.recent[way].store(1, std::memory_order_relaxed);
      }
      return &node->value;
    }
    return nullptr;
  }

  // The way of the key, an empty one, or the first behind the hand that was not read lately.
  static std::size_t WayFor(Set& set, const core::Hash128& key, Shard& shard) {
    std::size_t empty = kWays;
    for (std::size_t way = 0; way < kWays; ++way) {
      const Node* node = set.nodes[way].load(std::memory_order_relaxed);
      if (node == nullptr) {
        empty = way;
      } else if (node->key == key) {
        return way;
      }
    }
    if (empty < kWays) return empty;
    ++shard.evictions;
    // Ends: a full round clears every mark that readers do not set again meanwhile.
    for (std::size_t step = 0; step < 2 * kWays; ++step) {
      const std::size_t way = set.hand;
      set.hand = static_cast<std::uint8_t>((set.hand + 1) % kWays);
      if (set.recent[way].exchange(0, std::memory_order_relaxed) == 0) return way;
    }
    return set.hand;
  }

  // Frees what no reader can hold any more.
  void Retire(Shard& shard, const Node* node) {
    shard.retired.push_back({epochs_.End(), node});
    if (shard.retired.size() < kRetiredBatch) return;
    const std::uint64_t oldest = epochs_.OldestPin();
    std::erase_if(shard.retired, [&](const Retired& old) {
      if (old.epoch >= oldest) return false;
      delete old.node;
      return true;
    });
  }

  std::vector<Set> sets_;
  mutable std::vector<Shard> shards_;
  mutable Epochs epochs_;
};

}  // namespace assay::claims::cache
