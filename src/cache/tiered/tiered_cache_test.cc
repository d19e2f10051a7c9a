// Memory in front of slower tiers: what is found, what is newest, what never comes back.
#include "assay/cache/tiered_cache.h"

#include <array>
#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "assay/cache/disk_tier.h"
#include "assay/core/clock.h"

#include "conformance/tier_conformance.h"
#include "disk/disk_test_support.h"
#include "temp_dir.h"

namespace assay::cache::testing {
namespace {

using assay::testing::TempDir;

// This program takes only the helpers of the conformance suite: the cache as a whole is no Tier.
}  // namespace
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TierConformance);
namespace {

// A tier in memory whose calls can be held up and made to fail.
class GateTier final : public Tier {
 public:
  explicit GateTier(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  Result<EntryRef> Get(const Key& key, std::int64_t now_ms) override {
    EntryRef found;
    {
      const std::scoped_lock lock(mutex_);
      found = model_.Get(key, now_ms);
    }
    ASSAY_TRY(Pass());  // the answer is known but not given yet
    return found;
  }
  Result<void> Put(const EntryRef& entry, std::int64_t now_ms) override {
    ASSAY_TRY(Pass());
    const std::scoped_lock lock(mutex_);
    model_.Put(entry, now_ms);
    return {};
  }
  Result<bool> Erase(const Key& key) override {
    ASSAY_TRY(Pass());
    const std::scoped_lock lock(mutex_);
    const bool there = model_.Get(key, kNowMs) != nullptr;
    model_.Erase(key);
    return there;
  }
  Result<std::uint64_t> Purge(const Filter& filter) override {
    const std::scoped_lock lock(mutex_);
    const std::size_t before = model_.All(kNowMs).size();
    model_.Purge(filter);
    return before - model_.All(kNowMs).size();
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
  [[nodiscard]] TierStats Stats() const override { return {}; }

  void Close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  void OpenUp() {
    const std::scoped_lock lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }
  void SetFailing(bool failing) {
    const std::scoped_lock lock(mutex_);
    failing_ = failing;
  }
  // Until so many calls stand before the closed gate.
  void AwaitHeldUp(int calls) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_up_ >= calls; });
  }

 private:
  Result<void> Pass() {
    std::unique_lock lock(mutex_);
    ++held_up_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !closed_; });
    --held_up_;
    if (failing_) return Fail(Code::kUnavailable, "told to fail");
    return {};
  }

  std::string name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  TierModel model_;
  bool closed_ = false;
  bool failing_ = false;
  int held_up_ = 0;
};

struct Fixture {
  explicit Fixture(const TieredOptions& options = {},
                   std::size_t memory_bytes = std::size_t{8} << 20) {
    auto first = std::make_unique<GateTier>("first");
    auto second = std::make_unique<GateTier>("second");
    upper = first.get();
    under = second.get();
    std::vector<std::unique_ptr<Tier>> lower;
    lower.push_back(std::move(first));
    lower.push_back(std::move(second));
    cache = std::make_unique<TieredCache>(
        MemoryCache::Create({.capacity_bytes = memory_bytes}).value(), std::move(lower), options);
  }
  GateTier* upper = nullptr;
  GateTier* under = nullptr;
  std::unique_ptr<TieredCache> cache;
};

EntryRef EntryOf(std::uint64_t key, std::uint64_t version) {
  return MakeEntry(key, version, kNowMs, kLaterMs, 100);
}
std::string TenantOf(std::uint64_t key) {
  return std::string(EntryOf(key, 1)->tenant());
}
EntryRef InMemory(TieredCache& cache, std::uint64_t key) {
  return cache.GetMemory(KeyOf(key), TenantOf(key), kNowMs);
}

struct Lower {
  EntryRef entry;
  std::string tier;
};
std::future<Lower> StartLower(TieredCache& cache, std::uint64_t key) {
  auto promise = std::make_shared<std::promise<Lower>>();
  cache.GetLower(KeyOf(key), TenantOf(key), kNowMs,
                 [promise](EntryRef entry, std::string_view tier) {
                   promise->set_value({std::move(entry), std::string(tier)});
                 });
  return promise->get_future();
}
Lower FromLower(TieredCache& cache, std::uint64_t key) {
  return StartLower(cache, key).get();
}
std::uint64_t VersionOf(std::uint64_t key, const EntryRef& entry) {
  return entry ? CheckedVersion(key, *entry) : 0;
}

TEST(TieredCache, FindsBelowWhatMemoryLostAndBringsItUp) {
  Fixture fix;
  ASSERT_TRUE(fix.under->Put(EntryOf(1, 7), kNowMs));
  EXPECT_FALSE(InMemory(*fix.cache, 1));
  const Lower found = FromLower(*fix.cache, 1);
  EXPECT_EQ(VersionOf(1, found.entry), 7U);
  EXPECT_EQ(found.tier, "second");
  EXPECT_EQ(VersionOf(1, InMemory(*fix.cache, 1)), 7U);
  ASSERT_TRUE(fix.cache->Flush());
  EXPECT_EQ(VersionOf(1, fix.upper->Get(KeyOf(1), kNowMs).value()), 7U);
  EXPECT_EQ(fix.cache->Stats().promotions, 1U);
  const Lower missing = FromLower(*fix.cache, 2);
  EXPECT_FALSE(missing.entry);
  EXPECT_EQ(missing.tier, "");
}

TEST(TieredCache, WritesThroughToEveryTierAndErasesFromAll) {
  Fixture fix;
  fix.cache->Put(EntryOf(1, 1), kNowMs);
  fix.cache->Put(EntryOf(1, 2), kNowMs);
  ASSERT_TRUE(fix.cache->Flush());
  for (GateTier* tier : {fix.upper, fix.under}) {
    EXPECT_EQ(VersionOf(1, tier->Get(KeyOf(1), kNowMs).value()), 2U);
  }
  fix.cache->Erase(KeyOf(1));
  EXPECT_FALSE(InMemory(*fix.cache, 1));
  ASSERT_TRUE(fix.cache->Flush());
  for (GateTier* tier : {fix.upper, fix.under}) {
    EXPECT_FALSE(tier->Get(KeyOf(1), kNowMs).value());
  }
}

TEST(TieredCache, LetsGoOfWhatAPutHoldsOnceItIsWrittenOrReplaced) {
  Fixture fix;
  fix.upper->Close();
  const auto make = [] { return std::make_shared<const int>(0); };
  std::shared_ptr<const void> first = make();
  std::shared_ptr<const void> second = make();
  const std::weak_ptr<const void> of_first = first;
  const std::weak_ptr<const void> of_second = second;
  fix.cache->Put(EntryOf(1, 1), kNowMs, std::move(first));
  fix.upper->AwaitHeldUp(1);
  fix.cache->Put(EntryOf(2, 1), kNowMs, std::move(second));
  EXPECT_FALSE(of_first.expired()) << "it is being written";
  EXPECT_FALSE(of_second.expired()) << "it waits";
  fix.cache->Erase(KeyOf(2));
  EXPECT_TRUE(of_second.expired()) << "it will not be written";
  fix.upper->OpenUp();
  ASSERT_TRUE(fix.cache->Flush());
  EXPECT_TRUE(of_first.expired());
  std::shared_ptr<const void> third = make();
  const std::weak_ptr<const void> of_third = third;
  TieredCache alone(MemoryCache::Create({.capacity_bytes = std::size_t{8} << 20}).value(), {}, {});
  alone.Put(EntryOf(1, 1), kNowMs, std::move(third));
  EXPECT_TRUE(of_third.expired()) << "there is nowhere to write it";
}

TEST(TieredCache, ShowsAWriteThatStillWaits) {
  Fixture fix;
  fix.upper->Close();
  fix.cache->Put(EntryOf(1, 1), kNowMs);
  fix.cache->Put(EntryOf(2, 1), kNowMs);
  fix.upper->AwaitHeldUp(1);
  fix.cache->Put(EntryOf(1, 2), kNowMs);
  fix.cache->Erase(KeyOf(2));
  static_cast<void>(fix.cache->memory().Purge({}));
  EXPECT_EQ(VersionOf(1, FromLower(*fix.cache, 1).entry), 2U);
  EXPECT_FALSE(FromLower(*fix.cache, 2).entry);
  fix.upper->OpenUp();
  ASSERT_TRUE(fix.cache->Flush());
}

TEST(TieredCache, NeverBringsUpWhatWasReplacedErasedOrPurgedWhileItWasRead) {
  for (const int how : {0, 1, 2}) {
    Fixture fix;
    ASSERT_TRUE(fix.upper->Put(EntryOf(1, 1), kNowMs));
    fix.upper->Close();
    std::future<Lower> reading = StartLower(*fix.cache, 1);
    fix.upper->AwaitHeldUp(1);
    if (how == 0) fix.cache->Put(EntryOf(1, 2), kNowMs);
    if (how == 1) fix.cache->Erase(KeyOf(1));
    if (how == 2) {
      EXPECT_EQ(fix.cache->Purge({.tenant = TenantOf(1)}).value(), 1U);
    }
    fix.upper->OpenUp();
    EXPECT_EQ(VersionOf(1, reading.get().entry), 1U) << "it was asked before";
    EXPECT_EQ(VersionOf(1, InMemory(*fix.cache, 1)), how == 0 ? 2U : 0U) << how;
    ASSERT_TRUE(fix.cache->Flush());
    EXPECT_EQ(fix.cache->Stats().promotions, 0U);
  }
}

TEST(TieredCache, DropsAndCountsWritesInsteadOfWaiting) {
  Fixture fix({.write_entries = 4});
  ASSERT_TRUE(fix.upper->Put(EntryOf(9, 1), kNowMs));
  fix.upper->Close();
  fix.cache->Put(EntryOf(100, 1), kNowMs);
  fix.upper->AwaitHeldUp(1);
  for (std::uint64_t key = 1; key <= 9; ++key) fix.cache->Put(EntryOf(key, 2), kNowMs);
  EXPECT_EQ(fix.cache->Stats().writes_dropped, 5U);
  EXPECT_EQ(VersionOf(9, InMemory(*fix.cache, 9)), 2U) << "memory has it all the same";
  fix.upper->OpenUp();
  ASSERT_TRUE(fix.cache->Flush());
  EXPECT_EQ(VersionOf(4, fix.under->Get(KeyOf(4), kNowMs).value()), 2U);
  EXPECT_EQ(VersionOf(5, fix.under->Get(KeyOf(5), kNowMs).value()), 0U);
  EXPECT_FALSE(fix.upper->Get(KeyOf(9), kNowMs).value()) << "the older one is not served";
  EXPECT_EQ(fix.cache->Stats().writes_waiting, 0U);
}

TEST(TieredCache, BoundsTheBytesThatWait) {
  Fixture fix({.write_bytes = 1'000});
  fix.upper->Close();
  for (std::uint64_t key = 1; key <= 50; ++key) fix.cache->Put(EntryOf(key, 1), kNowMs);
  EXPECT_GE(fix.cache->Stats().writes_dropped, 45U);
  fix.upper->OpenUp();
  ASSERT_TRUE(fix.cache->Flush());
}

TEST(TieredCache, AnswersMissAtOnceWhenTooManyLookUp) {
  Fixture fix({.lookup_threads = 1, .lookup_queue = 2});
  fix.upper->Close();
  std::vector<std::future<Lower>> held;
  held.push_back(StartLower(*fix.cache, 1));
  fix.upper->AwaitHeldUp(1);
  held.push_back(StartLower(*fix.cache, 2));
  held.push_back(StartLower(*fix.cache, 3));
  EXPECT_FALSE(FromLower(*fix.cache, 4).entry);
  EXPECT_EQ(fix.cache->Stats().lookups_dropped, 1U);
  fix.upper->OpenUp();
  for (std::future<Lower>& one : held) EXPECT_FALSE(one.get().entry);
}

TEST(TieredCache, TreatsAFailingTierAsEmptyAndTellsTheFlush) {
  Fixture fix;
  ASSERT_TRUE(fix.under->Put(EntryOf(1, 3), kNowMs));
  fix.upper->SetFailing(true);
  EXPECT_EQ(VersionOf(1, FromLower(*fix.cache, 1).entry), 3U);
  fix.cache->Put(EntryOf(2, 1), kNowMs);
  EXPECT_EQ(fix.cache->Flush().error().code, Code::kUnavailable);
  EXPECT_GE(fix.cache->Stats().write_errors, 1U);
  fix.upper->SetFailing(false);
  EXPECT_TRUE(fix.cache->Flush());
  EXPECT_EQ(VersionOf(2, fix.under->Get(KeyOf(2), kNowMs).value()), 1U);
}

TEST(TieredCache, NeverShowsATenantTheEntryOfAnother) {
  Fixture fix;
  fix.cache->Put(EntryOf(1, 1), kNowMs);
  ASSERT_TRUE(fix.upper->Put(EntryOf(2, 1), kNowMs));
  EXPECT_FALSE(fix.cache->GetMemory(KeyOf(1), "somebody else", kNowMs));
  for (const std::uint64_t key : {1U, 2U}) {
    std::promise<EntryRef> found;
    fix.cache->GetLower(KeyOf(key), "somebody else", kNowMs,
                        [&](const EntryRef& entry, std::string_view) { found.set_value(entry); });
    EXPECT_FALSE(found.get_future().get());
  }
  EXPECT_GE(fix.cache->Stats().tenant_refused, 2U);
  EXPECT_FALSE(fix.cache->GetMemory(KeyOf(2), "somebody else", kNowMs)) << "nothing came up";
}

TEST(TieredCache, PurgesWhatWaitsToBeWritten) {
  Fixture fix;
  fix.upper->Close();
  fix.cache->Put(EntryOf(0, 1), kNowMs);
  fix.upper->AwaitHeldUp(1);
  for (std::uint64_t key = 1; key < 12; ++key) fix.cache->Put(EntryOf(key, 1), kNowMs);
  std::thread purge([&] { EXPECT_EQ(fix.cache->Purge({.tenant = "tenant-1"}).value(), 4U); });
  fix.upper->OpenUp();
  purge.join();
  ASSERT_TRUE(fix.cache->Flush());
  for (std::uint64_t key = 0; key < 12; ++key) {
    const bool there = key % 3 != 1;
    EXPECT_EQ(VersionOf(key, fix.under->Get(KeyOf(key), kNowMs).value()), there ? 1U : 0U);
    EXPECT_EQ(VersionOf(key, InMemory(*fix.cache, key)), there ? 1U : 0U);
  }
}

TEST(TieredCache, VisitsEveryEntryOnceWhereverItIs) {
  Fixture fix;
  fix.cache->Put(EntryOf(1, 1), kNowMs);
  ASSERT_TRUE(fix.cache->Flush());
  ASSERT_TRUE(fix.under->Put(EntryOf(2, 1), kNowMs));
  std::map<Key, int> visits;
  ASSERT_TRUE(fix.cache->ForEach(kNowMs, [&](const EntryRef& entry) {
    ++visits[entry->key()];
    return true;
  }));
  EXPECT_EQ(visits, (std::map<Key, int>{{KeyOf(1), 1}, {KeyOf(2), 1}}));
}

TEST(TieredCache, AnswersEveryLookupAlsoWhenItIsClosed) {
  std::atomic<int> answered{0};  // partner: the callbacks
  {
    Fixture fix({.lookup_threads = 1});
    fix.upper->Close();
    for (std::uint64_t key = 0; key < 20; ++key) {
      fix.cache->GetLower(KeyOf(key), "t", kNowMs,
                          [&](const EntryRef&, std::string_view) { ++answered; });
    }
    fix.upper->AwaitHeldUp(1);
    std::thread opener([&] { fix.upper->OpenUp(); });
    fix.cache.reset();
    opener.join();
  }
  EXPECT_EQ(answered.load(), 20);
}

TEST(TieredCache, WorksWithoutLowerTiers) {
  TieredCache cache(MemoryCache::Create({.capacity_bytes = std::size_t{1} << 20}).value(), {}, {});
  EXPECT_FALSE(cache.has_lower());
  cache.Put(EntryOf(1, 1), kNowMs);
  EXPECT_EQ(VersionOf(1, InMemory(cache, 1)), 1U);
  EXPECT_FALSE(FromLower(cache, 1).entry);
  EXPECT_TRUE(cache.Flush());
  EXPECT_EQ(cache.Purge({}).value(), 1U);
}

// Many threads put rising versions, erase, purge and look up through a small memory and a real disk
// log. `floor` of a key rises when a put or an erasure is over; nobody may then see less.
TEST(TieredCache, StaysConsistentUnderLoad) {
  const TempDir folder;
  DiskOptions disk;
  disk.folder = folder.File("cache");
  disk.max_bytes = std::uint64_t{8} << 20;
  disk.flush_every_ms = 1;
  disk.clock = &StandingClock();
  std::vector<std::unique_ptr<Tier>> lower;
  lower.push_back(DiskTier::Open(core::FileSystem::Real(), disk).value());
  TieredCache cache(
      MemoryCache::Create({.capacity_bytes = std::size_t{64} << 10, .shards = 1}).value(),
      std::move(lower), {});
  constexpr std::uint64_t kKeys = 600;
  constexpr std::uint64_t kRounds = 25;
  std::array<std::atomic<std::uint64_t>, kKeys> floors{};  // partner: the readers below
  std::atomic<bool> done{false};                           // partner: the readers' loop
  std::atomic<std::uint64_t> seen_below{0};
  const auto reader = [&](std::uint64_t seed) {
    core::SeededRng rng(seed);
    while (!done.load()) {
      const std::uint64_t key = rng.Below(kKeys);
      const std::uint64_t floor = floors[key].load();
      if (const EntryRef entry = InMemory(cache, key)) {
        EXPECT_GE(CheckedVersion(key, *entry), floor);
        continue;
      }
      const Lower found = FromLower(cache, key);
      if (!found.entry) continue;
      EXPECT_GE(CheckedVersion(key, *found.entry), floor);
      if (found.tier == "disk") seen_below.fetch_add(1);
    }
  };
  std::vector<std::thread> readers;
  for (std::uint64_t i = 0; i < 2; ++i) readers.emplace_back(reader, i + 1);
  const auto writer = [&](std::uint64_t begin) {
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      for (std::uint64_t key = begin; key < kKeys; key += 2) {
        if ((key + round) % 11 == 0) {
          cache.Erase(KeyOf(key));
          floors[key].store(round + 1);  // what came before must not be seen again
        } else {
          cache.Put(EntryOf(key, round), kNowMs);
          floors[key].store(round);
        }
      }
      if (round % 8 == 0) {
        EXPECT_TRUE(cache.Purge({.route = "route-" + std::to_string(round % 5)}));
      }
      EXPECT_TRUE(cache.Flush());
    }
  };
  std::thread other(writer, 1);
  writer(0);
  other.join();
  done.store(true);
  for (std::thread& thread : readers) thread.join();
  const TieredStats stats = cache.Stats();
  EXPECT_EQ(stats.writes_dropped, 0U);
  EXPECT_EQ(stats.write_errors, 0U);
  EXPECT_GT(stats.promotions, 0U);
  EXPECT_GT(seen_below.load(), 0U);
}

}  // namespace
}  // namespace assay::cache::testing
