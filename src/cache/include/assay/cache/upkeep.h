// assay/cache/upkeep.h: moving entries between caches, and refreshing them before they expire.
// Room: cache (uses core).  Threads: Export and Import as their arguments; a RefreshPolicy is safe.
// Format of an export: docs/formats/cache-export.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "assay/cache/memory_cache.h"
#include "assay/cache/tier.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::cache {

struct TransferReport {
  std::uint64_t entries = 0;  // written, or stored
  std::uint64_t size_bytes = 0;
  std::uint64_t skipped = 0;  // import: expired; export: did not match
  std::uint64_t damaged = 0;  // import: records that could not be read
};

// Called with how many entries are done.
using TransferProgress = std::function<void(std::uint64_t)>;

// Writes what matches into one file of checksummed records, in place of any file before it. The
// answers in it are not sealed: it is as secret as they are. Errors: of the tier and the disk.
[[nodiscard]] Result<TransferReport> ExportEntries(Tier& from, const Filter& filter,
                                                   std::int64_t now_ms, core::FileSystem& files,
                                                   const std::string& path,
                                                   const TransferProgress& progress = {});

// Stores what such a file holds and has not expired. A file that ends early is read up to there,
// and damage counted. Errors: kNotFound, kDataLoss when it is no export at all; of the tier.
[[nodiscard]] Result<TransferReport> ImportEntries(core::FileSystem& files, const std::string& path,
                                                   Tier& into, std::int64_t now_ms,
                                                   const TransferProgress& progress = {});

struct RefreshOptions {
  // An entry is due in the last part of its life, but at most so long before its end; and at least
  // so long, so that one who looks now and then misses none that lives short.
  double last_share = 0.1;
  std::int64_t at_least_before_ms = 0;
  std::int64_t at_most_before_ms = 300'000;
  std::uint32_t min_asks = 3;   // how often it was served before it is worth an upstream call
  std::size_t max_at_once = 8;  // asked and not yet Done()
  std::int64_t give_up_after_ms = 120'000;  // an ask that was never Done() counts as lost
};

// Tells which of the most asked entries to ask again before they expire, so that those who ask for
// them never wait. The caller asks upstream with Entry::request() and puts the new answer.
class RefreshPolicy {
 public:
  explicit RefreshPolicy(const RefreshOptions& options) : options_(options) {}

  // What to ask now, most asked first; never one that is being asked already, and only entries that
  // carry their request. Time: O(entries), so call it every few seconds.
  [[nodiscard]] std::vector<EntryRef> Due(MemoryCache& memory, std::int64_t now_ms);
  // The ask is over, well or badly. After a failure the entry may be due again.
  void Done(const Key& key);

 private:
  RefreshOptions options_;
  std::mutex mutex_;
  std::unordered_map<Key, std::int64_t> asked_ms_;
};

}  // namespace assay::cache
