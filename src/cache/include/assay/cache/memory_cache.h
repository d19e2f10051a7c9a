// assay/cache/memory_cache.h: the first tier: answers in memory, read without a lock.
// Room: cache (uses core).  Threads: safe for many. Get and GetBatch take no lock and never wait;
// Put, Erase and Purge lock one shard at a time, for about a microsecond.
// Method: S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache
// eviction", SOSP 2023); epoch-based reclamation (Fraser 2004, 5.2.3).
// docs/decisions/0010-memory-cache.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "assay/cache/entry.h"
#include "assay/cache/tier.h"
#include "assay/core/result.h"

namespace assay::cache {

struct MemoryCacheOptions {
  // Of all it takes: entries with their allocator's overhead, table, queues and ghosts. Memory
  // that readers still hold, or that waits for them (at most some 100 entries), is beyond it.
  std::size_t capacity_bytes = std::size_t{512} << 20;
  std::size_t max_entries = SIZE_MAX;
  // 0: chosen by the bounds (at most 16, each of at least 8 MiB and 4,096 entries). Rounded up to a
  // power of two. An entry above half of one shard's bytes is refused.
  std::size_t shards = 0;
};

class MemoryCache {
 public:
  // Errors: kInvalidArgument when a bound is 0; kOutOfRange when shards is above 1,024.
  [[nodiscard]] static Result<std::unique_ptr<MemoryCache>> Create(
      const MemoryCacheOptions& options);
  ~MemoryCache();

  // The entry, or null when there is none or it is expired. Time: O(1), two cache lines.
  [[nodiscard]] EntryRef Get(const Key& key, std::int64_t now_ms) noexcept;

  // out[i] = Get(keys[i]), with the memory of all of them fetched at once: about half the time.
  // Requires: out.size() >= keys.size().
  void GetBatch(std::span<const Key> keys, std::int64_t now_ms, std::span<EntryRef> out) noexcept;

  // Stores the entry in place of any before it under its key; evicts others for room. Expired and
  // too large entries are not stored (an older one under the key is then gone too). False when it
  // was not stored. Requires: entry is not null.
  bool Put(EntryRef entry, std::int64_t now_ms);

  // True when an entry was there.
  bool Erase(const Key& key);
  // Removes what the filter matches; returns how many that were. Time: O(entries).
  std::size_t Purge(const Filter& filter);
  // Removes expired entries. Put does a little of it each time, so this is for quiet hours.
  std::size_t RemoveExpired(std::int64_t now_ms);

  // As Tier::ForEach. Takes no lock while it calls the visitor.
  void ForEach(std::int64_t now_ms, const Tier::Visitor& visit);

  // The most asked entries that expire within `within_ms` and were asked at least `min_asks` times,
  // most asked first, at most `limit`: what is worth being asked again before its time is over.
  [[nodiscard]] std::vector<EntryRef> AboutToExpire(std::int64_t now_ms, std::int64_t within_ms,
                                                    std::uint32_t min_asks, std::size_t limit);

  // size_bytes is all that counts against capacity_bytes.
  [[nodiscard]] TierStats Stats() const;

 private:
  struct Impl;
  explicit MemoryCache(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::cache
