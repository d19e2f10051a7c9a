#include "assay/logs/rates.h"

#include <random>

#include <gtest/gtest.h>

namespace assay::logs {
namespace {

// A minute a step; `errors` of each step, and 100 lines of no level so that each step was logged
// in.
TimeSeries SeriesOf(const std::vector<std::uint64_t>& errors) {
  TimeSeries series{.begin_s = 6000, .width_s = 60, .buckets = {}};
  for (const std::uint64_t count : errors) {
    auto& levels = series.buckets.emplace_back();
    levels[0] = 100;
    levels[static_cast<std::size_t>(LogLevel::kError)] = count;
  }
  return series;
}

std::vector<std::uint64_t> Poisson(std::size_t steps, double mean, unsigned seed) {
  std::mt19937 random(seed);
  std::poisson_distribution<std::uint64_t> draw(mean);
  std::vector<std::uint64_t> counts(steps);
  for (std::uint64_t& count : counts) count = draw(random);
  return counts;
}

TEST(FindBursts, NamesTheStepsOfABurst) {
  std::vector<std::uint64_t> errors = Poisson(200, 3, 1);
  errors[50] = 30;
  errors[51] = 40;
  errors[120] = 25;
  const auto bursts = FindBursts(SeriesOf(errors), errors);
  ASSERT_EQ(bursts.size(), 2U);
  EXPECT_EQ(bursts[0].begin_s, 6000 + 50 * 60);
  EXPECT_EQ(bursts[0].end_s, 6000 + 52 * 60);
  EXPECT_EQ(bursts[0].count, 70U);
  EXPECT_NEAR(bursts[0].expected, 6, 1.5);
  EXPECT_LT(bursts[0].p_value, 1e-6);
  EXPECT_EQ(bursts[1].count, 25U);
}

TEST(FindBursts, AreRareWhereThereAreNone) {
  std::size_t false_alarms = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const auto errors = Poisson(300, 5, seed);
    false_alarms += FindBursts(SeriesOf(errors), errors).size();
  }
  // One in a hundred by the level of the test; the trimmed mean is a little low.
  EXPECT_LE(false_alarms, 12U);
}

TEST(FindBursts, AFewErrorsInALogWithoutAnyAreABurst) {
  std::vector<std::uint64_t> errors(100, 0);
  errors[40] = 12;
  const auto bursts = FindBursts(SeriesOf(errors), errors);
  ASSERT_EQ(bursts.size(), 1U);
  EXPECT_EQ(bursts[0].begin_s, 6000 + 40 * 60);
  errors[40] = 2;
  EXPECT_TRUE(FindBursts(SeriesOf(errors), errors).empty());
}

TEST(FindBursts, SayNothingOfAFewSteps) {
  const std::vector<std::uint64_t> errors = {0, 0, 0, 100};
  EXPECT_TRUE(FindBursts(SeriesOf(errors), errors).empty());
}

TEST(FindRateChanges, NamesTheStepAndTheRates) {
  std::vector<std::uint64_t> counts = Poisson(100, 60, 2);
  const auto faster = Poisson(100, 180, 3);
  const auto slower = Poisson(100, 30, 4);
  counts.insert(counts.end(), faster.begin(), faster.end());
  counts.insert(counts.end(), slower.begin(), slower.end());
  const TimeSeries series = SeriesOf(counts);
  const auto changes = FindRateChanges(series, counts);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_NEAR(static_cast<double>(changes[0].at_s), 6000 + 100 * 60, 60);
  EXPECT_NEAR(changes[0].before_per_s, 1, 0.1);
  EXPECT_NEAR(changes[0].after_per_s, 3, 0.2);
  EXPECT_NEAR(static_cast<double>(changes[1].at_s), 6000 + 200 * 60, 60);
  EXPECT_NEAR(changes[1].after_per_s, 0.5, 0.05);
}

TEST(FindRateChanges, AreRareWhereTheRateStays) {
  std::size_t false_alarms = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const auto counts = Poisson(300, 40, seed);
    false_alarms += FindRateChanges(SeriesOf(counts), counts).size();
  }
  EXPECT_LE(false_alarms, 2U);
}

TEST(FindRateChanges, SilenceIsAChangeToo) {
  std::vector<std::uint64_t> counts = Poisson(50, 20, 5);
  counts.resize(100, 0);
  const auto changes = FindRateChanges(SeriesOf(counts), counts);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_NEAR(static_cast<double>(changes[0].at_s), 6000 + 50 * 60, 120);
  EXPECT_LT(changes[0].after_per_s, 0.02);
}

}  // namespace
}  // namespace assay::logs
