// What the tests of the disk tier share.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/cache/disk_tier.h"

#include "conformance/tier_conformance.h"
#include "crash_fs.h"
#include "fake_clock.h"

namespace assay::cache::testing {

inline constexpr std::int64_t kNowMs = 1'700'000'000'000;
inline constexpr std::int64_t kLaterMs = kNowMs + 3'600'000;
inline constexpr std::string_view kFolder = "/cache";

// A tier on a simulated disk, without threads, so that every run does the same.
struct SimulatedDisk {
  assay::testing::CrashFs files;
  assay::testing::FakeClock clock{kNowMs * 1'000'000};
  std::vector<DiskEvent> events;
  DiskOptions options;

  SimulatedDisk() {
    options.folder = kFolder;
    options.background = false;
    options.compress_from_bytes = SIZE_MAX;
    options.clock = &clock;
    options.on_event = [this](const DiskEvent& event) { events.push_back(event); };
  }

  std::unique_ptr<DiskTier> Open() {
    Result<std::unique_ptr<DiskTier>> opened = DiskTier::Open(files, options);
    if (!opened) {
      ADD_FAILURE() << opened.error().message;
      return nullptr;
    }
    return *std::move(opened);
  }
  [[nodiscard]] std::vector<std::string> Segments() {
    std::vector<std::string> paths;
    const std::vector<std::string> names = files.List(std::string(kFolder)).value();
    for (const std::string& name : names) {
      if (name.starts_with("segment-")) paths.push_back(std::string(kFolder) + "/" + name);
    }
    return paths;
  }
  void RemoveCheckpoint() {
    static_cast<void>(files.Remove(std::string(kFolder) + "/index.checkpoint"));
  }
  [[nodiscard]] std::size_t CountOf(DiskEvent::Kind kind) const {
    std::size_t count = 0;
    for (const DiskEvent& event : events) count += event.kind == kind ? 1 : 0;
    return count;
  }
};

// For tiers on the real disk: what is expired is decided by the test alone.
inline assay::testing::FakeClock& StandingClock() {
  static assay::testing::FakeClock clock{kNowMs * 1'000'000};
  return clock;
}

// Version 0 for "no entry".
inline std::uint64_t VersionIn(Tier& tier, std::uint64_t key, std::int64_t now_ms = kNowMs) {
  const Result<EntryRef> found = tier.Get(KeyOf(key), now_ms);
  if (!found || *found == nullptr) return 0;
  return CheckedVersion(key, **found);
}

inline Result<void> PutVersion(Tier& tier, std::uint64_t key, std::uint64_t version,
                               std::size_t size_bytes = 100) {
  return tier.Put(MakeEntry(key, version, kNowMs, kLaterMs, size_bytes), kNowMs);
}

}  // namespace assay::cache::testing
