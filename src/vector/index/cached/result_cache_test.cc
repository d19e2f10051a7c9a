// Cached results beside the index they are of.
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "assay/vector/index.h"

#include "index/clustered_rows.h"

namespace assay::vector {
namespace {

constexpr std::size_t kDim = 24;
constexpr std::size_t kManyBytes = 1 << 22;

class ResultCacheTest : public ::testing::Test {
 protected:
  ResultCacheTest() {
    for (std::size_t i = 0; i < 200; ++i) EXPECT_TRUE(index_->Insert(i, Row(i)));
  }
  [[nodiscard]] std::span<const float> Row(std::size_t i) const {
    return std::span(rows_).subspan(i * kDim, kDim);
  }

  std::vector<float> rows_ = ClusteredRows(400, kDim, 1);
  std::unique_ptr<Index> index_ = std::move(*Index::Create({.dim = kDim}));
};

TEST_F(ResultCacheTest, EqualQueriesAreSearchedOnce) {
  ResultCache cache(*index_, kManyBytes);
  const auto first = cache.Search(Row(300), 5);
  EXPECT_EQ(*first, *index_->Search(Row(300), 5));
  EXPECT_EQ(*cache.Search(Row(300), 5), *first);
  EXPECT_EQ(cache.counts().hits, 1U);
  EXPECT_EQ(cache.Search(Row(300), 6)->size(), 6U);  // another question
  EXPECT_EQ(*cache.Search(Row(301), 5), *index_->Search(Row(301), 5));
  EXPECT_EQ(cache.counts().misses, 3U);
  EXPECT_EQ(cache.counts().entries, 3U);
  EXPECT_EQ(cache.Search(std::vector<float>(3), 5).error().code, Code::kInvalidArgument);
  EXPECT_EQ(cache.counts().entries, 3U);
}

TEST_F(ResultCacheTest, EveryChangeOfTheIndexIsSeenByTheNextSearch) {
  ResultCache cache(*index_, kManyBytes);
  std::mt19937 random(5);
  for (int step = 0; step < 3000; ++step) {
    const std::size_t id = random() % 250;
    if (random() % 8 == 0) {
      if (random() % 2 == 0) {
        index_->Erase(id);
      } else {
        ASSERT_TRUE(index_->Insert(id, Row(random() % 400)));
      }
    }
    const auto query = Row(random() % 10);
    ASSERT_EQ(*cache.Search(query, 4), *index_->Search(query, 4)) << step;
  }
  EXPECT_GT(cache.counts().hits, 500U);
  EXPECT_GT(cache.counts().misses, 500U);
}

TEST_F(ResultCacheTest, TheBoundHoldsAndTheLastUsedStay) {
  constexpr std::size_t kFewBytes = 16 * 1000;  // some three results a shard
  ResultCache cache(*index_, kFewBytes);
  for (std::size_t q = 0; q < 400; ++q) {
    ASSERT_TRUE(cache.Search(Row(q), 10));
    ASSERT_TRUE(cache.Search(Row(7), 10));
    EXPECT_LE(cache.counts().bytes, kFewBytes);
  }
  EXPECT_GE(cache.counts().hits, 399U);
  EXPECT_LT(cache.counts().entries, 64U);
  ResultCache none(*index_, 0);
  EXPECT_EQ(none.Search(Row(7), 10)->size(), 10U);
  EXPECT_EQ(none.counts().entries, 0U);
}

// A row is inserted, then looked for; erased, then looked for: with others filling the cache.
TEST_F(ResultCacheTest, NothingStaleIsFoundBesideWriters) {
  ResultCache cache(*index_, kManyBytes);
  std::atomic<bool> done = false;  // set by the writer below, read by the searchers
  std::vector<std::thread> searchers;
  for (int t = 0; t < 2; ++t) {
    searchers.emplace_back([&] {
      while (!done) EXPECT_EQ(cache.Search(Row(350), 3)->size(), 3U);
    });
  }
  for (int step = 0; step < 500; ++step) {
    ASSERT_TRUE(index_->Insert(9000, Row(350)));
    EXPECT_EQ(cache.Search(Row(350), 3)->front().id, 9000U);
    EXPECT_TRUE(index_->Erase(9000));
    EXPECT_NE(cache.Search(Row(350), 3)->front().id, 9000U);
  }
  done = true;
  for (std::thread& searcher : searchers) searcher.join();
}

}  // namespace
}  // namespace assay::vector
