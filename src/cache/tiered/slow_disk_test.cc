// Memory in front of a disk that stands still for as long as the test likes.
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "assay/cache/disk_tier.h"
#include "assay/cache/tiered_cache.h"

#include "conformance/tier_conformance.h"
#include "disk/disk_test_support.h"
#include "slow_fs.h"
#include "temp_dir.h"

namespace assay::cache::testing {
namespace {

constexpr std::uint64_t kStored = 50;      // entries that are on the disk before it stands still
constexpr std::uint64_t kMeanwhile = 200;  // and those that come then
constexpr std::size_t kEntryBytes = 1000;

class SlowDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    Open(files_);
    for (std::uint64_t key = 0; key < kStored; ++key) Put(key);
    ASSERT_TRUE(cache_->Flush());
  }
  void TearDown() override {
    files_.Go();
    cache_.reset();
  }

  void Open(core::FileSystem& files) {
    DiskOptions disk;
    disk.folder = folder_.path();
    disk.clock = &StandingClock();
    auto opened = DiskTier::Open(files, disk);
    ASSERT_TRUE(opened) << opened.error().message;
    std::vector<std::unique_ptr<Tier>> lower;
    lower.push_back(*std::move(opened));
    cache_ = std::make_unique<TieredCache>(
        MemoryCache::Create({.capacity_bytes = std::size_t{8} << 20}).value(), std::move(lower),
        TieredOptions{.write_entries = kMeanwhile / 2});
  }
  void Put(std::uint64_t key) {
    cache_->Put(MakeEntry(key, 1, kNowMs, kLaterMs, kEntryBytes), kNowMs);
  }
  [[nodiscard]] bool InMemory(std::uint64_t key) {
    const std::string tenant(MakeEntry(key, 1, kNowMs, kLaterMs, kEntryBytes)->tenant());
    return cache_->GetMemory(KeyOf(key), tenant, kNowMs) != nullptr;
  }
  [[nodiscard]] bool OnDisk(std::uint64_t key) {
    const std::string tenant(MakeEntry(key, 1, kNowMs, kLaterMs, kEntryBytes)->tenant());
    auto found = std::make_shared<std::promise<bool>>();
    cache_->GetLower(KeyOf(key), tenant, kNowMs, [found](const EntryRef& entry, std::string_view) {
      found->set_value(entry != nullptr);
    });
    return found->get_future().get();
  }

  assay::testing::TempDir folder_;
  assay::testing::SlowFs files_{core::FileSystem::Real()};
  std::unique_ptr<TieredCache> cache_;
};

TEST_F(SlowDisk, StoresAndServesFromMemoryWithoutWaitingAndBoundsWhatWaits) {
  files_.StandStill();
  Put(kStored);
  files_.AwaitWrite();
  for (std::uint64_t key = kStored + 1; key <= kStored + kMeanwhile; ++key) {
    Put(key);
    ASSERT_TRUE(InMemory(key)) << key;
  }
  // Also the figures come without waiting for the disk.
  EXPECT_EQ(cache_->Stats().writes_dropped, kMeanwhile / 2);
  EXPECT_GT(cache_->Stats().tiers.back().stats.size_bytes, 0U);
}

TEST_F(SlowDisk, GoesOnServingWhatIsOnTheDisk) {
  files_.StandStill();
  Put(kStored);
  files_.AwaitWrite();
  for (std::uint64_t key = 0; key < kStored; ++key) EXPECT_TRUE(OnDisk(key)) << key;
}

TEST_F(SlowDisk, KeepsAllThatWaitedOnceItGoesOn) {
  files_.StandStill();
  for (std::uint64_t key = kStored; key < kStored + kMeanwhile / 2; ++key) Put(key);
  EXPECT_EQ(cache_->Stats().writes_dropped, 0U);
  files_.Go();
  ASSERT_TRUE(cache_->Flush());
  cache_.reset();
  Open(core::FileSystem::Real());
  for (std::uint64_t key = 0; key < kStored + kMeanwhile / 2; ++key)
    EXPECT_TRUE(OnDisk(key)) << key;
}

}  // namespace
}  // namespace assay::cache::testing
