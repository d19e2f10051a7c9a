// Inverted lists: recall against all rows, changes after and while they are made, and the kernels
// against plain loops on every SIMD target.
#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "assay/core/simd.h"
#include "assay/vector/index.h"
#include "assay/vector/top_k.h"

#include "clustered_rows.h"
#include "coding/coder_internal.h"
#include "coding/nearest_kernels.h"
#include "sanitizers.h"

namespace assay::vector {
namespace {

using assay::testing::Sized;

constexpr std::size_t kDim = Sized<std::size_t>(64, 24);
constexpr std::size_t kRows = Sized<std::size_t>(6'000, 4'200);
constexpr std::size_t kQueries = Sized<std::size_t>(100, 40);

std::span<const float> RowOf(const std::vector<float>& rows, std::size_t i,
                             std::size_t dim = kDim) {
  return std::span(rows).subspan(i * dim, dim);
}

std::unique_ptr<Index> FilledIndex(const std::vector<float>& rows, double recall = 0.95) {
  auto index = Index::Create({.dim = kDim, .label = "test", .wanted_recall = recall});
  for (std::size_t i = 0; i < rows.size() / kDim; ++i) {
    EXPECT_TRUE((*index)->Insert(i, RowOf(rows, i)));
  }
  return std::move(*index);
}

// Of the 10 nearest among rows that `in` accepts.
template <typename In>
double RecallAt10(const Index& index, const std::vector<float>& rows,
                  const std::vector<float>& queries, In in) {
  std::size_t right = 0;
  const std::size_t count = queries.size() / kDim;
  for (std::size_t q = 0; q < count; ++q) {
    const auto truth = TopK(RowOf(queries, q), rows, 2000);
    std::set<std::uint64_t> wanted;
    for (const Hit& hit : *truth) {
      if (wanted.size() < 10 && in(hit.row)) wanted.insert(hit.row);
    }
    const auto found = index.Search(RowOf(queries, q), 10);
    EXPECT_EQ(found->size(), 10U);
    for (const Neighbor& one : *found) {
      EXPECT_TRUE(in(one.id)) << one.id;
      right += wanted.contains(one.id) ? 1U : 0U;
    }
  }
  return static_cast<double>(right) / static_cast<double>(10 * count);
}

class ListsTest : public ::testing::Test {
 protected:
  std::vector<float> rows_ = ClusteredRows(kRows, kDim, 1);
  std::vector<float> queries_ = ClusteredRows(kQueries, kDim, 2);
};

TEST_F(ListsTest, ReachTheWantedRecallWithExactScores) {
  const auto index = FilledIndex(rows_, 0.97);
  ASSERT_TRUE(index->Optimize({}));
  const IndexStats stats = index->Stats();
  EXPECT_FALSE(stats.exact);
  EXPECT_LT(stats.probes, stats.lists / 2);
  EXPECT_GE(stats.calibrated_recall, 0.95);
  EXPECT_GE(RecallAt10(*index, rows_, queries_, [](std::uint64_t) { return true; }), 0.95);
  for (std::size_t q = 0; q < 20; ++q) {
    const auto found = index->Search(RowOf(queries_, q), 10);
    for (const Neighbor& one : *found) {
      double dot = 0;
      for (std::size_t i = 0; i < kDim; ++i) {
        dot += double{RowOf(queries_, q)[i]} * RowOf(rows_, one.id)[i];
      }
      EXPECT_NEAR(one.score, dot, 1e-5);
    }
  }
}

TEST_F(ListsTest, FollowInsertsReplacementsAndErasures) {
  const auto index = FilledIndex(rows_);
  ASSERT_TRUE(index->Optimize({}));
  for (std::uint64_t id = 0; id < kRows; id += 2) EXPECT_TRUE(index->Erase(id));
  const auto odd = [](std::uint64_t id) { return id % 2 == 1; };
  EXPECT_GE(RecallAt10(*index, rows_, queries_, odd), 0.92);
  for (std::uint64_t id = 0; id < kRows; id += 2) {
    ASSERT_TRUE(index->Insert(id, RowOf(rows_, id)));
  }
  EXPECT_GE(RecallAt10(*index, rows_, queries_, [](std::uint64_t) { return true; }), 0.92);
  ASSERT_TRUE(index->Insert(17, RowOf(queries_, 0)));  // another row under a known id
  EXPECT_EQ(index->Search(RowOf(queries_, 0), 1)->front().id, 17U);
  EXPECT_EQ(index->Stats().rows, kRows);
}

TEST_F(ListsTest, AreMadeWhileOthersSearchInsertAndErase) {
  const auto index = FilledIndex(rows_);
  std::atomic<bool> done = false;  // set by the main thread, read by the two below
  std::thread writer([&] {
    std::mt19937 random(3);
    while (!done) {
      const std::uint64_t id = random() % kRows;
      if (id % 3 == 0) {
        index->Erase(id);
      } else {
        EXPECT_TRUE(index->Insert(id, RowOf(rows_, id)));
      }
    }
  });
  std::thread searcher([&] {
    for (std::size_t q = 0; !done; q = (q + 1) % kQueries) {
      EXPECT_EQ(index->Search(RowOf(queries_, q), 5)->size(), 5U);
    }
  });
  EXPECT_TRUE(index->Optimize({}));
  done = true;
  writer.join();
  searcher.join();
  for (std::uint64_t id = 0; id < kRows; id += 3) index->Erase(id);
  EXPECT_GE(RecallAt10(*index, rows_, queries_, [](std::uint64_t id) { return id % 3 != 0; }),
            0.92);
}

TEST_F(ListsTest, StayAwayFromSmallSetsAndShortVectors) {
  const std::vector<float> few(rows_.begin(), rows_.begin() + 500 * kDim);
  const auto small = FilledIndex(few);
  ASSERT_TRUE(small->Optimize({}));
  EXPECT_TRUE(small->Stats().exact);
  EXPECT_EQ(RecallAt10(*small, few, queries_, [](std::uint64_t) { return true; }), 1);
  const auto narrow = std::move(*Index::Create({.dim = 3}));
  for (std::uint64_t id = 0; id < 5000; ++id) {
    ASSERT_TRUE(narrow->Insert(id, std::vector<float>{static_cast<float>(id), 1, 2}));
  }
  ASSERT_TRUE(narrow->Optimize({}));
  EXPECT_EQ(narrow->Search(std::vector<float>{1, 0, 0}, 1)->front().id, 4999U);
}

TEST_F(ListsTest, SurviveEqualRowsZeroRowsAndAZeroQuery) {
  const auto index = std::move(*Index::Create({.dim = 32}));
  const std::vector<float> one(32, 0.25F);
  const std::vector<float> zero(32, 0.0F);
  for (std::uint64_t id = 0; id < 5000; ++id)
    ASSERT_TRUE(index->Insert(id, id % 2 == 0 ? one : zero));
  ASSERT_TRUE(index->Optimize({}));
  const auto found = index->Search(one, 10);
  ASSERT_EQ(found->size(), 10U);
  for (const Neighbor& hit : *found) EXPECT_EQ(hit.id % 2, 0U);
  EXPECT_EQ(index->Search(zero, 10)->size(), 10U);
}

TEST(ScanKernelsTest, EveryTargetScoresAsAPlainLoopDoes) {
  using namespace internal;
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  for (const std::size_t dims : {8U, 24U, 64U, 136U}) {
    constexpr std::size_t kCount = 37;
    std::vector<std::uint8_t> blocks((kCount + kBlockRows - 1) / kBlockRows * BlockBytes(dims));
    std::vector<std::vector<std::uint8_t>> codes;
    std::vector<float> scales;
    for (std::size_t r = 0; r < kCount; ++r) {
      std::vector<float> values(dims);
      for (float& v : values) v = normal(random);
      codes.emplace_back(dims / 2);
      scales.push_back(EncodeGroupCodes(values, codes.back()));
      StoreInBlock(blocks.data(), dims, r, scales.back(), codes.back());
    }
    std::vector<float> values(dims);
    for (float& v : values) v = normal(random);
    CodeQuery query;
    MakeCodeQuery(values, query);
    std::vector<float> wanted;
    for (std::size_t r = 0; r < kCount; ++r) {
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < dims; ++i) {
        const std::uint8_t byte = codes[r][i / 8 * 4 + i % 4];
        sum += query.values[i] * (i % 8 < 4 ? byte & 15 : byte >> 4);
      }
      wanted.push_back(0.5F + scales[r] * (query.scale * static_cast<float>(sum) + query.offset));
    }
    for (const std::string_view target : core::SimdTargets()) {
      ASSERT_TRUE(core::ForceSimdTarget(target));
      std::vector<Survivor> out(kCount);
      const std::size_t found =
          ScanBlocks(query, blocks.data(), kCount, 0.5F, 0.25F, 3, out.data());
      std::size_t above = 0;
      for (std::size_t r = 0; r < kCount; ++r) {
        if (wanted[r] <= 0.25F) continue;
        ASSERT_LT(above, found) << target;
        EXPECT_EQ(out[above].entry, r);
        EXPECT_EQ(out[above].list, 3U);
        EXPECT_NEAR(out[above].score, wanted[r], 1e-4) << target;
        ++above;
      }
      EXPECT_EQ(above, found) << target;
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < dims; ++i) {
        const std::uint8_t byte = codes[5][i / 8 * 4 + i % 4];
        sum += query.values[i] * (i % 8 < 4 ? byte & 15 : byte >> 4);
      }
      EXPECT_EQ(CodeDot(query, codes[5].data()), sum) << target;
    }
    core::ResetSimdTarget();
  }
}

TEST(ScanKernelsTest, EveryTargetFindsTheNearestCentroids) {
  using namespace internal;
  const std::vector<float> points = ClusteredRows(53, 40, 5);
  const std::vector<float> centroids = ClusteredRows(71, 40, 6);
  const std::vector<float> halves = HalfSquares(centroids, 40);
  for (const std::string_view target : core::SimdTargets()) {
    ASSERT_TRUE(core::ForceSimdTarget(target));
    std::vector<std::uint32_t> nearest(53);
    NearestCentroids(points.data(), 53, centroids.data(), halves.data(), 71, 40, nearest.data());
    for (std::size_t p = 0; p < 53; ++p) {
      const auto distance = [&](std::size_t c) {
        double square = 0;
        for (std::size_t i = 0; i < 40; ++i) {
          const double gap = double{points[p * 40 + i]} - centroids[c * 40 + i];
          square += gap * gap;
        }
        return square;
      };
      double least = distance(0);
      for (std::size_t c = 1; c < 71; ++c) least = std::min(least, distance(c));
      EXPECT_NEAR(distance(nearest[p]), least, 1e-5) << target;
    }
  }
  core::ResetSimdTarget();
}

TEST(CoderTest, DirectionsAreOrthonormalAndKeepTheEnergyTheyPromise) {
  using namespace internal;
  const std::vector<float> sample = ClusteredRows(3000, 160, 9);
  const Projection projection = TrainProjection(sample, 160);
  EXPECT_EQ(projection.front % kGroupDims, 0U);
  EXPECT_EQ(projection.back % kGroupDims, 0U);
  for (std::size_t a = 0; a < projection.dims(); ++a) {
    for (std::size_t b = a; b < projection.dims(); ++b) {
      double dot = 0;
      for (std::size_t i = 0; i < 160; ++i) {
        dot += double{projection.directions[a * 160 + i]} * projection.directions[b * 160 + i];
      }
      EXPECT_NEAR(dot, a == b ? 1 : 0, 1e-4);
    }
  }
  std::vector<float> heads(3000 * projection.dims());
  projection.Project(sample, heads);
  double energy = 0;
  for (const float v : heads) energy += double{v} * v;
  EXPECT_GT(energy / 3000, 0.9);  // of rows of length 1
}

TEST(CoderTest, CodesEstimateDotProductsWithoutBias) {
  using namespace internal;
  std::mt19937 random(12);
  std::normal_distribution<float> normal;
  constexpr std::size_t kDims = 64;
  constexpr int kTrials = 4000;
  double sum = 0;
  double squares = 0;
  for (int t = 0; t < kTrials; ++t) {
    std::vector<float> row(kDims);
    std::vector<float> query(kDims);
    double square = 0;
    double exact = 0;
    for (float& v : row) {
      v = normal(random);
      square += double{v} * v;
    }
    for (float& v : row) v /= static_cast<float>(std::sqrt(square));
    for (std::size_t i = 0; i < kDims; ++i) {
      query[i] = row[i] + 0.2F * normal(random);  // near, where a bias would show
      exact += double{row[i]} * query[i];
    }
    std::vector<std::uint8_t> codes(kDims / 2);
    const float scale = EncodeGroupCodes(row, codes);
    CodeQuery code_query;
    MakeCodeQuery(query, code_query);
    const auto dot = static_cast<float>(CodeDot(code_query, codes.data()));
    const double error = scale * (code_query.scale * dot + code_query.offset) - exact;
    sum += error;
    squares += error * error;
  }
  const double deviation = std::sqrt(squares / kTrials);
  EXPECT_LT(deviation, 0.03);
  EXPECT_LT(std::abs(sum / kTrials), 4 * deviation / std::sqrt(kTrials));
}

}  // namespace
}  // namespace assay::vector
