// A real process with all its threads is killed at random moments.
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "assay/core/clock.h"

#include "disk/disk_test_support.h"
#include "killed_child.h"
#include "temp_dir.h"

namespace assay::cache::testing {
namespace {

using assay::testing::TempDir;

constexpr std::uint64_t kKeys = 50;

DiskOptions OptionsFor(const TempDir& folder) {
  DiskOptions options;
  options.folder = folder.File("cache");
  options.segment_bytes = std::uint64_t{32} << 10;  // rolls over and collects all the time
  options.flush_every_ms = 1;
  options.clock = &StandingClock();
  return options;
}

// In the child: puts version after version and tells of each one through the pipe.
[[noreturn]] void PutForEver(const TempDir& folder, std::uint64_t first, int pipe) {
  auto tier = DiskTier::Open(core::FileSystem::Real(), OptionsFor(folder));
  if (!tier) ::_exit(1);
  for (std::uint64_t version = first;; ++version) {
    const std::uint64_t key = version % kKeys;
    if (version % 10 == 7 ? !(*tier)->Erase(KeyOf(key)).has_value()
                          : !PutVersion(**tier, key, version, 100 + version % 2'000)) {
      ::_exit(2);
    }
    if (::write(pipe, &version, sizeof(version)) != sizeof(version)) ::_exit(3);
  }
}

// What the child leaves under the key of this version: the version, or 0 where it erases.
std::uint64_t LeftBy(std::uint64_t version) {
  return version % 10 == 7 ? 0 : version;
}

TEST(DiskTierKilled, AtAnyMomentLosesNothingAcknowledged) {
  const TempDir folder;
  core::SeededRng rng(7);
  std::uint64_t next = 1;
  std::map<std::uint64_t, std::set<std::uint64_t>> allowed;
  for (std::uint64_t key = 0; key < kKeys; ++key) allowed[key] = {0};
  for (int round = 0; round < 12; ++round) {
    const std::uint64_t until = next + 20 + rng.Below(400);
    assay::testing::RunUntilKilled([&](int pipe) { PutForEver(folder, next, pipe); },
                                   [&](std::uint64_t version) {
                                     allowed[version % kKeys] = {LeftBy(version)};
                                     next = version + 1;
                                     return version < until;
                                   });
    ASSERT_FALSE(HasFatalFailure());
    allowed[next % kKeys].insert(LeftBy(next));  // may have been begun

    const auto tier = DiskTier::Open(core::FileSystem::Real(), OptionsFor(folder)).value();
    for (const auto& [key, versions] : allowed) {
      ASSERT_TRUE(versions.contains(VersionIn(*tier, key))) << "round " << round << ", key " << key;
    }
    ++next;
  }
}

}  // namespace
}  // namespace assay::cache::testing
