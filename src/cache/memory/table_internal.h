// A hash table from keys to entries that is read without a lock and written under one.
//
// A bucket is one cache line: seven words, each the tag and the address of an entry, and how far
// entries that belong here had to go for a free word. An entry carries its own key, so a reader
// that sees a word come or go is never wrong: the entry says whether it is the right one. A word
// holds the same key until the entry is removed, so replacing an entry never makes a reader miss
// it.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "assay/cache/entry.h"
#include "assay/core/check.h"

#include "entry/allocation_internal.h"

namespace assay::cache::memory {

class Table {
 public:
  static constexpr std::size_t kWays = 7;
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // `buckets` is a power of two.
  explicit Table(std::size_t buckets)
      : mask_(buckets - 1),
        buckets_(NewBuckets(buckets), FreeBuckets{buckets}),
        nodes_(buckets * kWays, kNone) {}

  // ---- for readers, who hold a pin ----

  [[nodiscard]] const Entry* Find(const Key& key) const noexcept {
    const std::uint64_t reach = BucketOf(key).reach.load(std::memory_order_relaxed);
    for (std::size_t step = 0;; ++step) {
      const Bucket& bucket = buckets_[(HomeOf(key) + step) & mask_];
      for (unsigned ways = Matches(bucket, TagOf(key)); ways != 0; ways &= ways - 1) {
        // Acquires the entry's content; partner: Set. Sequentially consistent for the epochs.
        const std::uint64_t word = bucket.words[static_cast<unsigned>(std::countr_zero(ways))].load(
            std::memory_order_seq_cst);
        const Entry* entry = EntryIn(word);
        if (entry != nullptr && entry->key() == key) return entry;
      }
      if (step >= reach) return nullptr;
    }
  }
  // Ask for the memory that Find(key) will read first, and then for that of the entry.
  void PrefetchBucket(const Key& key) const noexcept { __builtin_prefetch(&BucketOf(key)); }
  void PrefetchEntry(const Key& key) const noexcept {
    const Bucket& home = BucketOf(key);
    const unsigned ways = Matches(home, TagOf(key));
    if (ways == 0) return;
    const std::uint64_t word =
        home.words[static_cast<unsigned>(std::countr_zero(ways))].load(std::memory_order_relaxed);
    const Entry* entry = EntryIn(word);
    if (entry == nullptr) return;  // removed since Matches looked
    const char* head = reinterpret_cast<const char*>(entry);
    __builtin_prefetch(head);
    __builtin_prefetch(head + kLineBytes);
  }
  // Calls visit(const Entry&) for every entry.
  template <typename Visit>
  void ForEach(Visit&& visit) const {
    for (std::size_t i = 0; i <= mask_; ++i) {
      for (const auto& slot : buckets_[i].words) {
        const std::uint64_t word = slot.load(std::memory_order_seq_cst);
        if (word != 0) visit(*EntryIn(word));
      }
    }
  }

  // ---- for the writer, who holds the shard's lock ----

  // Where the key's word is, or kNone.
  [[nodiscard]] std::uint32_t Locate(const Key& key) const noexcept {
    const std::uint64_t reach = BucketOf(key).reach.load(std::memory_order_relaxed);
    for (std::size_t step = 0; step <= reach; ++step) {
      const std::size_t at = (HomeOf(key) + step) & mask_;
      for (std::size_t way = 0; way < kWays; ++way) {
        const std::uint64_t word = buckets_[at].words[way].load(std::memory_order_relaxed);
        if (word >> kAddressBits == TagOf(key) && word != 0 && EntryIn(word)->key() == key) {
          return static_cast<std::uint32_t>(at * kWays + way);
        }
      }
    }
    return kNone;
  }
  // A free word for a key that is not there; the key's reach is stretched to it.
  // Requires: the table is not full.
  [[nodiscard]] std::uint32_t Claim(const Key& key) noexcept {
    for (std::size_t step = 0;; ++step) {
      const std::size_t at = (HomeOf(key) + step) & mask_;
      for (std::size_t way = 0; way < kWays; ++way) {
        if (buckets_[at].words[way].load(std::memory_order_relaxed) != 0) continue;
        std::atomic<std::uint64_t>& reach = buckets_[HomeOf(key)].reach;
        // Before the word that readers will look for; partner: Find.
        if (reach.load(std::memory_order_relaxed) < step) reach.store(step);
        return static_cast<std::uint32_t>(at * kWays + way);
      }
    }
  }
  // Shows the entry to readers; partner: Find.
  void Set(std::uint32_t place, const Entry& entry, std::uint32_t node) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(&entry);
    ASSAY_DCHECK(address >> kAddressBits == 0);
    WordAt(place).store(TagOf(entry.key()) << kAddressBits | address, std::memory_order_seq_cst);
    nodes_[place] = node;
  }
  void Clear(std::uint32_t place) noexcept {
    WordAt(place).store(0, std::memory_order_seq_cst);
    nodes_[place] = kNone;
  }
  // What was given to Set with the entry: its place in the queues.
  [[nodiscard]] std::uint32_t NodeAt(std::uint32_t place) const noexcept { return nodes_[place]; }

  [[nodiscard]] std::size_t buckets() const noexcept { return mask_ + 1; }
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return buckets() * (sizeof(Bucket) + kWays * sizeof(std::uint32_t));
  }
  // At most so many entries, so that nearly all are in their home bucket.
  [[nodiscard]] std::size_t fair_entries() const noexcept { return buckets() * kWays * 7 / 10; }

 private:
  // User addresses have 47 bits on x86-64 and 48 on AArch64, unless a program asks for more.
  static constexpr unsigned kAddressBits = 48;
  static constexpr std::size_t kLineBytes = 64;

  struct alignas(kLineBytes) Bucket {
    std::array<std::atomic<std::uint64_t>, kWays> words{};
    std::atomic<std::uint64_t> reach{0};
  };
  static_assert(sizeof(Bucket) == kLineBytes);

  struct FreeBuckets {
    std::size_t count;
    void operator()(Bucket* buckets) const noexcept { FreeLines(buckets, count * sizeof(Bucket)); }
  };
  // Stops the process when memory is out, as operator new would.
  static Bucket* NewBuckets(std::size_t count) {
    void* memory = AllocateLines(count * sizeof(Bucket));
    ASSAY_CHECK(memory != nullptr);
    auto* buckets = static_cast<Bucket*>(memory);
    std::uninitialized_default_construct_n(buckets, count);
    return buckets;
  }

  [[nodiscard]] static std::uint64_t TagOf(const Key& key) noexcept {
    return key.high >> kAddressBits;
  }
  // One bit for every way whose word has the tag; empty words too, when it is 0. Without a branch,
  // so that the processor goes on to the next look-up while this bucket is still on its way.
  [[nodiscard]] static unsigned Matches(const Bucket& bucket, std::uint64_t tag) noexcept {
    unsigned ways = 0;
    for (unsigned way = 0; way < kWays; ++way) {
      const std::uint64_t word = bucket.words[way].load(std::memory_order_relaxed);
      ways |= static_cast<unsigned>(word >> kAddressBits == tag) << way;
    }
    return ways;
  }
  [[nodiscard]] static const Entry* EntryIn(std::uint64_t word) noexcept {
    return std::bit_cast<const Entry*>(word & ((std::uint64_t{1} << kAddressBits) - 1));
  }
  [[nodiscard]] std::size_t HomeOf(const Key& key) const noexcept {
    return static_cast<std::size_t>(key.low) & mask_;
  }
  [[nodiscard]] const Bucket& BucketOf(const Key& key) const noexcept {
    return buckets_[HomeOf(key)];
  }
  [[nodiscard]] std::atomic<std::uint64_t>& WordAt(std::uint32_t place) noexcept {
    return buckets_[place / kWays].words[place % kWays];
  }

  std::size_t mask_;
  std::unique_ptr<Bucket[], FreeBuckets> buckets_;
  std::vector<std::uint32_t> nodes_;  // of each word, for the writer only
};

}  // namespace assay::cache::memory
