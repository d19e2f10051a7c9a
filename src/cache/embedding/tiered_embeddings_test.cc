#include "assay/cache/embedding/tiered_embeddings.h"

#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "crash_fs.h"
#include "temp_dir.h"

namespace assay::cache {
namespace {

constexpr std::size_t kDim = 96;
constexpr std::size_t kRowBytes = kDim * sizeof(float);

std::vector<float> RowOf(std::uint32_t number) {
  core::SeededRng rng(number);
  std::vector<float> row(kDim);
  for (float& value : row) value = static_cast<float>(rng.NextUnit() - 0.5);
  return row;
}

core::Hash128 KeyOf(std::uint32_t number) {
  return embed::EmbeddingKey("p", std::to_string(number));
}

bool SameBits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

class TieredEmbeddingsTest : public ::testing::Test {
 protected:
  std::unique_ptr<TieredEmbeddings> Open(const EmbeddingTierOptions& options = {}) {
    auto cache =
        TieredEmbeddings::Open(core::FileSystem::Real(), folder_.path(), "p", kDim, options);
    EXPECT_TRUE(cache) << cache.error().message;
    return cache ? *std::move(cache) : nullptr;
  }
  static void Fill(TieredEmbeddings& cache, std::uint32_t rows) {
    for (std::uint32_t i = 0; i < rows; ++i) ASSERT_TRUE(cache.Put(KeyOf(i), RowOf(i)));
  }
  static void Ask(TieredEmbeddings& cache, std::uint32_t number) {
    std::vector<float> row(kDim);
    ASSERT_TRUE(cache.Get(KeyOf(number), row)) << number;
    ASSERT_TRUE(SameBits(row, RowOf(number))) << number;
  }

  testing::TempDir folder_;
};

TEST_F(TieredEmbeddingsTest, EveryBitComesBackFromEveryTier) {
  std::vector<float> row = RowOf(0);
  row[0] = -0.0F;
  row[1] = std::numeric_limits<float>::denorm_min();
  row[2] = std::bit_cast<float>(0x7FA12345U);  // a signalling NaN with a payload
  row[3] = -std::numeric_limits<float>::infinity();
  std::vector<float> out(kDim);
  {
    const auto cache = Open();
    ASSERT_TRUE(cache->Put(KeyOf(0), row));
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(cache->Get(KeyOf(0), out));
      EXPECT_TRUE(SameBits(row, out));
    }
    EXPECT_EQ(cache->stats().compressed_hits, 1U);
    EXPECT_EQ(cache->stats().hot_hits, 2U);
  }
  const auto cache = Open();
  ASSERT_TRUE(cache->Get(KeyOf(0), out));
  EXPECT_TRUE(SameBits(row, out));
  EXPECT_EQ(cache->stats().disk_hits, 1U);
  EXPECT_FALSE(cache->Get(KeyOf(1), out));
}

TEST_F(TieredEmbeddingsTest, AgreesWithAMapUnderAnyBudget) {
  for (const std::size_t hot_rows : {0U, 1U, 3U, 20U}) {
    for (const std::size_t compressed_rows : {0U, 1U, 2U, 11U, 100U}) {
      testing::TempDir folder;
      const EmbeddingTierOptions options = {.hot_bytes = hot_rows * (kRowBytes + 12),
                                            .compressed_bytes = compressed_rows * 500};
      auto cache =
          TieredEmbeddings::Open(core::FileSystem::Real(), folder.path(), "p", kDim, options);
      ASSERT_TRUE(cache);
      core::SeededRng rng(hot_rows * 100 + compressed_rows);
      std::set<std::uint32_t> put;
      std::vector<float> out(kDim);
      for (int step = 0; step < 1'500; ++step) {
        const auto number = static_cast<std::uint32_t>(rng.Below(1 + rng.Below(60)));
        if (rng.Below(4) == 0) {
          ASSERT_TRUE((*cache)->Put(KeyOf(number), RowOf(number)));
          put.insert(number);
        }
        ASSERT_EQ((*cache)->Get(KeyOf(number), out), put.contains(number));
        if (put.contains(number)) {
          ASSERT_TRUE(SameBits(out, RowOf(number)));
        }
        const EmbeddingTierStats stats = (*cache)->stats();
        ASSERT_LE(stats.hot_rows, hot_rows);
        ASSERT_LE(stats.compressed_bytes, options.compressed_bytes);
        ASSERT_EQ(stats.rows, put.size());
      }
    }
  }
}

TEST_F(TieredEmbeddingsTest, WhatIsAskedForMostBecomesHotAndYesterdaysFavouritesLeave) {
  const auto cache = Open({.hot_bytes = 10 * (kRowBytes + 12), .compressed_bytes = 30 * 500});
  Fill(*cache, 200);
  core::SeededRng rng(1);
  for (const std::uint32_t first : {0U, 100U}) {
    const auto ask = [&](int times) {
      for (int i = 0; i < times; ++i) {
        const bool favourite = rng.Below(10) < 7;
        Ask(*cache, favourite ? first + static_cast<std::uint32_t>(rng.Below(10))
                              : static_cast<std::uint32_t>(rng.Below(200)));
      }
    };
    ask(20'000);
    const EmbeddingTierStats before = cache->stats();
    ask(2'000);
    const double share = static_cast<double>(cache->stats().hot_hits - before.hot_hits) / 2'000;
    EXPECT_GT(share, 0.65) << "ten of 200 rows take 70% of the look-ups";
  }
}

TEST_F(TieredEmbeddingsTest, AScanDoesNotWashTheFavouritesOut) {
  const auto cache = Open({.hot_bytes = 10 * (kRowBytes + 12), .compressed_bytes = 30 * 500});
  Fill(*cache, 500);
  for (int round = 0; round < 20; ++round) {
    for (std::uint32_t i = 0; i < 10; ++i) Ask(*cache, i);
  }
  for (std::uint32_t i = 100; i < 500; ++i) Ask(*cache, i);
  const EmbeddingTierStats before = cache->stats();
  for (std::uint32_t i = 0; i < 10; ++i) Ask(*cache, i);
  EXPECT_EQ(cache->stats().hot_hits - before.hot_hits, 10U);
}

TEST_F(TieredEmbeddingsTest, ADamagedRowIsMissingAndNeverWrong) {
  {
    const auto cache = Open();
    Fill(*cache, 3);
  }
  const auto cache = Open();
  const std::string path = folder_.File("embeddings.log");
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(cache->stats().disk_bytes / 2));
  file.put('\x5A');
  file.close();
  int found = 0;
  std::vector<float> out(kDim);
  for (std::uint32_t i = 0; i < 3; ++i) {
    if (!cache->Get(KeyOf(i), out)) continue;
    ++found;
    EXPECT_TRUE(SameBits(out, RowOf(i)));
  }
  EXPECT_EQ(found, 2);
  EXPECT_EQ(cache->stats().damaged, 1U);
}

TEST_F(TieredEmbeddingsTest, IsOfOneProviderOneDimensionAndOneProcess) {
  core::FileSystem& files = core::FileSystem::Real();
  {
    const auto cache = Open();
    EXPECT_FALSE(TieredEmbeddings::Open(files, folder_.path(), "p", kDim));
    EXPECT_EQ(cache->Put(KeyOf(0), std::vector<float>(kDim + 1)).error().code,
              Code::kInvalidArgument);
    std::vector<float> other(kDim - 1);
    EXPECT_FALSE(cache->Get(KeyOf(0), other));
  }
  for (const auto& [name, dim] : {std::pair{"q", kDim}, {"p", kDim + 1}}) {
    const auto other = TieredEmbeddings::Open(files, folder_.path(), name, dim);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Code::kFailedPrecondition);
  }
  EXPECT_EQ(TieredEmbeddings::Open(files, folder_.path(), "p", 0).error().code, Code::kOutOfRange);
}

TEST(TieredEmbeddingsCrash, LosesNothingThatWasSynced) {
  for (std::uint64_t stop = 0; stop < 30; ++stop) {
    testing::CrashFs files;
    ASSERT_TRUE(files.MakeDirectories("d"));
    ASSERT_TRUE(files.SyncDirectory("."));
    std::set<std::uint32_t> synced;
    files.StopAfter(stop);
    {
      auto cache = TieredEmbeddings::Open(files, "d", "p", kDim);
      for (std::uint32_t i = 0; cache && i < 10; ++i) {
        if (!(*cache)->Put(KeyOf(i), RowOf(i)) || !(*cache)->Sync()) break;
        synced.insert(i);
      }
    }
    files.Crash({.names_survive = stop % 2 == 0, .unsynced_bytes = stop * 7});
    auto cache = TieredEmbeddings::Open(files, "d", "p", kDim);
    if (!cache && !synced.empty()) FAIL() << stop << ": " << cache.error().message;
    if (!cache) continue;
    for (const std::uint32_t i : synced) {
      std::vector<float> out(kDim);
      ASSERT_TRUE((*cache)->Get(KeyOf(i), out)) << stop;
      EXPECT_TRUE(SameBits(out, RowOf(i)));
    }
  }
}

TEST_F(TieredEmbeddingsTest, ManyThreadsSeeOnlyWholeRows) {
  const auto cache = Open({.hot_bytes = 5 * (kRowBytes + 12), .compressed_bytes = 20 * 500});
  Fill(*cache, 40);
  std::vector<std::jthread> threads;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&cache, seed] {
      core::SeededRng rng(seed);
      std::vector<float> out(kDim);
      for (int i = 0; i < 2'000; ++i) {
        const auto number = static_cast<std::uint32_t>(rng.Below(1 + rng.Below(80)));
        if (number >= 40) {
          EXPECT_TRUE(cache->Put(KeyOf(number), RowOf(number)));
        }
        ASSERT_TRUE(cache->Get(KeyOf(number), out));
        ASSERT_TRUE(SameBits(out, RowOf(number)));
      }
    });
  }
  threads.clear();
  const EmbeddingTierStats stats = cache->stats();
  EXPECT_EQ(stats.lookups, 8'000U);
  EXPECT_EQ(stats.hot_hits + stats.compressed_hits + stats.disk_hits, 8'000U);
}

}  // namespace
}  // namespace assay::cache
