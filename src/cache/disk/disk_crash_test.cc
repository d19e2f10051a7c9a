// The power fails at every single operation on the disk: what was acknowledged is there afterwards.
#include <map>
#include <optional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "disk/disk_test_support.h"

namespace assay::cache::testing {
namespace {

using assay::testing::CrashFs;

constexpr std::uint64_t kKeys = 12;

// What may be found under a key: what it was at the last Sync() that succeeded, or anything later.
struct Expected {
  std::map<std::uint64_t, std::uint64_t> now;  // 0: erased
  std::map<std::uint64_t, std::set<std::uint64_t>> allowed;

  Expected() {
    for (std::uint64_t key = 0; key < kKeys; ++key) allowed[key] = {0};
  }
  // What failed may be there after all, but not after a Sync() that succeeded.
  void Change(std::uint64_t key, std::uint64_t version, bool done) {
    if (done) now[key] = version;
    allowed[key].insert(version);
  }
  void Synced() {
    for (std::uint64_t key = 0; key < kKeys; ++key) allowed[key] = {now[key]};
  }
};

// The same random work each time, until the disk stops. Sizes and segments are chosen so that it
// rolls over, collects and writes checkpoints.
void Work(SimulatedDisk& disk, Expected& expected, std::uint64_t seed) {
  core::SeededRng rng(seed);
  auto opened = DiskTier::Open(disk.files, disk.options);
  if (!opened) return;
  DiskTier& tier = **opened;
  for (std::uint64_t step = 1; step <= 150; ++step) {
    const std::uint64_t key = rng.Below(kKeys);
    const std::uint64_t choice = rng.Below(10);
    if (choice < 7) {
      const bool done = PutVersion(tier, key, step, 200 + rng.Below(3'000)).has_value();
      expected.Change(key, step, done);
    } else if (choice < 8) {
      // Erased from the index at once; a Sync() succeeds only when the log has it too.
      static_cast<void>(tier.Erase(KeyOf(key)));
      expected.Change(key, 0, true);
    } else if (choice < 9) {
      if (tier.Sync()) expected.Synced();
    } else {
      tier.Maintain();
    }
  }
}

class PowerFailure : public ::testing::TestWithParam<bool> {};

TEST_P(PowerFailure, AtAnyOperationLosesNothingThatWasSynced) {
  std::uint64_t operations = 0;
  {
    SimulatedDisk disk;
    disk.options.segment_bytes = std::uint64_t{16} << 10;
    Expected expected;
    Work(disk, expected, 1);
    operations = disk.files.operations();
  }
  ASSERT_GT(operations, 200U);
  for (std::uint64_t stop = 0; stop <= operations; ++stop) {
    SimulatedDisk disk;
    disk.options.segment_bytes = std::uint64_t{16} << 10;
    Expected expected;
    disk.files.StopAfter(stop);
    Work(disk, expected, 1);
    disk.files.Crash(
        {.names_survive = GetParam(), .unsynced_bytes = GetParam() ? stop * 7 % 900 : 0});
    disk.events.clear();
    const auto tier = disk.Open();
    ASSERT_NE(tier, nullptr);
    for (std::uint64_t key = 0; key < kKeys; ++key) {
      const std::uint64_t version = VersionIn(*tier, key);
      ASSERT_TRUE(expected.allowed[key].contains(version))
          << "stopped after " << stop << ": key " << key << " has version " << version;
    }
    ASSERT_EQ(disk.CountOf(DiskEvent::Kind::kDamage), 0U) << stop << disk.events[0].message;
    ASSERT_TRUE(PutVersion(*tier, 1, 999));
    ASSERT_TRUE(tier->Sync());
    ASSERT_EQ(VersionIn(*tier, 1), 999U);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryLuck, PowerFailure, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "lucky" : "strict"; });

// One operation fails, the others go on: nothing that was put with success gets lost.
TEST(DiskTier, ASingleIoErrorAnywhereLosesNothing) {
  std::uint64_t operations = 0;
  constexpr std::uint64_t kNever = 1'000'000;  // the first round counts
  for (std::uint64_t round = 0; round <= operations; ++round) {
    const std::uint64_t fail = round == 0 ? kNever : round - 1;
    SimulatedDisk disk;
    disk.options.segment_bytes = std::uint64_t{16} << 10;
    const std::uint64_t before = disk.files.operations();
    disk.files.FailOperation(fail);
    auto opened = DiskTier::Open(disk.files, disk.options);
    if (!opened) continue;
    std::map<std::uint64_t, std::set<std::uint64_t>> allowed;
    for (std::uint64_t step = 1; step <= 60; ++step) {
      const std::uint64_t key = step % 7;
      if (PutVersion(**opened, key, step, 1'500)) allowed[key] = {};
      allowed[key].insert(step);
      if (step % 9 == 0) static_cast<void>((*opened)->Sync());
      disk.clock.Advance(100'000'000'000);
      disk.clock.SetWall(kNowMs * 1'000'000);
    }
    for (const auto& [key, versions] : allowed) {
      ASSERT_TRUE(versions.contains(VersionIn(**opened, key))) << fail;
    }
    ASSERT_LE(disk.CountOf(DiskEvent::Kind::kOff), 1U);
    opened->reset();
    operations = std::max(operations, disk.files.operations() - before);
    const auto again = disk.Open();
    for (const auto& [key, versions] : allowed) {
      ASSERT_TRUE(versions.contains(VersionIn(*again, key))) << fail;
    }
  }
  EXPECT_GT(operations, 60U);
}

}  // namespace
}  // namespace assay::cache::testing
