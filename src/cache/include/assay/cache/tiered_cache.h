// assay/cache/tiered_cache.h: memory in front, slower tiers behind.
// Room: cache (uses core).  Threads: safe for many. GetMemory, GetLower, Put and Erase never wait
// for a disk or a network and may be called on I/O threads; Purge, Flush and ForEach do wait.
// docs/architecture.md says which thread runs what.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/memory_cache.h"
#include "assay/cache/tier.h"
#include "assay/core/clock.h"

namespace assay::cache {

struct TieredOptions {
  std::size_t lookup_threads = 2;    // for GetLower; none are started without lower tiers
  std::size_t lookup_queue = 1024;   // waiting GetLower; more are answered "miss" at once
  std::size_t write_entries = 8192;  // waiting writes; more are dropped and counted
  std::size_t write_bytes = std::size_t{64} << 20;
};

struct TieredStats {
  struct OneTier {
    std::string name;  // "memory", then those below in their order
    TierStats stats;
  };
  std::vector<OneTier> tiers;
  std::uint64_t lookups_waiting = 0;
  std::uint64_t lookups_dropped = 0;  // for a full queue
  std::uint64_t writes_waiting = 0;
  std::uint64_t writes_dropped = 0;  // for a full queue
  std::uint64_t write_errors = 0;
  std::uint64_t promotions = 0;  // found below and stored above
  std::uint64_t tenant_refused =
      0;  // entries of another tenant under the key: none, unless hashes collide
};

class TieredCache {
 public:
  // What GetLower found: null for a miss. `tier` is the name of the tier that had it, or empty.
  using Found = std::function<void(EntryRef entry, std::string_view tier)>;

  // `lower` from fast to slow, may be empty. Requires: memory is not null.
  TieredCache(std::unique_ptr<MemoryCache> memory, std::vector<std::unique_ptr<Tier>> lower,
              const TieredOptions& options);
  // Answers waiting lookups with a miss, writes what waits, and closes the tiers.
  ~TieredCache();

  // The entry in memory, or null. An entry of another tenant is never returned.
  [[nodiscard]] EntryRef GetMemory(const Key& key, std::string_view tenant,
                                   std::int64_t now_ms) noexcept;

  [[nodiscard]] bool has_lower() const noexcept { return !lower_.empty(); }

  // Looks in the lower tiers and calls `found` exactly once, on a worker (or in this call when
  // there is nothing to look in or the queue is full). What was found is stored in the tiers above.
  // A tier that fails counts as one that has nothing. `found` must not block.
  void GetLower(const Key& key, std::string tenant, std::int64_t now_ms, Found found);

  // Stores in memory now and below soon. `until_written` is let go of once the tiers below have
  // been given the entry, or will not be. Requires: entry is not null.
  void Put(EntryRef entry, std::int64_t now_ms,
           std::shared_ptr<const void> until_written = nullptr);

  // Removes from memory now and below soon.
  void Erase(const Key& key);

  // Removes from all tiers and from what waits to be written; when it returns, nothing that
  // matched and was put before is served again. Returns how many entries the tier with the most
  // held. Errors: of the first tier that failed; the others are purged all the same.
  [[nodiscard]] Result<std::uint64_t> Purge(const Filter& filter);

  // Waits until every Put and Erase before it is done in all tiers, and what they keep on disk
  // survives a power failure. Errors: the first that any of these writes met.
  [[nodiscard]] Result<void> Flush();

  // Every entry once, wherever it is. Errors: of the tiers.
  [[nodiscard]] Result<void> ForEach(std::int64_t now_ms, const Tier::Visitor& visit);

  [[nodiscard]] TieredStats Stats() const;
  [[nodiscard]] MemoryCache& memory() noexcept { return *memory_; }
  // In their order; for those who need what only one kind of tier knows.
  [[nodiscard]] const std::vector<std::unique_ptr<Tier>>& lower() const noexcept { return lower_; }

 private:
  class Workers;
  std::unique_ptr<MemoryCache> memory_;
  std::vector<std::unique_ptr<Tier>> lower_;
  std::unique_ptr<Workers> workers_;  // after the tiers: stopped before they go
};

}  // namespace assay::cache
