// A hash table from keys to entries that is read without a lock and written under one.
//
// A bucket is one cache line: seven words, each the tag and the address of an entry, and one of
// eight bytes: a print of each word's key (0: free), and how far entries that belong here had to go
// for a free word. A look-up compares all prints at once, for the less it does while the line is on
// its way, the more look-ups the processor has under way. An entry carries its own key, so a reader
// that sees a word come or go is never wrong: the entry says whether it is the right one. A word
// holds the same key until the entry is removed, so replacing an entry never makes a reader miss
// it; its print is set after the word, and cleared before it.
#pragma once
#include <algorithm>
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
    return Confirm(Candidate(key), key);
  }
  // Find in two steps, so that the entry's memory may be asked for between them: the entry that is
  // most likely the key's, or null, and then the key's own one. Under the same pin.
  [[nodiscard]] const Entry* Candidate(const Key& key) const noexcept {
    const Bucket& home = BucketOf(key);
    // Partner: Set. Sequentially consistent, as the word, for the epochs.
    const std::uint64_t found = Equal(home.prints.load(std::memory_order_seq_cst), PrintOf(key));
    if (found == 0) return nullptr;
    // Acquires the entry's content; partner: Set.
    return EntryIn(home.words[static_cast<unsigned>(std::countr_zero(found)) / 8].load(
        std::memory_order_seq_cst));
  }
  [[nodiscard]] const Entry* Confirm(const Entry* candidate, const Key& key) const noexcept {
    if (candidate != nullptr && candidate->key() == key) [[likely]]
      return candidate;
    return Search(key);
  }
  // Asks for the memory that Candidate(key) will read.
  void PrefetchBucket(const Key& key) const noexcept { __builtin_prefetch(&BucketOf(key)); }
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
    const std::size_t steps = StepsFrom(BucketOf(key));
    for (std::size_t step = 0; step <= steps; ++step) {
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
        // Before the word that readers will look for; partner: Search.
        Bucket& home = buckets_[HomeOf(key)];
        if (home.reach() < step) home.SetByte(kWays, std::min(step, kFarthest));
        return static_cast<std::uint32_t>(at * kWays + way);
      }
    }
  }
  // Shows the entry to readers; partner: Find.
  void Set(std::uint32_t place, const Entry& entry, std::uint32_t node) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(&entry);
    ASSAY_DCHECK(address >> kAddressBits == 0);
    WordAt(place).store(TagOf(entry.key()) << kAddressBits | address, std::memory_order_seq_cst);
    buckets_[place / kWays].SetByte(place % kWays, PrintOf(entry.key()));
    nodes_[place] = node;
  }
  void Clear(std::uint32_t place) noexcept {
    buckets_[place / kWays].SetByte(place % kWays, 0);
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
  static constexpr std::size_t kFarthest = 255;  // of a reach

  struct alignas(kLineBytes) Bucket {
    std::array<std::atomic<std::uint64_t>, kWays> words{};
    std::atomic<std::uint64_t> prints{0};  // the last byte is the reach; partner: Candidate

    // Steps from here to the farthest entry that belongs here, up to kFarthest, which is no bound.
    [[nodiscard]] std::size_t reach() const noexcept {
      return static_cast<std::size_t>(prints.load(std::memory_order_seq_cst) >> (8 * kWays));
    }
    // Only under the shard's lock.
    void SetByte(std::size_t byte, std::uint64_t value) noexcept {
      const std::uint64_t before = prints.load(std::memory_order_relaxed);
      const auto shift = static_cast<unsigned>(8 * byte);
      prints.store((before & ~(std::uint64_t{0xFF} << shift)) | value << shift,
                   std::memory_order_seq_cst);
    }
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
  // 1 to 255, by bits that are not in the tag.
  [[nodiscard]] static std::uint64_t PrintOf(const Key& key) noexcept {
    const std::uint64_t print = key.high >> (kAddressBits - 8) & 0xFF;
    return print + static_cast<std::uint64_t>(print == 0);
  }
  // A bit in the first of the prints that is equal, and perhaps in bytes above it; 0: none is.
  [[nodiscard]] static std::uint64_t Equal(std::uint64_t prints, std::uint64_t print) noexcept {
    constexpr std::uint64_t kLow = 0x0001010101010101;
    constexpr std::uint64_t kHigh = 0x0080808080808080;
    const std::uint64_t differing = prints ^ print * kLow;
    return (differing - kLow) & ~differing & kHigh;
  }
  // Looks at every entry with the tag, in all buckets within reach. Not in the header: it is seldom
  // needed, and a look-up that keeps few registers is shorter.
  [[nodiscard]] const Entry* Search(const Key& key) const noexcept;
  [[nodiscard]] static const Entry* EntryIn(std::uint64_t word) noexcept {
    return std::bit_cast<const Entry*>(word & ((std::uint64_t{1} << kAddressBits) - 1));
  }
  [[nodiscard]] std::size_t HomeOf(const Key& key) const noexcept {
    return static_cast<std::size_t>(key.low) & mask_;
  }
  [[nodiscard]] const Bucket& BucketOf(const Key& key) const noexcept {
    return buckets_[HomeOf(key)];
  }
  // How far entries of this bucket may be.
  [[nodiscard]] std::size_t StepsFrom(const Bucket& home) const noexcept {
    const std::size_t reach = home.reach();
    return reach < kFarthest ? reach : mask_;
  }
  [[nodiscard]] std::atomic<std::uint64_t>& WordAt(std::uint32_t place) noexcept {
    return buckets_[place / kWays].words[place % kWays];
  }

  std::size_t mask_;
  std::unique_ptr<Bucket[], FreeBuckets> buckets_;
  std::vector<std::uint32_t> nodes_;  // of each word, for the writer only
};

}  // namespace assay::cache::memory
