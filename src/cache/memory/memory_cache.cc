#include "assay/cache/memory_cache.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>

#include <fmt/format.h>

#include "entry/allocation_internal.h"
#include "memory/epochs_internal.h"
#include "memory/shard_internal.h"

namespace assay::cache {
namespace {

using memory::Epochs;
using memory::Shard;

constexpr std::size_t kMostShards = 1024;
constexpr std::size_t kDefaultShards = 16;
constexpr std::size_t kLeastShardBytes = std::size_t{8} << 20;
constexpr std::size_t kLeastShardEntries = 4096;
constexpr std::size_t kBatchBlock = 64;  // look-ups in flight; a core tracks 10 to 48 line fills

// Hits and misses, counted by each thread in a line of its own; the last line is shared by the
// threads beyond the others.
class ReadCounts {
 public:
  [[gnu::noinline]] void Add(std::size_t thread, std::uint64_t hits,
                             std::uint64_t misses) noexcept {
    Line& line = lines_[std::min(thread, kLines - 1)];
    if (thread < kLines - 1) {
      // No other thread writes here. Partner: Sum, which may be a little late.
      line.hits.store(line.hits.load(std::memory_order_relaxed) + hits, std::memory_order_relaxed);
      line.misses.store(line.misses.load(std::memory_order_relaxed) + misses,
                        std::memory_order_relaxed);
    } else {
      line.hits.fetch_add(hits, std::memory_order_relaxed);
      line.misses.fetch_add(misses, std::memory_order_relaxed);
    }
  }
  void AddOne(std::size_t thread, bool hit) noexcept {
    if (thread >= kLines - 1) [[unlikely]]
      return Add(thread, hit ? 1 : 0, hit ? 0 : 1);
    std::atomic<std::uint64_t>& count = hit ? lines_[thread].hits : lines_[thread].misses;
    // As in Add.
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void AddTo(TierStats& stats) const noexcept {
    for (const Line& line : lines_) {
      stats.hits += line.hits.load(std::memory_order_relaxed);
      stats.misses += line.misses.load(std::memory_order_relaxed);
    }
  }

 private:
  static constexpr std::size_t kLines = 64;
  struct alignas(64) Line {
    std::atomic<std::uint64_t> hits{0};
    std::atomic<std::uint64_t> misses{0};
  };
  std::array<Line, kLines> lines_{};
};

// Asks for the line of an entry that a look-up reads.
void PrefetchHead(const Entry* entry) {
  if (entry == nullptr) return;
  __builtin_prefetch(reinterpret_cast<const char*>(entry) + kCacheLineBytes);
}

std::size_t ShardsFor(const MemoryCacheOptions& options) {
  if (options.shards != 0) {
    return std::min(std::bit_ceil(options.shards), std::bit_floor(options.max_entries));
  }
  const std::size_t most = std::min({kDefaultShards, options.capacity_bytes / kLeastShardBytes,
                                     options.max_entries / kLeastShardEntries});
  return std::bit_floor(std::max<std::size_t>(most, 1));
}

}  // namespace

struct MemoryCache::Impl {
  explicit Impl(std::size_t count)
      : shards(std::make_unique<Shard[]>(count)), shard_mask(count - 1) {}

  // The upper half of `low`; the lower one chooses the bucket.
  [[nodiscard]] Shard& ShardOf(const Key& key) const noexcept {
    return shards[static_cast<std::size_t>(key.low >> 48) & shard_mask];
  }
  // References to the entries of one shard that `wanted` picks. Takes no lock.
  template <typename Wanted>
  [[nodiscard]] std::vector<EntryRef> Collect(std::size_t shard, Wanted&& wanted) const {
    std::vector<EntryRef> found;
    const Epochs::Pin pin;
    shards[shard].table().ForEach([&](const Entry& entry) {
      if (!wanted(entry)) return;
      entry.Keep();
      found.push_back(EntryRef::Adopt(&entry));
    });
    return found;
  }

  std::unique_ptr<Shard[]> shards;
  std::size_t shard_mask;
  std::size_t capacity_bytes = 0;
  ReadCounts counts;
};

Result<std::unique_ptr<MemoryCache>> MemoryCache::Create(const MemoryCacheOptions& options) {
  if (options.capacity_bytes == 0 || options.max_entries == 0) {
    return Fail(Code::kInvalidArgument,
                "memory cache: capacity_bytes and max_entries must be at least 1");
  }
  if (options.shards > kMostShards) {
    return Fail(Code::kOutOfRange,
                fmt::format("memory cache: shards {} is above {}", options.shards, kMostShards));
  }
  const std::size_t shards = ShardsFor(options);
  auto impl = std::make_unique<Impl>(shards);
  impl->capacity_bytes = options.capacity_bytes;
  for (std::size_t i = 0; i < shards; ++i) {
    // The first ones take what does not divide.
    impl->shards[i].Init(options.capacity_bytes / shards,
                         options.max_entries / shards + (i < options.max_entries % shards ? 1 : 0));
  }
  return std::unique_ptr<MemoryCache>(new MemoryCache(std::move(impl)));
}

MemoryCache::MemoryCache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MemoryCache::~MemoryCache() = default;

EntryRef MemoryCache::Get(const Key& key, std::int64_t now_ms) noexcept {
  const Epochs::Pin pin;
  const Entry* entry = impl_->ShardOf(key).table().Find(key);
  if (entry == nullptr || entry->ExpiredAt(now_ms)) {
    impl_->counts.AddOne(pin.number(), false);
    return nullptr;
  }
  impl_->counts.AddOne(pin.number(), true);
  return pin.Ask(entry);
}

void MemoryCache::GetBatch(std::span<const Key> keys, std::int64_t now_ms,
                           std::span<EntryRef> out) noexcept {
  std::array<const Entry*, kBatchBlock> candidates;
  for (std::size_t first = 0; first < keys.size(); first += kBatchBlock) {
    const std::span block = keys.subspan(first, std::min(kBatchBlock, keys.size() - first));
    const Epochs::Pin pin;
    for (const Key& key : block) impl_->ShardOf(key).table().PrefetchBucket(key);
    for (std::size_t i = 0; i < block.size(); ++i) {
      candidates[i] = impl_->ShardOf(block[i]).table().Candidate(block[i]);
      PrefetchHead(candidates[i]);
    }
    std::uint64_t hits = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
      const Entry* entry = impl_->ShardOf(block[i]).table().Confirm(candidates[i], block[i]);
      if (entry == nullptr || entry->ExpiredAt(now_ms)) {
        out[first + i] = nullptr;
        continue;
      }
      out[first + i] = pin.Ask(entry);
      ++hits;
    }
    impl_->counts.Add(pin.number(), hits, block.size() - hits);
  }
}

bool MemoryCache::Put(EntryRef entry, std::int64_t now_ms) {
  Shard& shard = impl_->ShardOf(entry->key());
  return shard.Put(std::move(entry), now_ms);
}

bool MemoryCache::Erase(const Key& key) {
  return impl_->ShardOf(key).Erase(key);
}

std::size_t MemoryCache::Purge(const Filter& filter) {
  std::size_t removed = 0;
  for (std::size_t i = 0; i <= impl_->shard_mask; ++i) {
    for (const EntryRef& entry :
         impl_->Collect(i, [&](const Entry& one) { return filter.Matches(one); })) {
      if (impl_->shards[i].Erase(*entry)) ++removed;
    }
  }
  return removed;
}

std::size_t MemoryCache::RemoveExpired(std::int64_t now_ms) {
  std::size_t removed = 0;
  for (std::size_t i = 0; i <= impl_->shard_mask; ++i) {
    removed += impl_->shards[i].RemoveExpired(now_ms);
  }
  return removed;
}

void MemoryCache::ForEach(std::int64_t now_ms, const Tier::Visitor& visit) {
  for (std::size_t i = 0; i <= impl_->shard_mask; ++i) {
    for (const EntryRef& entry :
         impl_->Collect(i, [&](const Entry& one) { return !one.ExpiredAt(now_ms); })) {
      if (!visit(entry)) return;
    }
  }
}

std::vector<EntryRef> MemoryCache::AboutToExpire(std::int64_t now_ms, std::int64_t within_ms,
                                                 std::uint32_t min_asks, std::size_t limit) {
  // Asks go on changing, so the order is that of one moment.
  struct Asked {
    std::uint32_t asks;
    EntryRef entry;
  };
  std::vector<Asked> best;
  for (std::size_t i = 0; i <= impl_->shard_mask; ++i) {
    for (EntryRef& entry : impl_->Collect(i, [&](const Entry& one) {
           return !one.ExpiredAt(now_ms) && one.info().expires_ms - now_ms <= within_ms &&
                  one.asks() >= min_asks;
         })) {
      const std::uint32_t asks = entry->asks();
      best.push_back({asks, std::move(entry)});
    }
  }
  const auto wanted = static_cast<std::ptrdiff_t>(std::min(limit, best.size()));
  std::ranges::partial_sort(best, best.begin() + wanted, [](const Asked& left, const Asked& right) {
    return left.asks != right.asks ? left.asks > right.asks
                                   : left.entry->key() < right.entry->key();
  });
  std::vector<EntryRef> entries;
  for (auto one = best.begin(); one != best.begin() + wanted; ++one) {
    entries.push_back(std::move(one->entry));
  }
  return entries;
}

TierStats MemoryCache::Stats() const {
  TierStats stats;
  stats.capacity_bytes = impl_->capacity_bytes;
  for (std::size_t i = 0; i <= impl_->shard_mask; ++i) impl_->shards[i].AddStats(stats);
  impl_->counts.AddTo(stats);
  return stats;
}

}  // namespace assay::cache
