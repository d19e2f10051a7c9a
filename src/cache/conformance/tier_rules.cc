// One test a sentence of the contract in assay/cache/tier.h.
#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "conformance/tier_conformance.h"

namespace assay::cache::testing {
namespace {

TEST_P(TierConformance, HoldsNothingAtFirst) {
  EXPECT_EQ(Get(KeyOf(1)), nullptr);
  EXPECT_TRUE(All().empty());
  EXPECT_FALSE(tier().name().empty());
  EXPECT_FALSE(tier().Erase(KeyOf(1)).value());
  EXPECT_EQ(tier().Purge({}).value(), 0U);
}

TEST_P(TierConformance, GivesBackWhatWasPut) {
  for (const std::size_t size_bytes : {0U, 1U, 100U, 4'096U, 1'000'000U}) {
    const EntryRef entry = MakeEntry(size_bytes, 3, now_ms(), now_ms() + kHour, size_bytes);
    Put(entry);
    EXPECT_TRUE(SameEntry(Get(entry->key()), entry)) << size_bytes;
  }
  const EntryRef bare = Entry::Make(KeyOf(77), {.expires_ms = kNeverExpires}, {}).value();
  Put(bare);
  EXPECT_TRUE(SameEntry(Get(KeyOf(77)), bare));
}

TEST_P(TierConformance, TellsKeysApartThatDifferInOneHalf) {
  const std::array<Key, 4> keys = {Key{1, 1}, Key{1, 2}, Key{2, 1}, Key{0, 0}};
  for (const Key& key : keys) {
    Put(Entry::Make(key, {.expires_ms = kNeverExpires, .prompt_tokens = key.high * 10 + key.low},
                    {})
            .value());
  }
  for (const Key& key : keys) {
    const EntryRef found = Get(key);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->key(), key);
    EXPECT_EQ(found->info().prompt_tokens, key.high * 10 + key.low);
  }
}

TEST_P(TierConformance, ReplacesTheEntryUnderAKey) {
  for (std::uint64_t version = 1; version <= 3; ++version) {
    const EntryRef entry = MakeEntry(5, version, now_ms(), now_ms() + kHour);
    Put(entry);
    EXPECT_TRUE(SameEntry(Get(KeyOf(5)), entry));
  }
  EXPECT_EQ(All().size(), 1U);
}

TEST_P(TierConformance, ServesAnEntryUpToItsTimeAndNotFromThenOn) {
  Put(MakeEntry(1, 1, now_ms(), now_ms() + 60'000));
  AdvanceMs(59'999);
  EXPECT_TRUE(Get(KeyOf(1)));
  AdvanceMs(1);
  EXPECT_FALSE(Get(KeyOf(1)));
  EXPECT_TRUE(All().empty());
}

TEST_P(TierConformance, DropsAnExpiredEntryAndTheOneBeforeIt) {
  Put(MakeEntry(1, 1, now_ms(), now_ms() + kHour));
  Put(MakeEntry(1, 2, now_ms() - kHour, now_ms()));
  EXPECT_FALSE(Get(KeyOf(1)));
  EXPECT_TRUE(All().empty());
}

TEST_P(TierConformance, ErasesAndSaysWhetherThereWasOne) {
  Put(MakeEntry(1, 1, now_ms(), now_ms() + kHour));
  Put(MakeEntry(2, 1, now_ms(), now_ms() + kHour));
  EXPECT_TRUE(tier().Erase(KeyOf(1)).value());
  EXPECT_FALSE(tier().Erase(KeyOf(1)).value());
  EXPECT_FALSE(Get(KeyOf(1)));
  EXPECT_TRUE(Get(KeyOf(2)));
}

TEST_P(TierConformance, PurgesWhatFitsAllFieldsOfTheFilter) {
  const std::vector<Filter> filters = {
      {.tenant = "tenant-1"},
      {.route = "route-2"},
      {.model = "model-3"},
      {.tenant = "tenant-0", .route = "route-0"},
      {.stored_before_ms = now_ms() + 10},
      {.expires_before_ms = now_ms() + kHour + 10},
      {.tenant = "tenant-2", .stored_before_ms = now_ms() + 30},
      {.tenant = "no such tenant"},
      {},
  };
  for (const Filter& filter : filters) {
    TierModel model;
    for (std::uint64_t key = 0; key < 60; ++key) {
      const auto later = static_cast<std::int64_t>(key);
      const EntryRef entry = MakeEntry(key, 1, now_ms() + later, now_ms() + kHour + later);
      Put(entry);
      model.Put(entry, now_ms());
    }
    const std::size_t before = model.All(now_ms()).size();
    model.Purge(filter);
    const std::vector<EntryRef> left = model.All(now_ms());
    EXPECT_EQ(tier().Purge(filter).value(), before - left.size());
    const std::vector<EntryRef> found = All();
    ASSERT_EQ(found.size(), left.size());
    for (std::size_t i = 0; i < left.size(); ++i) EXPECT_TRUE(SameEntry(found[i], left[i]));
  }
}

TEST_P(TierConformance, AnswersABatchAsItAnswersSingly) {
  std::vector<Key> keys;
  for (std::uint64_t key = 0; key < 100; ++key) {
    if (key % 3 != 0) Put(MakeEntry(key, 1, now_ms(), now_ms() + kHour));
    keys.push_back(KeyOf(key));
  }
  keys.push_back(KeyOf(1));  // twice in one batch
  std::vector<EntryRef> found(keys.size());
  ASSERT_TRUE(tier().GetBatch(keys, now_ms(), found).has_value());
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_TRUE(SameEntry(found[i], Get(keys[i])));
  EXPECT_TRUE(tier().GetBatch({}, now_ms(), {}).has_value());
}

TEST_P(TierConformance, VisitsEachEntryOnceAndStopsWhenTold) {
  TierModel model;
  for (std::uint64_t key = 0; key < 300; ++key) {
    const EntryRef entry =
        MakeEntry(key, 1, now_ms(), key % 10 == 0 ? now_ms() + 5 : now_ms() + kHour);
    Put(entry);
    model.Put(entry, now_ms());
  }
  AdvanceMs(10);
  const std::vector<EntryRef> expected = model.All(now_ms());
  const std::vector<EntryRef> found = All();
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(SameEntry(found[i], expected[i]));

  int visited = 0;
  ASSERT_TRUE(tier().ForEach(now_ms(), [&](const EntryRef&) { return ++visited < 7; }).has_value());
  EXPECT_EQ(visited, 7);
}

TEST_P(TierConformance, MayBeCalledByTheVisitor) {
  for (std::uint64_t key = 0; key < 50; ++key) Put(MakeEntry(key, 1, now_ms(), now_ms() + kHour));
  ASSERT_TRUE(tier()
                  .ForEach(now_ms(),
                           [&](const EntryRef& entry) {
                             EXPECT_TRUE(SameEntry(Get(entry->key()), entry));
                             EXPECT_TRUE(tier().Erase(entry->key()).value());
                             return true;
                           })
                  .has_value());
  EXPECT_TRUE(All().empty());
}

TEST_P(TierConformance, CountsWhatItDid) {
  const TierStats before = tier().Stats();
  for (std::uint64_t key = 0; key < 10; ++key) Put(MakeEntry(key, 1, now_ms(), now_ms() + kHour));
  for (std::uint64_t key = 0; key < 15; ++key) (void)Get(KeyOf(key));
  const TierStats after = tier().Stats();
  EXPECT_EQ(after.hits - before.hits, 10U);
  EXPECT_EQ(after.misses - before.misses, 5U);
  EXPECT_EQ(after.puts - before.puts, 10U);
  EXPECT_EQ(after.errors, 0U);
  if (GetParam().counts_entries) {
    EXPECT_EQ(after.entries, 10U);
    EXPECT_GT(after.size_bytes, 0U);
    ASSERT_TRUE(tier().Erase(KeyOf(3)).has_value());
    EXPECT_EQ(tier().Stats().entries, 9U);
  }
}

TEST_P(TierConformance, KeepsWhatWasSynced) {
  if (!GetParam().durable) GTEST_SKIP() << "this tier does not outlive its process";
  TierModel model;
  for (std::uint64_t key = 0; key < 100; ++key) {
    const EntryRef entry = MakeEntry(key, key, now_ms(), now_ms() + kHour);
    Put(entry);
    model.Put(entry, now_ms());
  }
  for (std::uint64_t key = 0; key < 100; key += 7) {
    ASSERT_TRUE(tier().Erase(KeyOf(key)).value());
    model.Erase(KeyOf(key));
  }
  ASSERT_TRUE(tier().Purge({.tenant = "tenant-1"}).has_value());
  model.Purge({.tenant = "tenant-1"});
  ASSERT_TRUE(tier().Sync().has_value());
  Reopen();
  const std::vector<EntryRef> expected = model.All(now_ms());
  const std::vector<EntryRef> found = All();
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(SameEntry(found[i], expected[i]));
  for (std::uint64_t key = 0; key < 100; ++key) {
    EXPECT_TRUE(SameEntry(Get(KeyOf(key)), model.Get(KeyOf(key), now_ms())));
  }
}

}  // namespace
}  // namespace assay::cache::testing
