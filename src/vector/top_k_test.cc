// The oracle is a plain double loop over all rows. Every SIMD target that was compiled runs the
// same cases, on every tail length.
#include "assay/vector/top_k.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include "top_k_kernels.h"

namespace assay::vector {
namespace {

std::vector<float> RandomRows(std::size_t rows, std::size_t dim, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * dim);
  for (float& value : values) value = normal(random);
  for (std::size_t r = 0; r < rows; ++r) {
    double square = 0;
    for (std::size_t i = 0; i < dim; ++i) square += std::pow(values[r * dim + i], 2);
    const double length = std::max(std::sqrt(square), 1e-9);
    for (std::size_t i = 0; i < dim; ++i) {
      values[r * dim + i] = static_cast<float>(values[r * dim + i] / length);
    }
  }
  return values;
}

double ExactDot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

struct Quantised {
  std::vector<std::int8_t> values;
  std::vector<float> scales;
  [[nodiscard]] Int8Rows view() const { return {values, scales}; }
};

Quantised Quantise(std::span<const float> rows, std::size_t dim) {
  Quantised out{std::vector<std::int8_t>(rows.size()), std::vector<float>(rows.size() / dim)};
  EXPECT_TRUE(QuantizeRows(rows, dim, out.values, out.scales));
  return out;
}

// Runs `body` once for each SIMD target of this CPU that the kernels were compiled for.
template <typename Body>
void ForEachTarget(const Body& body) {
  const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  ASSERT_FALSE(targets.empty());
  for (const std::int64_t target : targets) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(TopKKernels, FloatDotsEqualTheScalarSumOnEveryTargetAndTail) {
  ForEachTarget([] {
    for (std::size_t dim = 1; dim <= 67; ++dim) {
      for (const std::size_t rows : {1U, 2U, 3U, 4U, 5U, 9U}) {
        const std::size_t queries = 1 + dim % 4;
        const std::vector<float> q = RandomRows(queries, dim, 1);
        const std::vector<float> r = RandomRows(rows, dim, 2);
        std::vector<float> scores(queries * rows, -9);
        internal::FloatDots(q.data(), queries, r.data(), rows, dim, scores.data());
        for (std::size_t i = 0; i < queries; ++i) {
          for (std::size_t j = 0; j < rows; ++j) {
            const double exact =
                ExactDot(std::span(q).subspan(i * dim, dim), std::span(r).subspan(j * dim, dim));
            ASSERT_NEAR(scores[i * rows + j], exact, 1e-6) << dim << " " << i << " " << j;
          }
        }
      }
    }
  });
}

TEST(TopKKernels, Int8DotsAreExactOnEveryTargetAndTail) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(-128, 127);
  std::uniform_int_distribution<int> word(-32767, 32767);
  ForEachTarget([&] {
    for (std::size_t dim = 1; dim <= 131; ++dim) {
      const std::size_t queries = 1 + dim % 3;
      const std::size_t rows = 1 + dim % 6;
      std::vector<std::int16_t> q(queries * dim);
      std::vector<std::int8_t> r(rows * dim);
      for (auto& value : q) value = static_cast<std::int16_t>(word(random));
      for (auto& value : r) value = static_cast<std::int8_t>(byte(random));
      std::vector<std::int32_t> dots(queries * rows, -9);
      internal::Int8Dots(q.data(), queries, r.data(), rows, dim, dots.data());
      for (std::size_t i = 0; i < queries; ++i) {
        for (std::size_t j = 0; j < rows; ++j) {
          std::int64_t exact = 0;
          for (std::size_t d = 0; d < dim; ++d) exact += q[i * dim + d] * r[j * dim + d];
          ASSERT_EQ(dots[i * rows + j], exact) << dim << " " << i << " " << j;
        }
      }
    }
  });
}

TEST(TopK, ReturnsTheRowsThatFullSortingReturnsOnEveryTarget) {
  constexpr std::size_t kDim = 96;
  constexpr std::size_t kRows = 3001;
  const std::vector<float> rows = RandomRows(kRows, kDim, 3);
  const std::vector<float> queries = RandomRows(5, kDim, 4);
  ForEachTarget([&] {
    for (std::size_t q = 0; q < 5; ++q) {
      const auto query = std::span(queries).subspan(q * kDim, kDim);
      std::vector<std::pair<double, std::uint32_t>> all;
      for (std::uint32_t r = 0; r < kRows; ++r) {
        all.emplace_back(-ExactDot(query, std::span(rows).subspan(r * kDim, kDim)), r);
      }
      std::ranges::sort(all);
      const auto hits = TopK(query, rows, 20);
      ASSERT_TRUE(hits);
      ASSERT_EQ(hits->size(), 20U);
      for (std::size_t i = 0; i < 20; ++i) {
        EXPECT_EQ((*hits)[i].row, all[i].second);
        EXPECT_NEAR((*hits)[i].score, -all[i].first, 1e-6);
      }
    }
  });
}

TEST(TopK, EqualScoresComeInRowOrderAndTheEarlierRowWins) {
  std::vector<float> rows;
  for (int i = 0; i < 600; ++i) {
    rows.insert(rows.end(), {i % 3 == 0 ? 1.0F : 0.5F, 0.0F});
  }
  const std::vector<float> query = {1, 0};
  for (const std::size_t k : {1U, 7U, 200U, 250U}) {
    const auto hits = TopK(query, rows, k);
    ASSERT_TRUE(hits);
    ASSERT_EQ(hits->size(), k);
    for (std::size_t i = 0; i < k; ++i) {
      const std::size_t expected = i < 200 ? 3 * i : (i - 200) / 2 * 3 + 1 + (i - 200) % 2;
      EXPECT_EQ((*hits)[i].row, expected) << k;
    }
  }
}

TEST(TopK, BatchedQueriesGiveBitForBitWhatSingleOnesGive) {
  constexpr std::size_t kDim = 83;
  const std::vector<float> rows = RandomRows(777, kDim, 5);
  const Quantised bytes = Quantise(rows, kDim);
  const std::vector<float> queries = RandomRows(131, kDim, 6);
  ForEachTarget([&] {
    const auto batch = TopKBatch(queries, kDim, rows, 9);
    const auto batch8 = TopKBatch(queries, kDim, bytes.view(), 9);
    ASSERT_TRUE(batch && batch8);
    for (std::size_t q = 0; q < 131; ++q) {
      const auto query = std::span(queries).subspan(q * kDim, kDim);
      const auto single = TopK(query, rows, 9);
      const auto single8 = TopK(query, bytes.view(), 9);
      for (std::size_t i = 0; i < 9; ++i) {
        ASSERT_EQ((*batch)[q * 9 + i].row, (*single)[i].row);
        ASSERT_EQ((*batch)[q * 9 + i].score, (*single)[i].score);
        ASSERT_EQ((*batch8)[q * 9 + i].row, (*single8)[i].row);
        ASSERT_EQ((*batch8)[q * 9 + i].score, (*single8)[i].score);
      }
    }
  });
}

TEST(TopK, Int8ScoresAreTheSameOnEveryTargetAndNearTheRestoredRows) {
  constexpr std::size_t kDim = 384;
  const std::vector<float> rows = RandomRows(500, kDim, 8);
  const Quantised bytes = Quantise(rows, kDim);
  const std::vector<float> query = RandomRows(1, kDim, 9);
  const auto best = TopK(query, bytes.view(), 500);
  ASSERT_TRUE(best);
  double worst = 0;
  for (const Hit& hit : *best) {
    double exact = 0;
    for (std::size_t i = 0; i < kDim; ++i) {
      exact += static_cast<double>(query[i]) * bytes.values[hit.row * kDim + i];
    }
    worst = std::max(worst, std::abs(exact * bytes.scales[hit.row] - hit.score));
  }
  EXPECT_LT(worst, 2e-5);
  ForEachTarget([&] {
    const auto hits = TopK(query, bytes.view(), 500);
    ASSERT_TRUE(hits);
    for (std::size_t i = 0; i < 500; ++i) {
      ASSERT_EQ((*hits)[i].row, (*best)[i].row);
      ASSERT_EQ((*hits)[i].score, (*best)[i].score);
    }
  });
}

TEST(TopK, TheLargestInt8SumsDoNotOverflow) {
  constexpr std::size_t kDim = kMaxDim;
  const std::vector<float> query(kDim, -1.0F);
  const std::vector<std::int8_t> values(kDim, -128);
  const std::vector<float> scales = {1.0F / 128};
  ForEachTarget([&] {
    const auto hits = TopK(query, Int8Rows{values, scales}, 1);
    ASSERT_TRUE(hits);
    EXPECT_NEAR(hits->at(0).score, static_cast<float>(kDim), 1.0F);
  });
}

TEST(TopK, RowsWithoutANumberAreNeverReturned) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> rows = {nan, 0, 1, 0, nan, nan, 0.5F, 0};
  const std::vector<float> query = {1, 0};
  const auto hits = TopK(query, rows, 4);
  ASSERT_TRUE(hits);
  ASSERT_EQ(hits->size(), 2U);
  EXPECT_EQ((*hits)[0].row, 1U);
  EXPECT_EQ((*hits)[1].row, 3U);
  const std::vector<float> two = {1, 0, 0, 1};
  const auto batch = TopKBatch(two, 2, rows, 3);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->size(), 6U);  // places stay aligned with their queries
  EXPECT_EQ((*batch)[2].row, kNoRow);
  EXPECT_EQ((*batch)[3].row, 1U);
}

TEST(TopK, NoRowsOrNoQueriesGiveNoHits) {
  const std::vector<float> query = {1, 0};
  EXPECT_TRUE(TopK(query, std::span<const float>(), 3)->empty());
  EXPECT_TRUE(TopKBatch(std::span<const float>(), 2, query, 3)->empty());
}

TEST(TopK, WrongShapesAndLimitsAreErrors) {
  const std::vector<float> query = {1, 0};
  const std::vector<float> odd = {1, 0, 1};
  const std::vector<float> nothing;
  EXPECT_EQ(TopK(query, odd, 1).error().code, Code::kInvalidArgument);
  EXPECT_EQ(TopK(query, query, 0).error().code, Code::kOutOfRange);
  EXPECT_EQ(TopK(query, query, kMaxTopK + 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(TopK(nothing, query, 1).error().code, Code::kOutOfRange);
  const std::vector<std::int8_t> bytes = {1, 0};
  EXPECT_EQ(TopK(query, Int8Rows{bytes, {}}, 1).error().code, Code::kInvalidArgument);
  const std::vector<float> scale = {1};
  const std::vector<float> bad = {std::numeric_limits<float>::infinity(), 0};
  EXPECT_EQ(TopK(bad, Int8Rows{bytes, scale}, 1).error().code, Code::kInvalidArgument);
}

TEST(QuantizeRows, RestoresEachValueWithinHalfAStepAndKeepsZeroRows) {
  std::vector<float> rows = RandomRows(50, 33, 10);
  std::fill_n(rows.begin(), 33, 0.0F);
  rows[40] = 1e-42F;  // a subnormal row is kept finite
  const Quantised bytes = Quantise(rows, 33);
  EXPECT_EQ(bytes.scales[0], 0.0F);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const float scale = bytes.scales[i / 33];
    EXPECT_NEAR(static_cast<float>(bytes.values[i]) * scale, rows[i], scale * 0.51F + 1e-30F);
  }
}

TEST(QuantizeRows, RefusesShapesThatDoNotFitAndValuesThatAreNotFinite) {
  std::vector<float> rows = {1, 2, 3, 4};
  std::vector<std::int8_t> values(4);
  std::vector<float> scales(2);
  std::vector<float> one(1);
  EXPECT_EQ(QuantizeRows(rows, 2, values, one).error().code, Code::kInvalidArgument);
  EXPECT_EQ(QuantizeRows(rows, 0, values, scales).error().code, Code::kInvalidArgument);
  rows[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(QuantizeRows(rows, 2, values, scales).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::vector
