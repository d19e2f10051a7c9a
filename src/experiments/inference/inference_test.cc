// What is defined for samples that textbooks leave out. Values against scipy: tests/experiments.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "assay/experiments/distributions.h"
#include "assay/experiments/sequential.h"
#include "assay/experiments/tests.h"

namespace assay::experiments {
namespace {

const double kNaN = std::nan("");
const double kInfinity = std::numeric_limits<double>::infinity();

Summary Of(const std::vector<double>& values) {
  const auto made = Summarize(values);
  EXPECT_TRUE(made.has_value());
  return made.value_or(Summary{});
}

TEST(Summarize, CountsMissingValuesAndLeavesThemOut) {
  const Summary s = Of({1, kNaN, 3, kNaN});
  EXPECT_EQ(s.n, 2);
  EXPECT_EQ(s.missing, 2);
  EXPECT_EQ(s.mean, 2);
  EXPECT_EQ(s.variance, 2);
}

TEST(Summarize, IsExactForEqualValuesOfAnySize) {
  for (const double value : {0.1, 1e300, -1e-300, 0.0, 4e-320, 1e308}) {
    const Summary s = Of(std::vector<double>(1001, value));
    EXPECT_EQ(s.mean_value(), value);
    EXPECT_EQ(s.variance, 0) << value;
  }
}

TEST(Summarize, KeepsDigitsAtTheEndsOfTheRange) {
  for (const double factor : {1e300, 1e-300}) {
    const Summary s = Of({1 * factor, 2 * factor, 3 * factor});
    EXPECT_NEAR(s.mean_value() / factor, 2, 1e-15);
    EXPECT_NEAR(s.deviation() / factor, 1, 1e-15);
  }
  EXPECT_NEAR(Of({-1e308, 1e308}).deviation() / 1e308, std::sqrt(2.0), 1e-15);
}

TEST(Summarize, SaysWhichValueIsInfinite) {
  const auto made = Summarize(std::vector{1.0, 2.0, -kInfinity});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().message, "value 2 is infinite");
}

TEST(Summarize, OfNothingHasNoMean) {
  EXPECT_EQ(Of({}).n, 0);
  EXPECT_TRUE(std::isnan(Of({}).mean));
  EXPECT_TRUE(std::isnan(Of({1}).variance));
}

TEST(Summarize, MergeEqualsSummarizingTogether) {
  const Summary merged = Merge(Of({1, 2, 4}), Merge(Of({}), Of({8, 16, kNaN})));
  const Summary whole = Of({1, 2, 4, 8, 16, kNaN});
  EXPECT_EQ(merged.n, whole.n);
  EXPECT_EQ(merged.missing, 1);
  EXPECT_NEAR(merged.mean, whole.mean, 1e-15);
  EXPECT_NEAR(merged.variance, whole.variance, 1e-13);
}

TEST(Welch, OfConstantSamplesDecidesByEquality) {
  const Summary same = Of({5, 5, 5});
  const Summary other = Of({6, 6});
  EXPECT_EQ(Welch(same, same, 0.95).p, 1);
  EXPECT_EQ(Welch(same, other, 0.95).p, 0);
  EXPECT_EQ(Welch(same, other, 0.95).interval.low, 1);
}

TEST(Welch, OfOneValueIsUndefined) {
  EXPECT_TRUE(std::isnan(Welch(Of({1}), Of({1, 2}), 0.95).p));
  EXPECT_TRUE(std::isnan(Welch(Of({}), Of({1, 2}), 0.95).p));
  EXPECT_FALSE(std::isnan(Student(Of({1}), Of({1, 2}), 0.95).p));
}

TEST(Welch, ComparesSamplesOfVeryDifferentSize) {
  const TestResult r = Welch(Of({1e300, 2e300, 3e300}), Of({1, 2, 3}), 0.95);
  EXPECT_NEAR(r.effect / -2e300, 1, 1e-12);
  EXPECT_NEAR(r.p, StudentTTwoSided(2 * std::sqrt(3.0), 2), 1e-12);
  EXPECT_TRUE(std::isfinite(r.interval.low));
}

TEST(MannWhitney, OfEqualValuesFindsNothing) {
  EXPECT_EQ(MannWhitney(std::vector{1.0, 1.0}, std::vector{1.0, 1.0, kNaN}).p, 1);
  EXPECT_TRUE(std::isnan(MannWhitney({}, std::vector{1.0}).p));
}

TEST(CountTests, RefuseWhatIsNoCount) {
  EXPECT_FALSE(TwoProportions({1, 0}, {1, 2}, 0.95).has_value());
  EXPECT_FALSE(TwoProportions({3, 2}, {1, 2}, 0.95).has_value());
  EXPECT_FALSE(ChiSquareTable(std::vector<double>{1, 2, 3}, 2, false).has_value());
  EXPECT_FALSE(ChiSquareTable(std::vector<double>{0, 2, 0, 3}, 2, false).has_value());
  EXPECT_FALSE(ChiSquareShares(std::vector<double>{1, -2}, std::vector<double>{1, 1}).has_value());
  EXPECT_FALSE(FisherExact({1, 2, 3, -4}).has_value());
  EXPECT_FALSE(SummarizePairs(std::vector<double>{1}, {}).has_value());
}

TEST(CountTests, OfNothingButFailuresFindNothing) {
  EXPECT_EQ(TwoProportions({0, 10}, {0, 20}, 0.95)->p, 1);
  EXPECT_EQ(FisherExact({0, 0, 3, 4})->p, 1);
}

TEST(Corrections, LeaveUndefinedOnesOut) {
  const auto holm = Holm(std::vector{0.01, kNaN, 0.02});
  EXPECT_EQ(holm[0], 0.02);
  EXPECT_TRUE(std::isnan(holm[1]));
  EXPECT_EQ(holm[2], 0.02);
  EXPECT_TRUE(Holm({}).empty());
  EXPECT_TRUE(BenjaminiHochberg({}).empty());
}

TEST(Distributions, OutsideTheirDomainAreNaN) {
  EXPECT_TRUE(std::isnan(StudentTSf(1, 0)));
  EXPECT_TRUE(std::isnan(StudentTQuantile(1.5, 3)));
  EXPECT_TRUE(std::isnan(ChiSquareSf(kNaN, 3)));
  EXPECT_TRUE(std::isnan(BetaCdf(0.5, -1, 1)));
  EXPECT_TRUE(std::isnan(BinomialCdf(1, -1, 0.5)));
  EXPECT_TRUE(std::isnan(HypergeometricPmf(1, 3, 4, 2)));
  EXPECT_TRUE(std::isnan(NormalQuantile(-0.1)));
  EXPECT_EQ(StudentTQuantile(1, 3), kInfinity);
  EXPECT_EQ(StudentTSf(kInfinity, 3), 0);
  EXPECT_EQ(StudentTSf(1.5, kInfinity), NormalSf(1.5));
}

TEST(Power, GrowsWithTheSampleAndRefusesNoEffect) {
  EXPECT_LT(PowerOfMeans(0.2, 50, 0.05, 1), PowerOfMeans(0.2, 500, 0.05, 1));
  const auto n = SampleSizeOfProportions(0.1, 0.12, 0.8, 0.05, 1);
  EXPECT_NEAR(PowerOfProportions(0.1, 0.12, *n, 0.05, 1), 0.8, 1e-9);
  EXPECT_EQ(SampleSizeOfMeans(0, 0.8, 0.05, 1).error().code, Code::kInvalidArgument);
  EXPECT_EQ(SampleSizeOfMeans(1e-9, 0.8, 0.05, 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(SampleSizeOfMeans(1, 0.8, 0.9, 1).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::experiments
