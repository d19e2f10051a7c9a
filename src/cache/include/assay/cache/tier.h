// assay/cache/tier.h: what every slower tier of the cache does.
// Room: cache (uses core).  Threads: a Tier is safe for many threads; its calls may block on a disk
// or a network, so they run on the compute or disk threads, never on an I/O thread.
// Every tier passes src/cache/conformance.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "assay/cache/entry.h"
#include "assay/core/result.h"

namespace assay::cache {

// Which entries a purge removes: those that fit all fields that are set. None set: every entry.
struct Filter {
  std::optional<std::string> tenant = std::nullopt;
  std::optional<std::string> route = std::nullopt;
  std::optional<std::string> model = std::nullopt;
  std::int64_t stored_before_ms = std::numeric_limits<std::int64_t>::max();   // Unix, exclusive
  std::int64_t expires_before_ms = std::numeric_limits<std::int64_t>::max();  // the limit: any

  [[nodiscard]] bool Matches(const Entry& entry) const;
};

// Counts since the tier was made; entries and bytes are of now. A tier that cannot know one of
// them (a shared Redis) leaves it 0.
struct TierStats {
  std::uint64_t entries = 0;
  std::uint64_t size_bytes = 0;      // what the entries take in this tier, overhead included
  std::uint64_t capacity_bytes = 0;  // 0: no bound
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t puts = 0;
  std::uint64_t evictions = 0;  // for lack of room
  std::uint64_t expired = 0;    // removed because their time was over
  std::uint64_t errors = 0;     // calls that failed
};

class Tier {
 public:
  // Gets an entry; returns false to stop.
  using Visitor = std::function<bool(const EntryRef& entry)>;

  virtual ~Tier() = default;

  // In metrics, logs and the header x-assay-cache: "zstd", "disk", "redis".
  [[nodiscard]] virtual std::string_view name() const = 0;

  // The entry last put under `key`, equal in info and texts to what was put; null when there is
  // none, it was evicted, or it is expired at now_ms. Errors: kUnavailable when the tier does not
  // answer, kDataLoss when what it holds is damaged (the entry is then dropped).
  [[nodiscard]] virtual Result<EntryRef> Get(const Key& key, std::int64_t now_ms) = 0;

  // out[i] = Get(keys[i]). Requires: out.size() == keys.size(). On an error all of out is null.
  // The default asks one by one.
  [[nodiscard]] virtual Result<void> GetBatch(std::span<const Key> keys, std::int64_t now_ms,
                                              std::span<EntryRef> out);

  // Stores the entry under its key in place of any before it. One that is expired at now_ms is not
  // stored; the one before it is gone all the same. A bounded tier may evict others, or refuse
  // (without an error) an entry that is too large. Requires: entry is not null.
  // Errors: kUnavailable, kResourceExhausted (disk full); the entry before it may then be there or
  // not, never a mixture.
  [[nodiscard]] virtual Result<void> Put(const EntryRef& entry, std::int64_t now_ms) = 0;

  // True when an entry was there; an expired one counts or not, as suits the tier.
  [[nodiscard]] virtual Result<bool> Erase(const Key& key) = 0;

  // Removes what the filter matches; returns how many entries that were, expired ones as in Erase.
  [[nodiscard]] virtual Result<std::uint64_t> Purge(const Filter& filter) = 0;

  // Visits once each, in any order, the entries that are there from the beginning to the end of the
  // call and not expired at now_ms; those that come or go meanwhile may be visited or not. The
  // visitor may call the tier. Errors: as Get.
  [[nodiscard]] virtual Result<void> ForEach(std::int64_t now_ms, const Visitor& visit) = 0;

  // When it returns without error, all changes before it survive what the tier promises to survive
  // (a crash, for the disk). The default has nothing to do.
  [[nodiscard]] virtual Result<void> Sync() { return {}; }

  [[nodiscard]] virtual TierStats Stats() const = 0;
};

}  // namespace assay::cache
