// What the disk tier does beyond the contract of every tier: bounds, restarts, damage, faults.
#include "assay/cache/disk_tier.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "disk/disk_test_support.h"
#include "temp_dir.h"

namespace assay::cache::testing {
namespace {

using assay::testing::TempDir;

constexpr std::int64_t kSecondNs = 1'000'000'000;

TEST(DiskTier, FindsEverythingAfterARestartFromItsCheckpoint) {
  SimulatedDisk disk;
  {
    const auto tier = disk.Open();
    for (std::uint64_t key = 1; key <= 500; ++key) ASSERT_TRUE(PutVersion(*tier, key, key));
    ASSERT_TRUE(tier->Erase(KeyOf(7)).value());
  }
  const auto tier = disk.Open();
  EXPECT_TRUE(tier->Details().from_checkpoint);
  EXPECT_EQ(tier->Details().replayed_records, 0U);
  EXPECT_EQ(tier->Stats().entries, 499U);
  EXPECT_EQ(VersionIn(*tier, 7), 0U);
  for (std::uint64_t key = 8; key <= 500; ++key) ASSERT_EQ(VersionIn(*tier, key), key);
  EXPECT_TRUE(disk.events.empty());
}

TEST(DiskTier, ReadsTheLogWhereTheCheckpointIsGoneOrDamaged) {
  SimulatedDisk disk;
  {
    const auto tier = disk.Open();
    for (std::uint64_t key = 1; key <= 50; ++key) ASSERT_TRUE(PutVersion(*tier, key, key));
    ASSERT_TRUE(tier->Erase(KeyOf(7)).value());
  }
  const std::string path = std::string(kFolder) + "/index.checkpoint";
  const std::string good = disk.files.Contents(path).value();
  for (std::size_t at = 0; at < good.size(); at += 37) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    disk.files.Plant(path, bad);
    disk.events.clear();
    const auto tier = disk.Open();
    ASSERT_FALSE(tier->Details().from_checkpoint) << at;
    ASSERT_EQ(disk.events.size(), 1U);
    EXPECT_NE(disk.events[0].message.find("index.checkpoint"), std::string::npos);
    ASSERT_EQ(tier->Stats().entries, 49U);
    ASSERT_EQ(VersionIn(*tier, 50), 50U);
    ASSERT_EQ(VersionIn(*tier, 7), 0U);
    disk.files.Plant(path, good);  // the tier wrote nothing: what it replayed is still due
  }
  disk.RemoveCheckpoint();
  disk.events.clear();
  EXPECT_EQ(disk.Open()->Stats().entries, 49U);
  EXPECT_TRUE(disk.events.empty());
}

TEST(DiskTier, ReplaysOnlyTheTailBehindTheCheckpoint) {
  SimulatedDisk disk;
  {
    ASSERT_TRUE(PutVersion(*disk.Open(), 1, 1));
  }
  const std::string checkpoint =
      disk.files.Contents(std::string(kFolder) + "/index.checkpoint").value();
  {
    const auto tier = disk.Open();
    ASSERT_TRUE(PutVersion(*tier, 2, 2));
    ASSERT_TRUE(PutVersion(*tier, 1, 3));
  }
  disk.files.Plant(std::string(kFolder) + "/index.checkpoint", checkpoint);
  const auto tier = disk.Open();
  EXPECT_EQ(tier->Details().replayed_records, 2U);
  EXPECT_EQ(VersionIn(*tier, 1), 3U);
  EXPECT_EQ(VersionIn(*tier, 2), 2U);
}

// Every byte of the log but the padding: whatever flips, one entry is lost, named, and no other.
TEST(DiskTier, FindsAFlippedByteAnywhereAndSkipsOnlyItsRecord) {
  SimulatedDisk disk;
  constexpr std::uint64_t kEntries = 6;
  {
    const auto tier = disk.Open();
    for (std::uint64_t key = 1; key <= kEntries; ++key)
      ASSERT_TRUE(PutVersion(*tier, key, key, 20));
  }
  const std::string path = disk.Segments().at(0);
  const std::string good = disk.files.Contents(path).value();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x04);
    for (const bool with_checkpoint : {true, false}) {
      SimulatedDisk other;
      other.files.Plant(std::string(kFolder) + "/" + path.substr(path.rfind('/') + 1), bad);
      ASSERT_TRUE(other.files.MakeDirectories(std::string(kFolder)));
      if (with_checkpoint) {
        const std::string name = std::string(kFolder) + "/index.checkpoint";
        other.files.Plant(name, disk.files.Contents(name).value());
      }
      const auto opened = DiskTier::Open(other.files, other.options);
      if (!opened) {  // another version is no damage
        ASSERT_EQ(opened.error().code, Code::kFailedPrecondition) << at;
        continue;
      }
      std::uint64_t found = 0;
      for (std::uint64_t key = 1; key <= kEntries; ++key) {
        found += VersionIn(**opened, key) == key ? 1U : 0U;
      }
      ASSERT_GE(found, at < 64 ? kEntries : kEntries - 1) << at;
      ASSERT_EQ(other.events.size(), 1U) << at;
      ASSERT_NE(other.events[0].message.find("segment-0000000001.log"), std::string::npos);
    }
  }
}

TEST(DiskTier, CutsOffATornTailAndGoesOn) {
  SimulatedDisk disk;
  {
    const auto tier = disk.Open();
    // Odd versions have texts of one length.
    for (std::uint64_t key = 1; key <= 3; ++key)
      ASSERT_TRUE(PutVersion(*tier, key, 2 * key - 1, 20));
  }
  disk.RemoveCheckpoint();
  const std::string path = disk.Segments().at(0);
  const std::string good = disk.files.Contents(path).value();
  const std::size_t record = (good.size() - 64) / 3;
  for (std::size_t size = 0; size < good.size(); ++size) {
    SimulatedDisk other;
    ASSERT_TRUE(other.files.MakeDirectories(std::string(kFolder)));
    other.files.Plant(path, good.substr(0, size));
    const std::uint64_t whole = size < 64 ? 0 : (size - 64) / record;
    const bool torn = size < 64 || (size - 64) % record != 0;
    {
      const auto tier = other.Open();
      ASSERT_EQ(tier->Stats().entries, whole) << size;
      ASSERT_EQ(other.CountOf(DiskEvent::Kind::kTornTail), torn ? 1U : 0U) << size;
      ASSERT_TRUE(PutVersion(*tier, 9, 9));
    }
    other.RemoveCheckpoint();
    const auto tier = other.Open();
    ASSERT_EQ(VersionIn(*tier, 9), 9U);
    ASSERT_EQ(tier->Stats().entries, whole + 1);
  }
}

TEST(DiskTier, StaysWithinItsBytesAndKeepsWhatIsRead) {
  SimulatedDisk disk;
  disk.options.max_bytes = std::uint64_t{1} << 20;
  const auto tier = disk.Open();
  for (std::uint64_t key = 1; key <= 20'000; ++key) {
    ASSERT_TRUE(PutVersion(*tier, key, key, 300));
    ASSERT_EQ(VersionIn(*tier, 1), 1U) << key;  // asked again and again
    if (key % 100 == 0) {
      std::uint64_t bytes = 0;
      for (const std::string& path : disk.Segments()) bytes += disk.files.Stat(path)->size_bytes;
      ASSERT_LE(bytes, disk.options.max_bytes);
      ASSERT_EQ(bytes, tier->Details().file_bytes);
    }
  }
  EXPECT_GT(tier->Stats().evictions, 15'000U);
  EXPECT_GT(tier->Stats().entries, 1'000U);
  EXPECT_EQ(VersionIn(*tier, 20'000), 20'000U);
  EXPECT_EQ(VersionIn(*tier, 2), 0U);
}

TEST(DiskTier, CollectsWhatWasOverwrittenAndErasedStaysErased) {
  SimulatedDisk disk;
  disk.options.segment_bytes = std::uint64_t{64} << 10;
  {
    const auto tier = disk.Open();
    ASSERT_TRUE(PutVersion(*tier, 1000, 1));
    ASSERT_TRUE(tier->Erase(KeyOf(1000)).value());
    for (std::uint64_t round = 1; round <= 300; ++round) {
      for (std::uint64_t key = 1; key <= 20; ++key) {
        ASSERT_TRUE(PutVersion(*tier, key, round, 300));
      }
    }
    EXPECT_LT(tier->Details().file_bytes, std::uint64_t{256} << 10);
    EXPECT_EQ(tier->Stats().entries, 20U);
    EXPECT_EQ(tier->Stats().evictions, 0U);
  }
  disk.RemoveCheckpoint();
  const auto tier = disk.Open();
  EXPECT_EQ(tier->Stats().entries, 20U);
  for (std::uint64_t key = 1; key <= 20; ++key) EXPECT_EQ(VersionIn(*tier, key), 300U);
}

TEST(DiskTier, SweepsExpiredEntriesAndDoesNotBringBackWhatTheyReplaced) {
  SimulatedDisk disk;
  {
    const auto tier = disk.Open();
    ASSERT_TRUE(PutVersion(*tier, 1, 1));
    ASSERT_TRUE(tier->Put(MakeEntry(1, 2, kNowMs, kNowMs + 1'000), kNowMs));
    disk.clock.Advance(120 * kSecondNs);
    tier->Maintain();
    EXPECT_EQ(tier->Stats().expired, 1U);
    EXPECT_EQ(tier->Stats().entries, 0U);
    EXPECT_EQ(tier->Details().live_bytes, 0U);
  }
  disk.RemoveCheckpoint();
  EXPECT_EQ(VersionIn(*disk.Open(), 1), 0U);
}

TEST(DiskTier, TurnsItselfOffOnceWhenTheDiskIsFullAndComesBack) {
  SimulatedDisk disk;
  const auto tier = disk.Open();
  std::uint64_t stored = 0;
  for (std::uint64_t key = 1; key <= 100; ++key) ASSERT_TRUE(PutVersion(*tier, key, key));
  disk.files.SetCapacity(40'000);  // another program fills the disk
  for (std::uint64_t key = 1; key <= 100; ++key) {
    const Result<void> put = PutVersion(*tier, 1000 + key, key);
    if (put) {
      stored = key;
    } else {
      ASSERT_EQ(put.error().code, Code::kResourceExhausted);
    }
  }
  EXPECT_LT(stored, 100U);
  EXPECT_EQ(disk.CountOf(DiskEvent::Kind::kOff), 1U);
  EXPECT_TRUE(tier->Details().off);
  for (std::uint64_t key = 1; key <= 100; ++key) ASSERT_EQ(VersionIn(*tier, key), key);
  // It tries again by itself, ever more rarely, and says nothing more.
  const std::uint64_t operations = disk.files.operations();
  ASSERT_FALSE(PutVersion(*tier, 5000, 1));
  EXPECT_EQ(disk.files.operations(), operations) << "costs nothing while it is off";
  disk.clock.Advance(2 * kSecondNs);
  ASSERT_FALSE(PutVersion(*tier, 5000, 1));
  EXPECT_EQ(disk.CountOf(DiskEvent::Kind::kOff), 1U);
  disk.files.SetCapacity(UINT64_MAX);
  disk.clock.Advance(200 * kSecondNs);
  ASSERT_TRUE(PutVersion(*tier, 5000, 1));
  EXPECT_EQ(disk.CountOf(DiskEvent::Kind::kBack), 1U);
  EXPECT_FALSE(tier->Details().off);
  ASSERT_TRUE(tier->Sync());
  for (std::uint64_t key = 1; key <= 100; ++key) ASSERT_EQ(VersionIn(*tier, key), key);
  EXPECT_EQ(VersionIn(*tier, 1000 + stored), stored);
}

TEST(DiskTier, GivesUpItsOldestPartWhenTheDiskIsFull) {
  SimulatedDisk disk;
  disk.options.segment_bytes = std::uint64_t{16} << 10;
  const auto tier = disk.Open();
  disk.files.SetCapacity(std::uint64_t{128} << 10);
  for (std::uint64_t key = 1; key <= 2'000; ++key) ASSERT_TRUE(PutVersion(*tier, key, key)) << key;
  EXPECT_TRUE(disk.events.empty());
  EXPECT_GT(tier->Stats().evictions, 0U);
  EXPECT_EQ(VersionIn(*tier, 2'000), 2'000U);
}

TEST(DiskTier, ReportsAFailedFlushAndWritesOnInANewFile) {
  SimulatedDisk disk;
  const auto tier = disk.Open();
  ASSERT_TRUE(PutVersion(*tier, 1, 1));
  ASSERT_TRUE(tier->Sync());
  ASSERT_TRUE(PutVersion(*tier, 2, 2));
  disk.files.FailOperation(0);
  EXPECT_EQ(tier->Sync().error().code, Code::kUnavailable);
  EXPECT_EQ(disk.CountOf(DiskEvent::Kind::kOff), 1U);
  disk.clock.Advance(5 * kSecondNs);
  ASSERT_TRUE(PutVersion(*tier, 3, 3));
  ASSERT_TRUE(tier->Sync());
  EXPECT_EQ(disk.Segments().size(), 2U);
  for (std::uint64_t key = 1; key <= 3; ++key) EXPECT_EQ(VersionIn(*tier, key), key);
}

TEST(DiskTier, DropsAnEntryInABadSectorAndNamesTheFile) {
  SimulatedDisk disk;
  const auto tier = disk.Open();
  ASSERT_TRUE(PutVersion(*tier, 1, 1));
  ASSERT_TRUE(PutVersion(*tier, 2, 2));
  disk.files.FailReadsFrom(500);
  EXPECT_EQ(VersionIn(*tier, 1), 1U);
  EXPECT_EQ(tier->Get(KeyOf(2), kNowMs).error().code, Code::kUnavailable);
  EXPECT_EQ(tier->Get(KeyOf(2), kNowMs).value(), nullptr) << "asked for once";
  ASSERT_EQ(disk.events.size(), 1U);
  EXPECT_NE(disk.events[0].message.find("/cache/segment-0000000001.log"), std::string::npos);
}

TEST(DiskTier, RemembersAnEraseThatTheDiskRefused) {
  SimulatedDisk disk;
  {
    const auto tier = disk.Open();
    ASSERT_TRUE(PutVersion(*tier, 1, 1));
    disk.files.FailOperation(0);
    ASSERT_FALSE(tier->Erase(KeyOf(1)));
    EXPECT_EQ(VersionIn(*tier, 1), 0U);
    ASSERT_FALSE(tier->Sync()) << "the erasure is not on the disk";
    disk.clock.Advance(5 * kSecondNs);
    ASSERT_TRUE(tier->Sync());
  }
  disk.RemoveCheckpoint();
  EXPECT_EQ(VersionIn(*disk.Open(), 1), 0U);
}

TEST(DiskTier, RefusesAnEntryThatNoSegmentCanHold) {
  SimulatedDisk disk;
  disk.options.max_bytes = std::uint64_t{1} << 20;
  const auto tier = disk.Open();
  ASSERT_TRUE(PutVersion(*tier, 1, 1));
  ASSERT_TRUE(PutVersion(*tier, 1, 2, std::size_t{1} << 20));
  EXPECT_EQ(VersionIn(*tier, 1), 0U) << "the one before it would be out of date";
}

TEST(DiskTier, IsHeldByOneProcessAndSaysWhich) {
  const TempDir folder;
  DiskOptions options;
  options.folder = folder.File("cache");
  options.clock = &StandingClock();
  auto& files = core::FileSystem::Real();
  const auto tier = DiskTier::Open(files, options).value();
  const auto second = DiskTier::Open(files, options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST(DiskTier, ReadOnlyChangesNothing) {
  SimulatedDisk disk;
  {
    ASSERT_TRUE(PutVersion(*disk.Open(), 1, 1));
  }
  const std::uint64_t operations = disk.files.operations();
  disk.options.read_only = true;
  {
    const auto tier = disk.Open();
    EXPECT_EQ(VersionIn(*tier, 1), 1U);
    EXPECT_EQ(PutVersion(*tier, 2, 2).error().code, Code::kFailedPrecondition);
    EXPECT_EQ(tier->Erase(KeyOf(1)).error().code, Code::kFailedPrecondition);
    EXPECT_EQ(tier->Purge({}).error().code, Code::kFailedPrecondition);
    tier->Maintain();
  }
  EXPECT_EQ(disk.files.operations(), operations);
  disk.options.folder = "/nowhere";
  EXPECT_EQ(DiskTier::Open(disk.files, disk.options).error().code, Code::kNotFound);
}

TEST(DiskTier, PutsOfManyThreadsShareAFlush) {
  const TempDir folder;
  DiskOptions options;
  options.folder = folder.File("cache");
  options.clock = &StandingClock();
  options.durable_puts = true;
  const auto tier = DiskTier::Open(core::FileSystem::Real(), options).value();
  constexpr std::uint64_t kThreads = 8;
  constexpr std::uint64_t kEach = 25;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        EXPECT_TRUE(PutVersion(*tier, t * kEach + i, 1));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tier->Stats().entries, kThreads * kEach);
  EXPECT_LT(tier->Details().flushes, kThreads * kEach);
}

// Versions only rise, so a reader that ever sees one fall has been shown something stale.
TEST(DiskTier, NeverGoesBackWhileItCollectsUnderLoad) {
  const TempDir folder;
  DiskOptions options;
  options.folder = folder.File("cache");
  options.clock = &StandingClock();
  options.max_bytes = std::uint64_t{1} << 20;
  options.flush_every_ms = 1;
  const auto tier = DiskTier::Open(core::FileSystem::Real(), options).value();
  constexpr std::uint64_t kKeys = 400;
  constexpr std::uint64_t kRounds = 60;
  std::atomic<bool> done{false};  // partner: the readers' loop
  std::vector<std::thread> threads;
  for (int reader = 0; reader < 3; ++reader) {
    threads.emplace_back([&] {
      std::vector<std::uint64_t> seen(kKeys, 0);
      while (!done.load()) {
        for (std::uint64_t key = 0; key < kKeys; ++key) {
          const std::uint64_t version = VersionIn(*tier, key);
          if (version == 0) continue;  // evicted
          EXPECT_GE(version, seen[key]);
          seen[key] = version;
        }
      }
    });
  }
  std::vector<std::thread> writers;
  for (std::uint64_t writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::uint64_t round = 1; round <= kRounds; ++round) {
        for (std::uint64_t key = writer; key < kKeys; key += 2) {
          EXPECT_TRUE(PutVersion(*tier, key, round, 200));
        }
        EXPECT_TRUE(tier->Sync());
      }
    });
  }
  for (std::thread& thread : writers) thread.join();
  done.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tier->Stats().errors, 0U);
  EXPECT_EQ(VersionIn(*tier, kKeys - 1), kRounds);
}

}  // namespace
}  // namespace assay::cache::testing
