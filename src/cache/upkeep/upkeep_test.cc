// Moving entries from cache to cache, and what is asked again before it expires.
#include "assay/cache/upkeep.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "conformance/tier_conformance.h"
#include "disk/disk_test_support.h"

namespace assay::cache::testing {

namespace {

using assay::testing::CrashFs;

TEST(Transfer, MovesWhatMatchesToAnotherCache) {
  SimulatedDisk disk;
  const auto from = disk.Open();
  for (std::uint64_t key = 0; key < 300; ++key) ASSERT_TRUE(PutVersion(*from, key, key + 1));
  ASSERT_TRUE(from->Put(MakeEntry(999, 1, kNowMs, kNowMs + 10), kNowMs));
  std::vector<std::uint64_t> told;
  const auto exported = ExportEntries(*from, {.tenant = "tenant-1"}, kNowMs, disk.files, "/export",
                                      [&](std::uint64_t done) { told.push_back(done); });
  ASSERT_TRUE(exported) << exported.error().message;
  EXPECT_EQ(exported->entries, 100U);
  EXPECT_EQ(exported->skipped, 201U);
  EXPECT_EQ(told.back(), 100U);
  disk.options.folder = "/other";
  const auto into = disk.Open();
  const auto imported = ImportEntries(disk.files, "/export", *into, kNowMs);
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(imported->entries, 100U);
  EXPECT_EQ(imported->size_bytes, exported->size_bytes);
  for (std::uint64_t key = 0; key < 300; ++key) {
    ASSERT_EQ(VersionIn(*into, key), key % 3 == 1 ? key + 1 : 0U);
  }
  const auto late = ImportEntries(disk.files, "/export", *into, kLaterMs);
  EXPECT_EQ(late->skipped, 100U);
  EXPECT_EQ(late->entries, 0U);
}

TEST(Transfer, LeavesTheOldExportWhereTheDiskFails) {
  SimulatedDisk disk;
  const auto tier = disk.Open();
  for (std::uint64_t key = 0; key < 20; ++key) ASSERT_TRUE(PutVersion(*tier, key, 1));
  ASSERT_TRUE(ExportEntries(*tier, {}, kNowMs, disk.files, "/export"));
  const std::string old = disk.files.Contents("/export").value();
  ASSERT_TRUE(PutVersion(*tier, 5, 2));
  for (std::uint64_t fail = 0; fail < 20; ++fail) {
    disk.files.FailOperation(fail);
    if (ExportEntries(*tier, {}, kNowMs, disk.files, "/export")) {
      ADD_FAILURE() << fail;
    }
    ASSERT_EQ(disk.files.Contents("/export"), old) << fail;
    ASSERT_FALSE(disk.files.Stat("/export.part"));
  }
}

TEST(Transfer, ReadsADamagedExportAsFarAsItIsGoodAndRefusesOthers) {
  SimulatedDisk disk;
  const auto from = disk.Open();
  for (std::uint64_t key = 0; key < 10; ++key) ASSERT_TRUE(PutVersion(*from, key, 1));
  ASSERT_TRUE(ExportEntries(*from, {}, kNowMs, disk.files, "/export"));
  const std::string good = disk.files.Contents("/export").value();
  disk.options.folder = "/other";
  const auto into = disk.Open();
  disk.files.Plant("/cut", good.substr(0, good.size() / 2));
  const auto cut = ImportEntries(disk.files, "/cut", *into, kNowMs);
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->damaged, 1U);
  EXPECT_GE(cut->entries, 4U);
  disk.files.Plant("/other-file", "something else altogether, which is no export of a cache");
  EXPECT_EQ(ImportEntries(disk.files, "/other-file", *into, kNowMs).error().code, Code::kDataLoss);
  EXPECT_EQ(ImportEntries(disk.files, "/none", *into, kNowMs).error().code, Code::kNotFound);
}

// An entry with a life of 1,000 s that was asked so often.
void PutAsked(MemoryCache& memory, std::uint64_t key, int asks, std::int64_t expires_ms,
              std::string_view request = "{}") {
  const EntryRef entry =
      Entry::Make(KeyOf(key), {.stored_ms = expires_ms - 1'000'000, .expires_ms = expires_ms},
                  {.tenant = "t",
                   .route = {},
                   .model = {},
                   .content_type = {},
                   .body = "b",
                   .request = request,
                   .verdict = {}})
          .value();
  ASSERT_TRUE(memory.Put(entry, kNowMs));
  for (int i = 0; i < asks; ++i) EXPECT_TRUE(memory.Get(KeyOf(key), kNowMs));
}

std::vector<Key> KeysOf(const std::vector<EntryRef>& entries) {
  std::vector<Key> keys;
  for (const EntryRef& entry : entries) keys.push_back(entry->key());
  return keys;
}

TEST(RefreshPolicy, AsksTheMostAskedOfThoseThatExpireSoon) {
  const auto memory = MemoryCache::Create({}).value();
  PutAsked(*memory, 1, 5, kNowMs + 50'000);
  PutAsked(*memory, 2, 9, kNowMs + 90'000);
  PutAsked(*memory, 3, 2, kNowMs + 50'000);      // hardly asked
  PutAsked(*memory, 4, 9, kNowMs + 150'000);     // more than a tenth of its life is left
  PutAsked(*memory, 5, 9, kNowMs + 50'000, "");  // nobody knows what to ask
  PutAsked(*memory, 6, 9, kNowMs + 900'000);
  RefreshPolicy policy({.max_at_once = 10});
  EXPECT_EQ(KeysOf(policy.Due(*memory, kNowMs)), (std::vector{KeyOf(2), KeyOf(1)}));
}

TEST(RefreshPolicy, AsksNothingTwiceAtOnceAndNoMoreThanItMay) {
  const auto memory = MemoryCache::Create({}).value();
  for (std::uint64_t key = 1; key <= 5; ++key) {
    PutAsked(*memory, key, static_cast<int>(20 - key), kNowMs + 50'000);
  }
  assay::testing::FakeClock clock{kNowMs * 1'000'000};
  const auto now_ms = [&] { return clock.wall_ns() / 1'000'000; };
  RefreshPolicy policy({.max_at_once = 2, .give_up_after_ms = 10'000});
  EXPECT_EQ(KeysOf(policy.Due(*memory, now_ms())), (std::vector{KeyOf(1), KeyOf(2)}));
  EXPECT_TRUE(policy.Due(*memory, now_ms()).empty());
  policy.Done(KeyOf(1));
  PutAsked(*memory, 1, 0, kNowMs + 1'000'000);  // the new answer
  EXPECT_EQ(KeysOf(policy.Due(*memory, now_ms())), std::vector{KeyOf(3)});
  clock.Advance(10'000'000'000);  // the others are never heard of again
  EXPECT_EQ(KeysOf(policy.Due(*memory, now_ms())), (std::vector{KeyOf(2), KeyOf(3)}));
  clock.Advance(60'000'000'000);
  EXPECT_TRUE(policy.Due(*memory, now_ms()).empty()) << "expired";
}

TEST(RefreshPolicy, TakesAClockThatJumpsBack) {
  const auto memory = MemoryCache::Create({}).value();
  PutAsked(*memory, 1, 5, kNowMs + 50'000);
  RefreshPolicy policy({});
  EXPECT_EQ(policy.Due(*memory, kNowMs).size(), 1U);
  EXPECT_EQ(policy.Due(*memory, kNowMs - 10).size(), 1U) << "what was asked later is forgotten";
}

}  // namespace
}  // namespace assay::cache::testing
