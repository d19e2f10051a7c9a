// The index against a model: a map of rows that is compared one by one.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "assay/vector/index.h"
#include "assay/vector/top_k.h"

#include "clustered_rows.h"

namespace assay::vector {
namespace {

using Model = std::map<std::uint64_t, std::vector<float>>;

std::vector<float> RandomRow(std::mt19937& random, std::size_t dim) {
  std::normal_distribution<float> normal;
  std::vector<float> row(dim);
  float square = 0;
  for (float& v : row) {
    v = normal(random);
    square += v * v;
  }
  for (float& v : row) v /= std::sqrt(square);
  return row;
}

std::vector<Neighbor> ModelSearch(const Model& model, const std::vector<float>& query,
                                  std::size_t k) {
  std::vector<Neighbor> all;
  for (const auto& [id, row] : model) {
    double score = 0;
    for (std::size_t i = 0; i < row.size(); ++i) score += double{row[i]} * query[i];
    all.push_back({id, static_cast<float>(score)});
  }
  std::ranges::stable_sort(all, std::greater(), &Neighbor::score);
  all.resize(std::min(all.size(), k));
  return all;
}

std::unique_ptr<Index> MakeIndex(std::size_t dim) {
  auto index = Index::Create({.dim = dim, .label = "test"});
  EXPECT_TRUE(index.has_value());
  return std::move(*index);
}

TEST(LiveIndexTest, AgreesWithAMapThroughInsertsReplacementsAndErasures) {
  constexpr std::size_t kDim = 24;
  std::mt19937 random(7);
  const auto index = MakeIndex(kDim);
  Model model;
  for (int step = 0; step < 4000; ++step) {
    const std::uint64_t id = random() % 1500;
    if (random() % 4 == 0) {
      EXPECT_EQ(index->Erase(id), model.erase(id) == 1);
    } else {
      const auto row = RandomRow(random, kDim);
      ASSERT_TRUE(index->Insert(id, row).has_value());
      model[id] = row;
    }
    if (step % 100 != 0) continue;
    const auto query = RandomRow(random, kDim);
    const auto found = index->Search(query, 7);
    ASSERT_TRUE(found.has_value());
    const auto wanted = ModelSearch(model, query, 7);
    ASSERT_EQ(found->size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ((*found)[i].id, wanted[i].id);
      EXPECT_NEAR((*found)[i].score, wanted[i].score, 1e-5);
    }
  }
  EXPECT_EQ(index->Stats().rows, model.size());
}

TEST(LiveIndexTest, ABatchIsAsIfEachQueryWereSearchedAlone) {
  std::mt19937 random(3);
  const auto index = MakeIndex(8);
  for (std::uint64_t id = 0; id < 300; ++id) ASSERT_TRUE(index->Insert(id, RandomRow(random, 8)));
  std::vector<float> queries;
  for (int q = 0; q < 20; ++q) std::ranges::copy(RandomRow(random, 8), std::back_inserter(queries));
  const auto batch = index->SearchBatch(queries, 5);
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->size(), 20U);
  for (std::size_t q = 0; q < 20; ++q) {
    EXPECT_EQ((*batch)[q], *index->Search(std::span(queries).subspan(q * 8, 8), 5));
  }
}

TEST(LiveIndexTest, EqualScoresComeInTheOrderOfIds) {
  const auto index = MakeIndex(2);
  for (const std::uint64_t id : {9U, 3U, 7U, 1U}) {
    ASSERT_TRUE(index->Insert(id, std::vector<float>{1, 0}));
  }
  const auto found = index->Search(std::vector<float>{1, 0}, 4);
  ASSERT_EQ(found->size(), 4U);
  EXPECT_EQ((*found)[0].id, 1U);
  EXPECT_EQ((*found)[1].id, 3U);
  EXPECT_EQ((*found)[2].id, 7U);
  EXPECT_EQ((*found)[3].id, 9U);
}

TEST(LiveIndexTest, AnEmptyIndexGivesAnEmptyListAndFewRowsGiveAllOfThem) {
  const auto index = MakeIndex(3);
  const std::vector<float> query = {1, 2, 3};
  EXPECT_TRUE(index->Search(query, 5)->empty());
  ASSERT_TRUE(index->Insert(40, query));
  EXPECT_EQ(index->Search(query, 5)->size(), 1U);
  ASSERT_TRUE(index->Insert(41, std::vector<float>{0, 0, 0}));  // a zero row scores 0
  EXPECT_EQ(index->Search(query, 5)->size(), 2U);
  EXPECT_EQ(index->Search(std::vector<float>{0, 0, 0}, 5)->front().score, 0);
  EXPECT_TRUE(index->Erase(40));
  EXPECT_FALSE(index->Erase(40));
  EXPECT_FALSE(index->Contains(40));
  EXPECT_EQ(index->Search(query, 5)->front().id, 41U);
}

TEST(LiveIndexTest, WrongShapesNumbersAndCountsAreNamed) {
  const auto index = MakeIndex(3);
  const std::vector<float> good = {1, 0, 0};
  const auto shape = index->Insert(1, std::vector<float>{1, 2});
  ASSERT_FALSE(shape.has_value());
  EXPECT_EQ(shape.error().code, Code::kInvalidArgument);
  EXPECT_NE(shape.error().message.find("has 2 dimensions, the index 3"), std::string::npos);
  const std::vector<float> nan = {1, std::numeric_limits<float>::quiet_NaN(), 0};
  const std::vector<float> infinite = {1, 0, std::numeric_limits<float>::infinity()};
  EXPECT_NE(index->Insert(1, nan).error().message.find("value 1 of the row is nan"),
            std::string::npos);
  EXPECT_NE(index->Search(infinite, 1).error().message.find("value 2 of the query is inf"),
            std::string::npos);
  EXPECT_EQ(index->Search(good, 0).error().code, Code::kOutOfRange);
  EXPECT_EQ(index->Search(good, kMaxTopK + 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(index->Search(std::vector<float>(4), 1).error().code, Code::kInvalidArgument);
  EXPECT_EQ(index->SearchBatch(std::vector<float>(4), 1).error().code, Code::kInvalidArgument);
  EXPECT_EQ(index->Stats().rows, 0U);
  EXPECT_EQ(Index::Create({.dim = 0}).error().code, Code::kOutOfRange);
  EXPECT_EQ(Index::Create({.dim = 4, .wanted_recall = 1.5}).error().code, Code::kOutOfRange);
  EXPECT_EQ(Index::Create({.dim = 4, .label = std::string(65, 'x')}).error().code,
            Code::kInvalidArgument);
}

TEST(LiveIndexTest, RowsOfTheCallerAreSearchedWhereTheyAre) {
  constexpr std::size_t kDim = 24;
  const std::vector<float> rows = ClusteredRows(4200, kDim, 3);
  std::vector<std::uint64_t> ids(4200);
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = 9 * i + 4;
  const auto keep = std::make_shared<int>(0);
  auto over = Index::Over({.dim = kDim, .wanted_recall = 0.9}, rows, ids, keep);
  ASSERT_TRUE(over.has_value()) << over.error().message;
  Index& index = **over;
  EXPECT_EQ(keep.use_count(), 2);
  EXPECT_EQ(index.Stats().mapped_bytes, rows.size() * sizeof(float));
  EXPECT_LT(index.Stats().resident_bytes, rows.size() * sizeof(float));
  const auto copied = MakeIndex(kDim);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ASSERT_TRUE(copied->Insert(ids[i], std::span(rows).subspan(i * kDim, kDim)));
  }
  const std::vector<float> queries = ClusteredRows(20, kDim, 4);
  for (std::size_t q = 0; q < 20; ++q) {
    const auto query = std::span(queries).subspan(q * kDim, kDim);
    EXPECT_EQ(*index.Search(query, 10), *copied->Search(query, 10));
  }
  ASSERT_TRUE(index.Optimize({}));
  EXPECT_FALSE(index.Stats().exact);
  const auto own = std::span(rows).subspan(7 * kDim, kDim);
  EXPECT_EQ(index.Search(own, 1)->front().id, ids[7]);
  EXPECT_TRUE(index.Erase(ids[7]));
  EXPECT_NE(index.Search(own, 1)->front().id, ids[7]);
  ASSERT_TRUE(index.Insert(1, own));
  EXPECT_EQ(index.Search(own, 1)->front().id, 1U);
  over->reset();
  EXPECT_EQ(keep.use_count(), 1);
}

TEST(LiveIndexTest, RowsOfTheCallerThatDoNotFitAreRefused) {
  const std::vector<float> rows = {1, 2, 3, 4};
  EXPECT_EQ(Index::Over({.dim = 3}, rows, {}, nullptr).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Index::Over({.dim = 2}, rows, {1}, nullptr).error().code, Code::kInvalidArgument);
  EXPECT_NE(Index::Over({.dim = 2}, rows, {6, 6}, nullptr).error().message.find("6 is there twice"),
            std::string::npos);
  const std::vector<float> bad = {1, 2, 3, std::numeric_limits<float>::infinity()};
  EXPECT_NE(Index::Over({.dim = 2}, bad, {}, nullptr).error().message.find("value 1 of row 1"),
            std::string::npos);
}

TEST(LiveIndexTest, SearchesGoOnWhileOthersInsertAndErase) {
  constexpr std::size_t kDim = 16;
  const auto index = MakeIndex(kDim);
  std::mt19937 random(11);
  const auto fixed = RandomRow(random, kDim);
  ASSERT_TRUE(index->Insert(1'000'000, fixed));
  std::atomic<bool> done = false;  // set by the writer below, read by the searchers
  std::thread writer([&] {
    std::mt19937 own(5);
    for (int step = 0; step < 3000; ++step) {
      const std::uint64_t id = own() % 500;
      if (own() % 3 == 0) {
        index->Erase(id);
      } else {
        EXPECT_TRUE(index->Insert(id, RandomRow(own, kDim)));
      }
    }
    done = true;
  });
  std::vector<std::thread> searchers;
  for (int t = 0; t < 2; ++t) {
    searchers.emplace_back([&] {
      do {
        const auto found = index->Search(fixed, 1);
        ASSERT_TRUE(found.has_value());
        ASSERT_EQ(found->front().id, 1'000'000U);
      } while (!done);
    });
  }
  writer.join();
  for (std::thread& searcher : searchers) searcher.join();
}

}  // namespace
}  // namespace assay::vector
