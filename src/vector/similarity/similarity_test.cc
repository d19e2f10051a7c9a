// All similarities of a set against plain loops, on every SIMD target.
#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/simd.h"
#include "assay/vector/top_k.h"

namespace assay::vector {
namespace {

std::vector<float> RandomRows(std::size_t rows, std::size_t dim, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * dim);
  for (float& v : values) v = normal(random);
  return values;
}

double Dot(const std::vector<float>& rows, std::size_t dim, std::size_t a, std::size_t b) {
  double sum = 0;
  for (std::size_t i = 0; i < dim; ++i) sum += double{rows[a * dim + i]} * rows[b * dim + i];
  return sum;
}

TEST(SimilarityTest, TheMatrixIsThatOfAPlainLoopAndSymmetricOnEveryTarget) {
  for (const std::string_view target : core::SimdTargets()) {
    ASSERT_TRUE(core::ForceSimdTarget(target));
    for (const auto& [count, dim] : {std::pair<std::size_t, std::size_t>{1, 1},
                                     {3, 5},
                                     {64, 16},
                                     {65, 7},
                                     {131, 33},
                                     {200, 48}}) {
      const std::vector<float> rows = RandomRows(count, dim, 3);
      std::vector<float> out(count * count, -99);
      ASSERT_TRUE(SimilarityMatrix(rows, dim, out));
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = 0; j < count; ++j) {
          ASSERT_NEAR(out[i * count + j], Dot(rows, dim, i, j), 1e-4)
              << target << " " << i << " " << j;
          ASSERT_EQ(out[i * count + j], out[j * count + i]) << target << " " << i << " " << j;
        }
      }
    }
  }
  core::ResetSimdTarget();
}

TEST(SimilarityTest, TheMostSimilarRowsAreThoseOfAFullSortOnEveryTarget) {
  constexpr std::size_t kCount = 150;
  constexpr std::size_t kDim = 20;
  const std::vector<float> rows = RandomRows(kCount, kDim, 4);
  for (const std::string_view target : core::SimdTargets()) {
    ASSERT_TRUE(core::ForceSimdTarget(target));
    for (const std::size_t k : {1U, 10U, 149U, 160U}) {
      std::vector<std::uint32_t> similar(kCount * k);
      std::vector<float> scores(kCount * k);
      ASSERT_TRUE(MostSimilarRows(rows, kDim, k, similar, scores));
      for (std::size_t i = 0; i < kCount; ++i) {
        std::vector<double> wanted;
        for (std::size_t j = 0; j < kCount; ++j) {
          if (j != i) wanted.push_back(Dot(rows, kDim, i, j));
        }
        std::ranges::sort(wanted, std::greater());
        for (std::size_t j = 0; j < k; ++j) {
          if (j >= wanted.size()) {
            ASSERT_EQ(similar[i * k + j], kNoRow);
            ASSERT_EQ(scores[i * k + j], -std::numeric_limits<float>::infinity());
            continue;
          }
          ASSERT_NE(similar[i * k + j], i) << target;
          ASSERT_NEAR(scores[i * k + j], wanted[j], 1e-4) << target;
          ASSERT_NEAR(Dot(rows, kDim, i, similar[i * k + j]), wanted[j], 1e-4) << target;
        }
      }
    }
  }
  core::ResetSimdTarget();
}

TEST(SimilarityTest, EqualScoresComeInRowOrderAndNotANumberNowhere) {
  std::vector<float> rows(5 * 2, 1.0F);
  rows[4] = std::numeric_limits<float>::quiet_NaN();  // row 2
  std::vector<std::uint32_t> similar(5 * 4);
  std::vector<float> scores(5 * 4);
  ASSERT_TRUE(MostSimilarRows(rows, 2, 4, similar, scores));
  const std::vector<std::uint32_t> of_first(similar.begin(), similar.begin() + 4);
  EXPECT_EQ(of_first, (std::vector<std::uint32_t>{1, 3, 4, kNoRow}));
  EXPECT_EQ(similar[2 * 4], kNoRow);
}

TEST(SimilarityTest, ShapesThatDoNotFitAreRefused) {
  const std::vector<float> rows(6);
  std::vector<float> out(4);
  std::vector<std::uint32_t> similar(4);
  EXPECT_EQ(SimilarityMatrix(rows, 0, out).error().code, Code::kOutOfRange);
  EXPECT_EQ(SimilarityMatrix(rows, 4, out).error().code, Code::kInvalidArgument);
  EXPECT_EQ(SimilarityMatrix(rows, 2, out).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(SimilarityMatrix(rows, 3, out));
  EXPECT_EQ(MostSimilarRows(rows, 3, 0, similar, out).error().code, Code::kOutOfRange);
  EXPECT_EQ(MostSimilarRows(rows, 3, 3, similar, out).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(MostSimilarRows(rows, 3, 2, similar, out));
  EXPECT_TRUE(SimilarityMatrix({}, 3, {}));
}

}  // namespace
}  // namespace assay::vector
