// What a vector store does while nothing fails.
#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <thread>

#include "store_test_support.h"
#include "temp_dir.h"

namespace assay::vector::testing {
namespace {

using assay::testing::TempDir;

TEST(VectorStore, IsEmptyAtFirst) {
  SimulatedStore disk;
  const auto store = disk.Open();
  EXPECT_EQ(store->version(), 0U);
  EXPECT_EQ(store->dim(), kDim);
  EXPECT_EQ(store->encoder(), "test-encoder 1");
  Row out(kDim);
  EXPECT_EQ(store->Get(7, out).error().code, Code::kNotFound);
  EXPECT_EQ(store->View()->rows(), 0U);
  EXPECT_FALSE(store->View()->RowOf(7));
  EXPECT_TRUE(store->Log()->empty());
  EXPECT_TRUE(store->Compact());
  EXPECT_TRUE(store->Diff(0, 0)->added.empty());
  EXPECT_EQ(store->Rollback(0).value(), 0U);
}

TEST(VectorStore, KeepsEveryBitAndTellsOfOddRows) {
  SimulatedStore disk;
  auto store = disk.Open();
  Row nan = RowOf(1, 0);
  nan[3] = std::bit_cast<float>(0xffc12345U);
  Row infinite = RowOf(2, 0);
  infinite[0] = -std::numeric_limits<float>::infinity();
  const Rows rows = {{1, nan}, {2, infinite}, {3, Row(kDim, -0.0F)}, {~0ULL, RowOf(4, 0)}};
  VectorBatch batch(kDim);
  for (const auto& [id, row] : rows) batch.Put(id, row);
  ASSERT_EQ(store->Commit(batch).value(), 1U);
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(SameRows(Contents(*store->View()), rows));
    const OddRows odd = FindOddRows(*store->View()).value();
    EXPECT_EQ(odd.not_finite, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(odd.zero, (std::vector<std::uint64_t>{3}));
    ASSERT_TRUE(store->Compact());
  }
  store.reset();
  EXPECT_TRUE(SameRows(Contents(*disk.Open()->View()), rows));
}

TEST(VectorStore, OfOneIdTheLastChangeOfABatchCounts) {
  SimulatedStore disk;
  const auto store = disk.Open();
  VectorBatch batch(kDim);
  batch.Put(1, RowOf(1, 1));
  batch.Put(1, RowOf(1, 2));
  batch.Put(2, RowOf(2, 1));
  batch.Erase(2);
  batch.Erase(99);
  ASSERT_TRUE(store->Commit(batch));
  EXPECT_TRUE(SameRows(Contents(*store->View()), {{1, RowOf(1, 2)}}));
}

// Everything at random beside a map for each version.
TEST(VectorStore, AgreesWithAMapInEveryVersion) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    core::SeededRng rng(seed);
    SimulatedStore disk;
    disk.options.kept_bases = 100;
    auto store = disk.Open();
    std::vector<Rows> versions(1);
    for (int step = 0; step < 120; ++step) {
      const std::uint64_t choice = rng.Below(20);
      if (choice == 0) {
        store.reset();
        store = disk.Open();
      } else if (choice == 1) {
        ASSERT_TRUE(store->Compact());
      } else if (choice == 2) {
        const std::uint64_t back = rng.Below(versions.size());
        const std::uint64_t version = store->Rollback(back).value();
        if (version == versions.size()) versions.push_back(versions[back]);
        ASSERT_TRUE(SameRows(Contents(*store->View()), versions[back]));
      } else {
        VectorBatch batch(kDim);
        Rows rows = versions.back();
        for (std::uint64_t i = 0; i <= rng.Below(6); ++i) {
          const std::uint64_t id = rng.Below(25);
          if (rng.Below(4) == 0) {
            batch.Erase(id);
            rows.erase(id);
          } else {
            rows[id] = RowOf(id, rng.Below(50));
            batch.Put(id, rows[id]);
          }
        }
        ASSERT_EQ(store->Commit(batch).value(), versions.size());
        versions.push_back(rows);
      }
      ASSERT_EQ(store->version(), versions.size() - 1);
      ASSERT_TRUE(SameRows(Contents(*store->View()), versions.back())) << step;
    }
    for (std::uint64_t version = 0; version < versions.size(); ++version) {
      ASSERT_TRUE(SameRows(Contents(**store->ViewAt(version)), versions[version])) << version;
    }
    for (int pair = 0; pair < 60; ++pair) {
      const std::uint64_t from = rng.Below(versions.size());
      const std::uint64_t to = rng.Below(versions.size());
      VersionDiff wanted;
      for (const auto& [id, row] : versions[from]) {
        const auto other = versions[to].find(id);
        if (other == versions[to].end()) {
          wanted.removed.push_back(id);
        } else if (!SameBits(row, other->second)) {
          wanted.changed.push_back(id);
        }
      }
      for (const auto& [id, row] : versions[to]) {
        if (!versions[from].contains(id)) wanted.added.push_back(id);
      }
      const VersionDiff diff = store->Diff(from, to).value();
      ASSERT_EQ(diff.added, wanted.added);
      ASSERT_EQ(diff.removed, wanted.removed);
      ASSERT_EQ(diff.changed, wanted.changed);
    }
    const std::vector<CommitInfo> log = store->Log().value();
    ASSERT_EQ(log.size(), versions.size() - 1);
    for (std::size_t i = 0; i < log.size(); ++i) ASSERT_EQ(log[i].version, i + 1);
  }
}

TEST(VectorStore, StoresSmallUpdatesAsDifferencesToTheBase) {
  SimulatedStore disk;
  disk.options.dim = 256;
  auto store = disk.Open();
  ASSERT_TRUE(store->Put(5, RowOf(5, 0, 256)));
  ASSERT_TRUE(store->Compact());
  Row sparse = RowOf(5, 0, 256);
  sparse[100] = 3;
  ASSERT_TRUE(store->Put(5, sparse));
  Row dense = RowOf(5, 0, 256);
  for (float& value : dense) value *= 1.0001F;
  ASSERT_TRUE(store->Put(5, dense));
  const Row other = RowOf(6, 0, 256);
  ASSERT_TRUE(store->Put(5, other));
  const std::vector<CommitInfo> log = store->Log().value();
  ASSERT_EQ(log.size(), 4U);
  EXPECT_EQ(log[1].deltas, 1U);
  EXPECT_LT(log[1].size_bytes, 120U);
  EXPECT_EQ(log[2].deltas, 1U);
  EXPECT_LT(log[2].size_bytes, 800U);
  EXPECT_EQ(log[3].deltas, 0U);
  store.reset();
  store = disk.Open();
  EXPECT_TRUE(SameRows(Contents(**store->ViewAt(2)), {{5, sparse}}));
  EXPECT_TRUE(SameRows(Contents(**store->ViewAt(3)), {{5, dense}}));
  EXPECT_TRUE(SameRows(Contents(*store->View()), {{5, other}}));
}

TEST(VectorStore, ALogSaysWhatHappenedAndWhen) {
  SimulatedStore disk;
  const auto store = disk.Open();
  ASSERT_TRUE(store->Put(1, RowOf(1, 0)));
  disk.clock.SetWall(1'700'000'005'000'000'000);
  ASSERT_TRUE(store->Erase(1));
  ASSERT_TRUE(store->Rollback(1));
  const std::vector<CommitInfo> log = store->Log().value();
  ASSERT_EQ(log.size(), 3U);
  EXPECT_EQ(log[0].puts, 1U);
  EXPECT_EQ(log[1].erases, 1U);
  EXPECT_EQ(log[1].time_ms - log[0].time_ms, 5'000);
  EXPECT_EQ(log[2].restored, 1U);
  EXPECT_EQ(log[0].restored, 0U);
}

TEST(VectorStore, AViewStaysAsItIsWhateverComesAfterwards) {
  SimulatedStore disk;
  disk.options.kept_bases = 1;
  const auto store = disk.Open();
  Rows rows;
  for (std::uint64_t id = 0; id < 30; ++id) {
    rows[id] = RowOf(id, 0);
    ASSERT_TRUE(store->Put(id, rows[id]));
  }
  const auto view = store->View();
  ASSERT_TRUE(store->Compact());
  const auto packed = store->View();
  for (std::uint64_t id = 0; id < 30; ++id) {
    if (id % 2 == 0) {
      ASSERT_TRUE(store->Erase(id));
    } else {
      ASSERT_TRUE(store->Put(id, RowOf(id, 9)));
    }
  }
  ASSERT_TRUE(store->Compact());
  EXPECT_TRUE(SameRows(Contents(*view), rows));
  EXPECT_TRUE(SameRows(Contents(*packed), rows));
  EXPECT_EQ(view->version(), 30U);
  EXPECT_EQ(store->View()->rows(), 15U);
}

TEST(VectorStore, KeepsAsMuchHistoryAsItIsTold) {
  SimulatedStore disk;
  disk.options.kept_bases = 2;
  const auto store = disk.Open();
  for (std::uint64_t version = 1; version <= 9; ++version) {
    ASSERT_TRUE(store->Put(version, RowOf(version, 0)));
    if (version % 3 == 0) {
      ASSERT_TRUE(store->Compact());
    }
  }
  const auto missing = store->ViewAt(5);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find("versions 6 to 9"), std::string::npos)
      << missing.error().message;
  EXPECT_EQ((*store->ViewAt(6))->rows(), 6U);
  EXPECT_EQ((*store->ViewAt(7))->rows(), 7U);
  EXPECT_EQ(store->ViewAt(10).error().code, Code::kNotFound);
  EXPECT_EQ(store->Rollback(2).error().code, Code::kNotFound);
  EXPECT_EQ(disk.FilesOf("base-").size(), 2U);
  const StoreStats stats = store->Stats();
  EXPECT_EQ(stats.oldest_version, 6U);
  EXPECT_EQ(stats.base_version, 9U);
  EXPECT_EQ(stats.rows, 9U);
  EXPECT_EQ(store->Log()->front().version, 7U);
}

TEST(VectorStore, RefusesWhatDoesNotFit) {
  SimulatedStore disk;
  disk.options.dim = 0;
  EXPECT_EQ(disk.TryOpen().error().code, Code::kInvalidArgument);
  disk.options.read_only = true;
  EXPECT_EQ(disk.TryOpen().error().code, Code::kNotFound);
  disk.options.read_only = false;
  disk.options.dim = kDim;
  auto store = disk.Open();
  const auto wrong = store->Put(1, Row(kDim + 1));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kInvalidArgument);
  EXPECT_NE(wrong.error().message.find("13 dimensions"), std::string::npos);
  VectorBatch mixed(kDim);
  mixed.Put(1, RowOf(1, 0));
  mixed.Put(2, Row(kDim - 1));
  EXPECT_EQ(store->Commit(mixed).error().code, Code::kInvalidArgument);
  EXPECT_EQ(store->Commit(VectorBatch(kDim + 1)).error().code, Code::kInvalidArgument);
  EXPECT_EQ(store->Commit(VectorBatch(kDim)).error().code, Code::kInvalidArgument);
  Row out(kDim - 1);
  EXPECT_EQ(store->Get(1, out).error().code, Code::kInvalidArgument);
  EXPECT_EQ(store->version(), 0U);
  store.reset();

  disk.options.dim = kDim + 1;
  EXPECT_EQ(disk.TryOpen().error().code, Code::kFailedPrecondition);
  disk.options.dim = 0;
  disk.options.encoder = "test-encoder 2";
  const auto other = disk.TryOpen();
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kFailedPrecondition);
  EXPECT_NE(other.error().message.find("'test-encoder 1', not by 'test-encoder 2'"),
            std::string::npos)
      << other.error().message;
  disk.options.encoder.clear();
  EXPECT_NE(disk.Open(), nullptr);
  disk.options.read_only = true;
  EXPECT_EQ(disk.Open()->Put(1, RowOf(1, 0)).error().code, Code::kFailedPrecondition);
}

TEST(VectorStore, LetsOneProcessWriteAndOthersRead) {
  const TempDir folder;
  StoreOptions options;
  options.folder = folder.File("vectors");
  options.dim = kDim;
  const auto store = VectorStore::Open(core::FileSystem::Real(), options).value();
  ASSERT_TRUE(store->Put(1, RowOf(1, 0)));
  const auto second = VectorStore::Open(core::FileSystem::Real(), options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_NE(second.error().message.find("is in use by process"), std::string::npos)
      << second.error().message;
  options.read_only = true;
  const auto reader = VectorStore::Open(core::FileSystem::Real(), options).value();
  EXPECT_TRUE(SameRows(Contents(*reader->View()), {{1, RowOf(1, 0)}}));
}

TEST(VectorStore, ManyThreadsCommitReadAndCompactAtOnce) {
  const TempDir folder;
  StoreOptions options;
  options.folder = folder.File("vectors");
  options.dim = kDim;
  options.compact_from_bytes = 4096;
  const auto store = VectorStore::Open(core::FileSystem::Real(), options).value();
  constexpr std::uint64_t kThreads = 4;
  constexpr std::uint64_t kEach = 40;
  std::vector<std::vector<std::uint64_t>> versions(kThreads);
  std::vector<std::jthread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Row out(kDim);
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const std::uint64_t id = t * kEach + i / 2;
        versions[t].push_back(store->Put(id, RowOf(id, i)).value());
        EXPECT_TRUE(store->Get(id, out));
        EXPECT_TRUE(SameBits(out, RowOf(id, i)));
        if (i % 8 == 0) {
          EXPECT_GE(store->View()->version(), versions[t].back());
        }
      }
    });
  }
  threads.clear();
  std::set<std::uint64_t> all;
  for (const auto& own : versions) {
    EXPECT_TRUE(std::ranges::is_sorted(own));
    all.insert(own.begin(), own.end());
  }
  EXPECT_EQ(all.size(), kThreads * kEach);
  EXPECT_EQ(*all.rbegin(), kThreads * kEach);
  EXPECT_EQ(store->View()->rows(), kThreads * kEach / 2);
}

}  // namespace
}  // namespace assay::vector::testing
