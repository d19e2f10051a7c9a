// The suite itself runs on a tier that is right by inspection: a locked map.
#include <algorithm>
#include <map>
#include <mutex>

#include <gtest/gtest.h>

#include "conformance/tier_conformance.h"

namespace assay::cache::testing {
namespace {

class MapTier final : public Tier, public TierUnderTest {
 public:
  Tier& tier() override { return *this; }
  std::string_view name() const override { return "map"; }

  Result<EntryRef> Get(const Key& key, std::int64_t now_ms) override {
    const std::scoped_lock lock(mutex_);
    EntryRef found = model_.Get(key, now_ms);
    ++(found ? stats_.hits : stats_.misses);
    return found;
  }
  Result<void> Put(const EntryRef& entry, std::int64_t now_ms) override {
    const std::scoped_lock lock(mutex_);
    model_.Put(entry, now_ms);
    ++stats_.puts;
    return {};
  }
  Result<bool> Erase(const Key& key) override {
    const std::scoped_lock lock(mutex_);
    const bool there = model_.Get(key, 0) != nullptr;
    model_.Erase(key);
    return there;
  }
  Result<std::uint64_t> Purge(const Filter& filter) override {
    const std::scoped_lock lock(mutex_);
    const std::size_t before = model_.All(0).size();
    model_.Purge(filter);
    return before - model_.All(0).size();
  }
  Result<void> ForEach(std::int64_t now_ms, const Visitor& visit) override {
    std::vector<EntryRef> all;
    {
      const std::scoped_lock lock(mutex_);
      all = model_.All(now_ms);
    }
    for (const EntryRef& entry : all) {
      if (!visit(entry)) break;
    }
    return {};
  }
  TierStats Stats() const override {
    const std::scoped_lock lock(mutex_);
    TierStats stats = stats_;
    for (const EntryRef& entry : model_.All(0)) {
      ++stats.entries;
      stats.size_bytes += entry->footprint_bytes();
    }
    return stats;
  }

 private:
  mutable std::mutex mutex_;
  TierModel model_;
  TierStats stats_;
};

INSTANTIATE_TEST_SUITE_P(Map, TierConformance,
                         ::testing::Values(TierCase{
                             .name = "map", .open = [] { return std::make_unique<MapTier>(); }}),
                         &NameOfTierCase);

}  // namespace
}  // namespace assay::cache::testing
