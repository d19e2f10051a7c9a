#include "assay/experiments/resample.h"

#include <cmath>

#include <gtest/gtest.h>

#include "assay/core/parallel.h"
#include "assay/core/simd.h"

namespace assay::experiments {
namespace {

std::vector<double> Line(std::size_t n, double step) {
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<double>(i) * step + 1);
  return out;
}

TEST(Bootstrap, IsTheSameOnEverySimdTargetAndNumberOfThreads) {
  const auto c = Line(37, 0.25);
  const auto t = Line(50, 0.5);
  const auto first = Bootstrap(c, t, {.resamples = 777, .seed = 3});
  ASSERT_TRUE(first.has_value());
  for (const auto target : core::SimdTargets()) {
    ASSERT_TRUE(core::ForceSimdTarget(target).has_value());
    const core::ThreadLimit limit(1);
    // Multiples of 1/4 add up without rounding, so not even the last bit may differ.
    EXPECT_EQ(Bootstrap(c, t, {.resamples = 777, .seed = 3})->distribution, first->distribution)
        << target;
  }
  core::ResetSimdTarget();
}

TEST(Bootstrap, ErrorIsNearTheFormulas) {
  const auto c = Line(200, 1);
  const auto t = Line(300, 1);
  const auto r = Bootstrap(c, t, {});
  const TestResult welch = Welch(*Summarize(c), *Summarize(t), 0.95);
  EXPECT_NEAR(r->effect, welch.effect, 1e-12);
  EXPECT_NEAR(r->error / welch.error, 1, 0.03);
  EXPECT_NEAR(r->percentile.low, welch.interval.low, 0.5);
  EXPECT_NEAR(r->bca.high, welch.interval.high, 0.5);
}

TEST(Bootstrap, OfConstantSamplesHasAPercentileIntervalOfOnePoint) {
  const std::vector<double> five(10, 5);
  const std::vector<double> six(12, 6);
  const auto r = Bootstrap(five, six, {.resamples = 100});
  EXPECT_EQ(r->percentile.low, 1);
  EXPECT_EQ(r->percentile.high, 1);
}

TEST(Bootstrap, RefusesWhatItCannotDraw) {
  const auto two = Line(2, 1);
  EXPECT_FALSE(Bootstrap(Line(1, 1), two).has_value());
  EXPECT_FALSE(Bootstrap(two, std::vector<double>{1, HUGE_VAL}).has_value());
  EXPECT_FALSE(Bootstrap(two, two, {.resamples = 99}).has_value());
  EXPECT_FALSE(Bootstrap(two, two, {.confidence = 1}).has_value());
  const std::vector<double> around_zero = {-1, 1};
  EXPECT_FALSE(Bootstrap(around_zero, two, {.effect = BootstrapEffect::kRelative}).has_value());
}

}  // namespace
}  // namespace assay::experiments
