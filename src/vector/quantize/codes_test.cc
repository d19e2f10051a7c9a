// Lossy codes: exact conversions, rotations that keep dot products, estimates without bias and
// within their bound as often as they promise.
#include "assay/vector/codes.h"

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "assay/core/simd.h"

#include "quantize/bit_kernels.h"

namespace assay::vector {
namespace {

std::vector<float> RandomRows(std::size_t count, std::size_t dim, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> rows(count * dim);
  for (float& v : rows) v = normal(random);
  return rows;
}

double Dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum;
}

TEST(Float16Test, EveryHalfComesBackAndNeighboursRoundToTheNearest) {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const auto bits = static_cast<std::uint16_t>(half);
    if ((bits & 0x7C00U) == 0x7C00U && (bits & 0x3FFU) != 0) continue;  // not numbers
    float value = 0;
    FromFloat16({&bits, 1}, {&value, 1});
    std::uint16_t back = 0;
    ToFloat16({&value, 1}, {&back, 1});
    ASSERT_EQ(back, bits);
    if ((bits & 0x7FFFU) >= 0x7BFFU) continue;  // no finite number behind it
    const auto next_bits = static_cast<std::uint16_t>(bits + 1);
    float next = 0;
    FromFloat16({&next_bits, 1}, {&next, 1});
    const float middle = (value + next) / 2;
    ToFloat16({&middle, 1}, {&back, 1});
    ASSERT_EQ(back, (bits & 1U) == 0 ? bits : next_bits);
    const float below = std::nextafter(middle, value);
    ToFloat16({&below, 1}, {&back, 1});
    ASSERT_EQ(back, bits);
  }
  const std::vector<float> large = {65519, 65520, -1e30F, std::numeric_limits<float>::infinity()};
  std::vector<std::uint16_t> halves(4);
  ToFloat16(large, halves);
  EXPECT_EQ(halves, (std::vector<std::uint16_t>{0x7BFF, 0x7C00, 0xFC00, 0x7C00}));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  ToFloat16({&nan, 1}, {halves.data(), 1});
  float back = 0;
  FromFloat16({halves.data(), 1}, {&back, 1});
  EXPECT_TRUE(std::isnan(back));
}

TEST(RotationTest, KeepsDotProductsAndSpreadsOneValueOverAll) {
  for (const std::size_t dim : {1U, 3U, 64U, 100U, 384U, 1536U}) {
    const Rotation rotation(dim, 5);
    const std::vector<float> rows = RandomRows(2, dim, 1);
    std::vector<float> a(rotation.padded_dim());
    std::vector<float> b(rotation.padded_dim());
    rotation.Apply(std::span(rows).first(dim), a);
    rotation.Apply(std::span(rows).last(dim), b);
    EXPECT_NEAR(Dot(a, b), Dot(std::span(rows).first(dim), std::span(rows).last(dim)),
                1e-4 * static_cast<double>(dim));
    std::vector<float> one(dim);
    one[dim / 2] = 1;
    rotation.Apply(one, a);
    float largest = 0;
    for (const float v : a) largest = std::max(largest, std::abs(v));
    EXPECT_LT(largest, 7 / std::sqrt(static_cast<float>(rotation.padded_dim())));
  }
}

class RabitqTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(RabitqTest, EstimatesHaveNoBiasAndKeepTheirBound) {
  for (const std::size_t dim : {100U, 384U}) {
    const std::vector<float> row = RandomRows(1, dim, 3);
    std::vector<float> query = RandomRows(1, dim, 4);
    for (std::size_t i = 0; i < dim; ++i) query[i] += 0.3F * row[i];
    const double exact = Dot(row, query);
    constexpr int kRotations = 1500;
    double sum = 0;
    double squares = 0;
    int outside = 0;
    for (int seed = 0; seed < kRotations; ++seed) {
      const auto codes =
          RabitqCodes::Encode(row, dim, GetParam(), static_cast<std::uint64_t>(seed));
      ASSERT_TRUE(codes.has_value());
      DotEstimate estimate;
      ASSERT_TRUE(codes->Estimate(query, {&estimate, 1}));
      const double error = estimate.dot - exact;
      sum += error;
      squares += error * error;
      outside += std::abs(error) > estimate.bound ? 1 : 0;
    }
    const double deviation = std::sqrt(squares / kRotations);
    EXPECT_LT(std::abs(sum / kRotations), 4 * deviation / std::sqrt(kRotations)) << dim;
    EXPECT_LT(outside, 0.08 * kRotations) << dim;
    EXPECT_GT(outside, 0.005 * kRotations) << "a bound so wide says nothing";
    const double lengths = std::sqrt(Dot(row, row) * Dot(query, query));
    const double wanted = (GetParam() == 1 ? 0.76 : 0.13) / std::sqrt(static_cast<double>(dim));
    EXPECT_LT(deviation / lengths, wanted) << dim;
  }
}

TEST_P(RabitqTest, ZeroRowsAndQueriesGiveZeros) {
  const std::vector<float> rows(2 * 40);
  const auto codes = RabitqCodes::Encode(rows, 40, GetParam(), 1);
  std::vector<DotEstimate> estimates(2);
  ASSERT_TRUE(codes->Estimate(std::vector<float>(40, 1.0F), estimates));
  EXPECT_EQ(estimates[1].dot, 0);
  EXPECT_EQ(estimates[1].bound, 0);
  const auto ones = RabitqCodes::Encode(std::vector<float>(80, 1.0F), 40, GetParam(), 1);
  ASSERT_TRUE(ones->Estimate(std::vector<float>(40), estimates));
  EXPECT_EQ(estimates[0].dot, 0);
}

INSTANTIATE_TEST_SUITE_P(Bits, RabitqTest, ::testing::Values(1, 4));

TEST(RabitqCodesTest, WrongInputIsRefused) {
  const std::vector<float> rows(64);
  EXPECT_EQ(RabitqCodes::Encode(rows, 0, 1, 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(RabitqCodes::Encode(rows, 64, 3, 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(RabitqCodes::Encode(rows, 63, 1, 1).error().code, Code::kInvalidArgument);
  std::vector<float> bad = rows;
  bad[5] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(RabitqCodes::Encode(bad, 64, 1, 1).error().code, Code::kInvalidArgument);
  const auto codes = RabitqCodes::Encode(rows, 64, 1, 1);
  std::vector<DotEstimate> estimates(1);
  EXPECT_EQ(codes->Estimate(bad, estimates).error().code, Code::kInvalidArgument);
  EXPECT_EQ(codes->Estimate(std::span(rows).first(9), estimates).error().code,
            Code::kInvalidArgument);
}

TEST(BitKernelsTest, EveryTargetCountsAsAPlainLoopDoes) {
  std::mt19937_64 random(2);
  for (const std::size_t words : {1U, 6U, 8U, 24U, 25U}) {
    constexpr std::size_t kRows = 5;
    std::vector<std::uint64_t> codes(kRows * words);
    std::vector<std::uint64_t> planes(internal::kQueryPlanes * words);
    for (auto& word : codes) word = random();
    for (auto& word : planes) word = random();
    for (const std::string_view target : core::SimdTargets()) {
      ASSERT_TRUE(core::ForceSimdTarget(target));
      std::vector<std::uint32_t> sums(kRows);
      internal::SharedBits(codes.data(), planes.data(), kRows, words, sums.data());
      for (std::size_t r = 0; r < kRows; ++r) {
        std::uint32_t wanted = 0;
        for (std::size_t p = 0; p < internal::kQueryPlanes; ++p) {
          for (std::size_t bit = 0; bit < words * 64; ++bit) {
            const bool both =
                ((codes[r * words + bit / 64] & planes[p * words + bit / 64]) >> (bit % 64) & 1U) !=
                0;
            wanted += both ? 1U << p : 0U;
          }
        }
        EXPECT_EQ(sums[r], wanted) << target;
      }
    }
    core::ResetSimdTarget();
  }
}

}  // namespace
}  // namespace assay::vector
