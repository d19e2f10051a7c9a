#include "assay/cache/tiered_cache.h"

#include <utility>

#include "assay/core/check.h"

#include "tiered/workers.h"

namespace assay::cache {

TieredCache::TieredCache(std::unique_ptr<MemoryCache> memory,
                         std::vector<std::unique_ptr<Tier>> lower, const TieredOptions& options)
    : memory_(std::move(memory)), lower_(std::move(lower)) {
  ASSAY_CHECK(memory_ != nullptr);
  workers_ = std::make_unique<Workers>(*memory_, lower_, options);
}

TieredCache::~TieredCache() = default;

EntryRef TieredCache::GetMemory(const Key& key, std::string_view tenant,
                                std::int64_t now_ms) noexcept {
  EntryRef entry = memory_->Get(key, now_ms);
  if (!entry || entry->tenant() == tenant) return entry;
  workers_->CountTenantRefused();
  return nullptr;
}

void TieredCache::GetLower(const Key& key, std::string tenant, std::int64_t now_ms, Found found) {
  workers_->Look(key, std::move(tenant), now_ms, std::move(found));
}

void TieredCache::Put(EntryRef entry, std::int64_t now_ms,
                      std::shared_ptr<const void> until_written) {
  workers_->Put(std::move(entry), now_ms, std::move(until_written));
}

void TieredCache::Erase(const Key& key) {
  workers_->Erase(key);
}

Result<std::uint64_t> TieredCache::Purge(const Filter& filter) {
  return workers_->Purge(filter);
}

Result<void> TieredCache::Flush() {
  return workers_->Flush();
}

Result<void> TieredCache::ForEach(std::int64_t now_ms, const Tier::Visitor& visit) {
  return workers_->ForEach(now_ms, visit);
}

TieredStats TieredCache::Stats() const {
  TieredStats stats;
  stats.tiers.push_back({"memory", memory_->Stats()});
  for (const auto& tier : lower_) stats.tiers.push_back({std::string(tier->name()), tier->Stats()});
  workers_->FillStats(stats);
  return stats;
}

}  // namespace assay::cache
