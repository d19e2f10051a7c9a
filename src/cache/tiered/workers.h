// tiered/workers.h: the threads behind TieredCache and what waits for them.
// Room: cache, private.
//
// Locks: a stripe's mutex first, then mutex_. Neither is held while a tier is called.
#pragma once
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "assay/cache/tiered_cache.h"

namespace assay::cache {

class TieredCache::Workers {
 public:
  Workers(MemoryCache& memory, const std::vector<std::unique_ptr<Tier>>& lower,
          const TieredOptions& options);
  ~Workers();

  void Look(const Key& key, std::string tenant, std::int64_t now_ms, Found found);
  void Put(EntryRef entry, std::int64_t now_ms, std::shared_ptr<const void> until_written);
  void Erase(const Key& key);
  Result<std::uint64_t> Purge(const Filter& filter);
  Result<void> Flush();
  // Also what waits to be written.
  Result<void> ForEach(std::int64_t now_ms, const Tier::Visitor& visit);
  void CountTenantRefused() { tenant_refused_.fetch_add(1, std::memory_order_relaxed); }
  void FillStats(TieredStats& stats) const;

 private:
  struct Lookup {
    Key key;
    std::string tenant;
    std::int64_t now_ms = 0;
    Found found;
  };
  // The newest wish for a key: an entry to store, or null for "erase it".
  struct Write {
    EntryRef entry;
    std::int64_t now_ms = 0;
    std::size_t tiers = 0;  // the first so many
    std::size_t bytes = 0;  // that it counts for in the queue
    std::shared_ptr<const void> until_written = nullptr;
  };
  // Every change of a key moves its stripe's version on. What was read below is stored above only
  // if the version is still the one from before the reading: otherwise it may be out of date.
  struct Stripe {
    std::mutex mutex;
    std::uint64_t version = 0;
  };
  static constexpr std::size_t kStripes = 256;

  [[nodiscard]] Stripe& StripeOf(const Key& key) {
    return stripes_[static_cast<std::size_t>(key.low ^ key.high) % kStripes];
  }
  void Enqueue(const Key& key, Write write);
  // What waits or is being written for the key; nullopt when nothing does.
  [[nodiscard]] std::optional<EntryRef> Waiting(const Key& key) const;
  void LookupLoop();
  void WriteLoop();
  void DoWrite(const Key& key, const Write& write);
  void Answer(const Lookup& lookup);
  void Promote(const EntryRef& entry, std::int64_t now_ms, std::size_t found_in,
               std::uint64_t version);

  MemoryCache& memory_;
  const std::vector<std::unique_ptr<Tier>>& lower_;
  const TieredOptions options_;
  std::array<Stripe, kStripes> stripes_;

  mutable std::mutex mutex_;
  std::condition_variable lookup_asked_;
  std::condition_variable write_asked_;
  std::condition_variable written_;
  std::deque<Lookup> lookups_;
  std::deque<Key> write_order_;
  std::unordered_map<Key, Write> writes_;  // those of write_order_
  std::optional<std::pair<Key, Write>> writing_;
  std::size_t waiting_bytes_ = 0;
  std::uint64_t enqueued_ = 0;  // writes so far
  std::uint64_t done_ = 0;
  std::optional<Error> write_error_;  // the first since the last Flush
  bool stopping_ = false;

  // Figures only; they order nothing.
  std::atomic<std::uint64_t> lookups_dropped_{0};
  std::atomic<std::uint64_t> writes_dropped_{0};
  std::atomic<std::uint64_t> write_errors_{0};
  std::atomic<std::uint64_t> promotions_{0};
  std::atomic<std::uint64_t> tenant_refused_{0};

  std::vector<std::thread> threads_;
};

}  // namespace assay::cache
