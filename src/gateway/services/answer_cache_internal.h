// The exact cache as the stages see it.
// Threads: safe.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/cache/entry.h"
#include "assay/cache/tier.h"
#include "assay/core/result.h"
#include "assay/gateway/exchange.h"
#include "assay/gateway/settings.h"

namespace assay::gateway {

struct LowerHit {
  cache::EntryRef entry;  // null: a miss
  CacheTier tier = CacheTier::kNone;
};

class AnswerCache {
 public:
  virtual ~AnswerCache() = default;

  // Errors: those of opening the tiers that the settings name.
  [[nodiscard]] static Result<std::unique_ptr<AnswerCache>> Open(const CacheSettings& settings);

  // The memory tier alone: no lock, no wait, for the I/O threads.
  [[nodiscard]] virtual cache::EntryRef GetMemory(const cache::Key& key, std::int64_t now_ms) = 0;
  [[nodiscard]] virtual bool has_lower_tiers() const = 0;
  // Looks through the tiers below on a thread of theirs; what is found goes up into memory. `done`
  // is called once, on any thread.
  virtual void GetLower(const cache::Key& key, std::int64_t now_ms,
                        std::function<void(LowerHit)> done) = 0;
  // Into memory at once, into the tiers below later.
  virtual void Put(const cache::EntryRef& entry, std::int64_t now_ms) = 0;

  // These may wait for a disk or a network: not for I/O threads.
  [[nodiscard]] virtual Result<std::uint64_t> Purge(const cache::Filter& filter) = 0;
  [[nodiscard]] virtual std::vector<std::pair<std::string, cache::TierStats>> Stats() const = 0;
  [[nodiscard]] virtual Result<void> Sync() = 0;
};

}  // namespace assay::gateway
