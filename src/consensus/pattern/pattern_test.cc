#include "assay/consensus/pattern.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

namespace assay::consensus {
namespace {

double Normal(core::SeededRng& rng) {  // Box and Muller 1958
  return std::sqrt(-2 * std::log(1 - rng.NextUnit())) *
         std::cos(2 * std::numbers::pi * rng.NextUnit());
}

PatternReport MustAnalyze(const std::vector<Event>& events) {
  auto report = AnalyzePatterns(events);
  EXPECT_TRUE(report) << report.error().message;
  return report ? *std::move(report) : PatternReport{};
}

TEST(AutocorrelationTest, EqualsTheSumsWrittenOut) {
  core::SeededRng rng(1);
  for (const std::size_t n : {1U, 2U, 3U, 17U, 64U, 100U}) {
    std::vector<double> values(n);
    for (double& value : values) value = rng.NextUnit();
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
    double zero = 0;
    for (const double value : values) zero += (value - mean) * (value - mean);
    const std::vector<double> got = Autocorrelation(values);
    ASSERT_EQ(got.size(), n);
    for (std::size_t k = 0; k < n && zero > 0; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i + k < n; ++i) sum += (values[i] - mean) * (values[i + k] - mean);
      EXPECT_NEAR(got[k], sum / zero, 1e-9) << n << " " << k;
    }
  }
  EXPECT_EQ(Autocorrelation(std::vector<double>(5, 2.5))[1], 0);
}

TEST(AnalyzePatternsTest, CountsPatternsAndWhatRepeats) {
  const PatternReport got = MustAnalyze({{0, "b", 1}, {1, "a", 2}, {2, "a", 4}, {3, "c", 0}});
  EXPECT_EQ(got.events, 4U);
  EXPECT_EQ(got.distinct, 3U);
  EXPECT_DOUBLE_EQ(got.repeated, 0.25);
  EXPECT_DOUBLE_EQ(got.entropy_bits, 1.5);
  EXPECT_EQ(got.top[0].pattern, "a");
  EXPECT_DOUBLE_EQ(got.top[0].value_mean, 3);
  EXPECT_EQ(got.top[1].pattern, "b");
  EXPECT_DOUBLE_EQ(got.values.median, 1.5);
  EXPECT_DOUBLE_EQ(got.values.deviation, std::sqrt(35.0 / 12));
}

TEST(AnalyzePatternsTest, DescribesTheShapeOfTheCurve) {
  std::vector<Event> line, zigzag;
  for (int i = 0; i <= 100; ++i) {
    line.push_back({static_cast<double>(i), "x", 3.0 * i});
    zigzag.push_back({static_cast<double>(i), "x", static_cast<double>(i % 2)});
  }
  const Geometry straight = MustAnalyze(line).geometry;
  EXPECT_NEAR(straight.straightness, 1, 1e-9);
  EXPECT_NEAR(straight.area, 0.5, 1e-9);
  EXPECT_NEAR(straight.slope, 1, 1e-9);
  EXPECT_NEAR(straight.turning, 0, 1e-9);
  EXPECT_NEAR(straight.hull_area, 0, 1e-9);
  const Geometry jagged = MustAnalyze(zigzag).geometry;
  EXPECT_GT(jagged.turning, 3);
  EXPECT_GT(jagged.length, 99);
  EXPECT_NEAR(jagged.hull_area, 0.99, 1e-9);  // the corners at the upper ends are missing
}

TEST(AnalyzePatternsTest, FindsAPlantedPeriodInWhateverOrderTheEventsCome) {
  core::SeededRng rng(2);
  std::vector<Event> events;
  for (int day = 0; day < 30; ++day) {
    for (int i = 0; i < 60; ++i)
      events.push_back({86400.0 * day + 3600 * (9 + 3 * rng.NextUnit()), "x", 0});
    for (int i = 0; i < 20; ++i) events.push_back({86400.0 * (day + rng.NextUnit()), "x", 0});
  }
  for (std::size_t k = events.size(); k > 1; --k) std::swap(events[k - 1], events[rng.Below(k)]);
  const PatternReport got = MustAnalyze(events);
  ASSERT_FALSE(got.periods.empty());
  EXPECT_NEAR(got.periods[0].seconds, 86400, 86400 * 0.02);
  std::vector<Event> random;
  for (int i = 0; i < 2000; ++i) random.push_back({1e6 * rng.NextUnit(), "x", 0});
  EXPECT_TRUE(MustAnalyze(random).periods.empty());
}

TEST(AnalyzePatternsTest, FindsPlantedChangesAndOutliersAndNoOthers) {
  core::SeededRng rng(3);
  std::size_t false_changes = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<Event> events;
    for (int i = 0; i < 900; ++i) {
      const double level = i < 300 ? 10 : i < 600 ? 13 : 9;
      double value = level + Normal(rng);
      if (i == 150 || i == 700) value += 12;
      events.push_back({static_cast<double>(i), "x", value});
    }
    const PatternReport got = MustAnalyze(events);
    for (const double planted : {300.0, 600.0}) {
      EXPECT_TRUE(std::ranges::any_of(got.changes, [&](const ChangePoint& c) {
        return std::abs(c.time_s - planted) <= 5;
      })) << round;
    }
    false_changes += got.changes.size() - 2;
    for (const std::size_t planted : {150U, 700U}) {
      EXPECT_TRUE(
          std::ranges::any_of(got.outliers, [&](const Outlier& o) { return o.index == planted; }));
    }
    EXPECT_LE(got.outliers.size(), 6U);
  }
  EXPECT_LE(false_changes, 2U);
}

TEST(AnalyzePatternsTest, DefinesTheSmallestHistories) {
  EXPECT_EQ(AnalyzePatterns({}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(AnalyzePatterns(std::vector<Event>{{NAN, "x", 0}}).error().code,
            Code::kInvalidArgument);
  const PatternReport one = MustAnalyze({{5, "x", 7}});
  EXPECT_EQ(one.values.mean, 7);
  EXPECT_EQ(one.geometry.length, 0);
  const PatternReport same = MustAnalyze(std::vector<Event>(40, {1, "x", 2}));
  EXPECT_TRUE(same.changes.empty());
  EXPECT_TRUE(same.outliers.empty());
  EXPECT_TRUE(same.periods.empty());
}

TEST(PatternSvgTest, IsAPictureWithoutRawMarkup) {
  const std::vector<Event> events = {{0, "<script>&\xFF", 1}, {1, "b", 2}};
  const std::string svg = PatternSvg(events, MustAnalyze(events));
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_NE(svg.find("&lt;script&gt;&amp;\uFFFD"), std::string::npos);
  EXPECT_EQ(svg.find("<script"), std::string::npos);
}

}  // namespace
}  // namespace assay::consensus
