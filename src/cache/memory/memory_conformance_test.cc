// The memory cache keeps the rules of the slower tiers too.
#include <memory>

#include <gtest/gtest.h>

#include "assay/cache/memory_cache.h"

#include "conformance/tier_conformance.h"

namespace assay::cache::testing {
namespace {

class MemoryTier final : public Tier, public TierUnderTest {
 public:
  explicit MemoryTier(const MemoryCacheOptions& options)
      : cache_(MemoryCache::Create(options).value()) {}

  Tier& tier() override { return *this; }
  std::string_view name() const override { return "memory"; }
  Result<EntryRef> Get(const Key& key, std::int64_t now_ms) override {
    return cache_->Get(key, now_ms);
  }
  Result<void> GetBatch(std::span<const Key> keys, std::int64_t now_ms,
                        std::span<EntryRef> out) override {
    cache_->GetBatch(keys, now_ms, out);
    return {};
  }
  Result<void> Put(const EntryRef& entry, std::int64_t now_ms) override {
    cache_->Put(entry, now_ms);
    return {};
  }
  Result<bool> Erase(const Key& key) override { return cache_->Erase(key); }
  Result<std::uint64_t> Purge(const Filter& filter) override { return cache_->Purge(filter); }
  Result<void> ForEach(std::int64_t now_ms, const Visitor& visit) override {
    cache_->ForEach(now_ms, visit);
    return {};
  }
  TierStats Stats() const override { return cache_->Stats(); }

 private:
  std::unique_ptr<MemoryCache> cache_;
};

INSTANTIATE_TEST_SUITE_P(
    Memory, TierConformance,
    ::testing::Values(
        TierCase{.name = "default_shards",
                 .open = [] { return std::make_unique<MemoryTier>(MemoryCacheOptions{}); }},
        TierCase{
            .name = "one_shard",
            .open = [] { return std::make_unique<MemoryTier>(MemoryCacheOptions{.shards = 1}); }}),
    &NameOfTierCase);

}  // namespace
}  // namespace assay::cache::testing
