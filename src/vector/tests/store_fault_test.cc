// Full disks, damaged files, power failures and killed processes.
#include <array>
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

#include "assay/core/record_file.h"

#include "killed_child.h"
#include "store_test_support.h"
#include "temp_dir.h"

namespace assay::vector::testing {
namespace {

using assay::testing::TempDir;

// The same random work each time until the disk stops. Returns how many versions were acknowledged;
// `versions` also has the one that was under way.
std::uint64_t Work(SimulatedStore& disk, std::vector<Rows>& versions, std::uint64_t seed) {
  core::SeededRng rng(seed);
  versions.assign(1, {});
  const auto opened = disk.TryOpen();
  if (!opened) return 0;
  VectorStore& store = **opened;
  for (int step = 0; step < 70; ++step) {
    const std::uint64_t choice = rng.Below(8);
    if (choice == 0) {
      if (!store.Compact()) break;
      continue;
    }
    Rows rows = versions.back();
    Result<std::uint64_t> done = 0;
    if (choice == 1) {
      const std::uint64_t back = versions.size() > 3 ? versions.size() - 3 : 0;
      if (SameRows(rows, versions[back])) continue;
      versions.push_back(versions[back]);
      done = store.Rollback(back);
    } else {
      VectorBatch batch(kDim);
      for (std::uint64_t i = 0; i < 3; ++i) {
        const std::uint64_t id = rng.Below(12);
        if (rng.Below(4) == 0) {
          batch.Erase(id);
          rows.erase(id);
        } else {
          rows[id] = RowOf(id, rng.Below(30));
          batch.Put(id, rows[id]);
        }
      }
      versions.push_back(std::move(rows));
      done = store.Commit(batch);
    }
    if (!done) return versions.size() - 2;
  }
  return versions.size() - 1;
}

class StorePowerFailure : public ::testing::TestWithParam<bool> {};

TEST_P(StorePowerFailure, AtAnyOperationLosesNothingAcknowledged) {
  std::uint64_t points = 0;
  for (const std::uint64_t seed : {1U, 2U}) {
    std::vector<Rows> versions;
    std::uint64_t operations = 0;
    {
      SimulatedStore disk;
      Work(disk, versions, seed);
      operations = disk.files.operations();
    }
    for (std::uint64_t stop = 0; stop <= operations; ++stop, ++points) {
      SimulatedStore disk;
      disk.files.StopAfter(stop);
      const std::uint64_t acknowledged = Work(disk, versions, seed);
      disk.files.Crash(
          {.names_survive = GetParam(), .unsynced_bytes = GetParam() ? stop * 7 % 200 : 0});
      auto store = disk.Open();
      ASSERT_NE(store, nullptr) << stop;
      const std::uint64_t version = store->version();
      ASSERT_GE(version, acknowledged) << stop;
      ASSERT_LT(version, versions.size()) << stop;
      ASSERT_TRUE(SameRows(Contents(*store->View()), versions[version])) << stop;
      if (stop % 4 != 0) continue;
      ASSERT_TRUE(store->Put(3, RowOf(3, 77)));
      ASSERT_TRUE(store->Compact());
      store.reset();
      store = disk.Open();
      Rows after = versions[version];
      after[3] = RowOf(3, 77);
      ASSERT_TRUE(SameRows(Contents(*store->View()), after)) << stop;
    }
  }
  EXPECT_GE(points, 500U);  // and as many with the other luck
}

INSTANTIATE_TEST_SUITE_P(EveryLuck, StorePowerFailure, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "lucky" : "strict"; });

// One operation fails, the others go on: what is acknowledged is there, now and after reopening.
TEST(VectorStoreFaults, ASingleIoErrorAnywhereLosesNothing) {
  std::uint64_t operations = 200;
  for (std::uint64_t fail = 0; fail < operations; ++fail) {
    SimulatedStore disk;
    auto store = disk.Open();
    const std::uint64_t before = disk.files.operations();
    disk.files.FailOperation(fail);
    Rows rows;
    std::uint64_t refused = 0;
    for (std::uint64_t step = 0; step < 40; ++step) {
      const std::uint64_t id = step % 7;
      if (step % 10 == 9) static_cast<void>(store->Compact().has_value());
      if (store->Put(id, RowOf(id, step))) {
        rows[id] = RowOf(id, step);
      } else {
        ++refused;
        // After a failed flush nobody knows, and the store asks to be opened anew.
        Row out(kDim);
        store.reset();
        store = disk.Open();
        ASSERT_NE(store, nullptr);
        if (store->Get(id, out)) rows[id] = out;
      }
      ASSERT_TRUE(SameRows(Contents(*store->View()), rows)) << fail << " " << step;
    }
    ASSERT_LE(refused, 1U);
    operations = disk.files.operations() - before;
    if (fail >= operations) break;
    store.reset();
    ASSERT_TRUE(SameRows(Contents(*disk.Open()->View()), rows)) << fail;
  }
}

TEST(VectorStoreFaults, AFullDiskRefusesACommitAndChangesNothing) {
  SimulatedStore disk;
  const auto store = disk.Open();
  Rows rows;
  for (std::uint64_t id = 0; id < 20; ++id) {
    rows[id] = RowOf(id, 0);
    ASSERT_TRUE(store->Put(id, rows[id]));
  }
  disk.files.SetCapacity(2'600);
  const auto full = store->Put(5, RowOf(5, 1));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kResourceExhausted);
  EXPECT_FALSE(store->Compact());
  EXPECT_TRUE(SameRows(Contents(*store->View()), rows));
  disk.files.SetCapacity(UINT64_MAX);
  rows[5] = RowOf(5, 1);
  EXPECT_TRUE(store->Put(5, rows[5]));
  EXPECT_TRUE(store->Compact());
  EXPECT_TRUE(SameRows(Contents(*store->View()), rows));
}

// A store with a manifest, a base and a log behind it.
void Fill(SimulatedStore& disk, std::vector<Rows>& versions) {
  const auto store = disk.Open();
  versions.assign(1, {});
  for (std::uint64_t version = 1; version <= 8; ++version) {
    versions.push_back(versions.back());
    versions.back()[version] = RowOf(version, 0);
    ASSERT_TRUE(store->Put(version, RowOf(version, 0)));
    if (version == 5) {
      ASSERT_TRUE(store->Compact());
    }
  }
}

// Opens after a change of `path`: an error that names it, or all that was there.
void ExpectFound(SimulatedStore& disk, const std::string& path, const std::vector<Rows>& versions,
                 const std::string& what) {
  const auto store = disk.TryOpen();
  if (!store) {
    const Error& error = store.error();
    EXPECT_TRUE(error.code == Code::kDataLoss || error.code == Code::kFailedPrecondition ||
                error.code == Code::kNotFound)
        << what << ": " << error.message;
    EXPECT_NE(error.message.find(path), std::string::npos) << what << ": " << error.message;
    return;
  }
  EXPECT_TRUE(SameRows(Contents(*(*store)->View()), versions.back())) << what;
}

TEST(VectorStoreFaults, FlippedBitsAndCutsAreFoundAndNamed) {
  SimulatedStore disk;
  std::vector<Rows> versions;
  Fill(disk, versions);
  const std::string base = disk.FilesOf("base-").at(0);
  const std::string log = disk.FilesOf("log-").back();
  const std::string manifest = disk.FilesOf("manifest").at(0);
  for (const std::string& path : {base, log, manifest}) {
    const std::string good = disk.files.Contents(path).value();
    const std::string good_log = disk.files.Contents(log).value();
    const auto restore = [&] {
      disk.files.Plant(log, good_log);  // a cut tail was removed
      disk.files.Plant(path, good);
    };
    for (std::size_t byte = 0; byte < good.size(); byte += 3) {
      std::string bad = good;
      bad[byte] = static_cast<char>(bad[byte] ^ (1 << byte % 8));
      disk.files.Plant(path, bad);
      ExpectFound(disk, path, versions, path + " byte " + std::to_string(byte));
      restore();
    }
    for (std::size_t size = 0; size < good.size(); size += 5) {
      disk.files.Plant(path, good.substr(0, size));
      ExpectFound(disk, path, versions, path + " size " + std::to_string(size));
      restore();
    }
  }
  EXPECT_TRUE(SameRows(Contents(*disk.Open()->View()), versions.back()));
}

// Nobody closed the store: what the log had is not known, so that a cut is a log of fewer commits.
TEST(VectorStoreFaults, ACutLogOfAStoreThatWasNotClosedIsAnOlderVersionAndTornEndsAreTold) {
  SimulatedStore disk;
  std::vector<Rows> versions;
  Fill(disk, versions);
  const std::string log = disk.FilesOf("log-").back();
  const std::string manifest = disk.FilesOf("manifest").at(0);
  std::string unclosed;
  {
    const auto store = disk.Open();
    ASSERT_TRUE(store->Compact());
    unclosed = disk.files.Contents(manifest).value();
    versions.push_back(versions.back());
    versions.back()[1] = RowOf(1, 9);
    ASSERT_TRUE(store->Put(1, RowOf(1, 9)));
  }
  const std::string last = disk.FilesOf("log-").back();
  const std::string good = disk.files.Contents(last).value();
  const std::size_t before = core::kRecordFileHeaderBytes;
  for (std::size_t size = before; size < good.size(); size += 7) {
    disk.files.Plant(manifest, unclosed);
    disk.files.Plant(last, good.substr(0, size));
    disk.events.clear();
    const auto store = disk.Open();
    ASSERT_NE(store, nullptr) << size;
    EXPECT_EQ(store->version() + 2, versions.size()) << size;
    EXPECT_TRUE(SameRows(Contents(*store->View()), versions[store->version()])) << size;
    EXPECT_EQ(disk.events.size(), size == before ? 0U : 1U) << size;
  }
}

TEST(VectorStoreFaults, DamageUnderAnOpenStoreIsNamedByFileAndOffset) {
  SimulatedStore disk;
  std::vector<Rows> versions;
  Fill(disk, versions);
  const auto store = disk.Open();
  const std::string log = disk.FilesOf("log-").back();
  std::string bytes = disk.files.Contents(log).value();
  bytes[bytes.size() - 20] = static_cast<char>(bytes[bytes.size() - 20] ^ 4);
  disk.files.Plant(log, bytes);
  const auto reopened = disk.files.OpenRead(log);
  disk.files.FailReadsFrom(0);
  Row out(kDim);
  const auto failed = store->Get(8, out);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find(log), std::string::npos) << failed.error().message;
  EXPECT_TRUE(store->Get(2, out));  // of the base, which is mapped
}

TEST(VectorStoreFaults, AMissingFileOrManifestIsNotTakenForANewStore) {
  SimulatedStore disk;
  std::vector<Rows> versions;
  Fill(disk, versions);
  const std::string manifest = disk.FilesOf("manifest").at(0);
  const std::string good = disk.files.Contents(manifest).value();
  ASSERT_TRUE(disk.files.Remove(manifest));
  EXPECT_EQ(disk.TryOpen().error().code, Code::kDataLoss);
  disk.files.Plant(manifest, good);
  ASSERT_TRUE(disk.files.Remove(disk.FilesOf("base-").at(0)));
  EXPECT_FALSE(disk.TryOpen());
}

// ---- a real process ----

constexpr std::uint64_t kIds = 40;

StoreOptions RealOptions(const TempDir& folder) {
  StoreOptions options;
  options.folder = folder.File("vectors");
  options.dim = kDim;
  options.compact_from_bytes = 20'000;  // compacts all the time
  return options;
}

// In the child: puts version after version and tells of each one through the pipe.
[[noreturn]] void PutForEver(const TempDir& folder, int pipe) {
  const auto store = VectorStore::Open(core::FileSystem::Real(), RealOptions(folder));
  if (!store) ::_exit(1);
  for (std::uint64_t version = (*store)->version() + 1;; ++version) {
    const std::uint64_t id = version % kIds;
    const auto done =
        version % 10 == 7 ? (*store)->Erase(id) : (*store)->Put(id, RowOf(id, version));
    if (!done || *done != version) ::_exit(2);
    if (::write(pipe, &version, sizeof(version)) != sizeof(version)) ::_exit(3);
  }
}

TEST(VectorStoreKilled, AtAnyMomentLosesNothingAcknowledged) {
  const TempDir folder;
  core::SeededRng rng(11);
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 24; ++round) {
    const std::uint64_t until = acknowledged + 10 + rng.Below(60);
    assay::testing::RunUntilKilled([&](int pipe) { PutForEver(folder, pipe); },
                                   [&](std::uint64_t version) {
                                     acknowledged = version;
                                     return version < until;
                                   });
    ASSERT_FALSE(HasFatalFailure());
    const auto store = VectorStore::Open(core::FileSystem::Real(), RealOptions(folder)).value();
    const std::uint64_t version = store->version();
    ASSERT_GE(version, acknowledged);
    ASSERT_LE(version, acknowledged + 1);
    Rows rows;
    for (std::uint64_t v = version > kIds ? version - kIds + 1 : 1; v <= version; ++v) {
      if (v % 10 != 7) rows[v % kIds] = RowOf(v % kIds, v);
    }
    ASSERT_TRUE(SameRows(Contents(*store->View()), rows)) << "round " << round;
    acknowledged = version;
  }
}

}  // namespace
}  // namespace assay::vector::testing
