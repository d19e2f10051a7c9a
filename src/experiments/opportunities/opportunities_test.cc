#include "assay/experiments/opportunities.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/experiments/distributions.h"

#include "opportunities/series_internal.h"

namespace assay::experiments {
namespace {

constexpr std::size_t kLength = 240;
constexpr double kLevel = 100;
constexpr double kDeviation = 5;

// Noise in which neighbours agree a little: an autoregression with coefficient 0.3.
std::vector<double> Noise(core::Rng& rng, double deviation, std::size_t n = kLength) {
  std::vector<double> out;
  double last = 0;
  for (std::size_t i = 0; i < n; ++i) {
    last = 0.3 * last + NormalQuantile(rng.NextUnit() * 0.9999 + 0.00005) * std::sqrt(1 - 0.09);
    out.push_back(deviation * last);
  }
  return out;
}

struct Planted {
  std::vector<MetricSeries> metrics;
  std::vector<std::vector<double>> values;
  std::set<std::pair<OpportunityKind, std::uint32_t>> truth;
};

// Eight metrics with a daily season; each kind of opportunity in about one of six.
Planted PlantSystem(core::Rng& rng) {
  Planted out;
  out.values.reserve(64);
  for (std::uint32_t m = 0; m < 8; ++m) {
    const double good = m % 2 == 0 ? 1 : -1;
    const auto planted = [&](OpportunityKind kind) {
      const bool here = rng.NextUnit() < 1.0 / 6;
      if (here) out.truth.emplace(kind, m);
      return here;
    };
    const std::vector<double> driver = Noise(rng, 2);
    std::vector<double> y = Noise(rng, kDeviation);
    const double drift =
        planted(OpportunityKind::kTrend) ? -good * 12 : (m % 3 == 0 ? good * 6 : 0);
    const double shift = planted(OpportunityKind::kAnomaly) ? -good * 15 : 0;
    const double slope = planted(OpportunityKind::kElasticity) ? 1.2 : 0;
    for (std::size_t i = 0; i < kLength; ++i) {
      const double part = static_cast<double>(i) / kLength;
      y[i] += kLevel + drift * part + (i >= kLength - kLength / 20 ? shift : 0) +
              slope * driver[i] + 15 * std::sin(2 * 3.14159265 * static_cast<double>(i % 24) / 24);
    }
    MetricSeries metric;
    metric.name = "m" + std::to_string(m);
    metric.direction = good > 0 ? Direction::kIncrease : Direction::kDecrease;
    metric.period = 24;
    metric.target = kLevel + drift + (planted(OpportunityKind::kHeadroom) ? good * 8 : -good * 8);
    metric.values = out.values.emplace_back(std::move(y));
    metric.drivers.push_back({"d", out.values.emplace_back(driver)});
    out.metrics.push_back(std::move(metric));
  }
  return out;
}

TEST(Opportunities, PlantedEffectsAreFoundInAThousandSystems) {
  core::SeededRng rng(2026);
  std::array<int, 4> right{};
  std::array<int, 4> found{};
  std::array<int, 4> planted{};
  for (int system = 0; system < 1000; ++system) {
    const Planted one = PlantSystem(rng);
    for (const auto& [kind, metric] : one.truth) ++planted[static_cast<std::size_t>(kind)];
    const auto result = IdentifyImprovementOpportunities(one.metrics);
    ASSERT_TRUE(result.has_value());
    for (const Opportunity& opportunity : *result) {
      const auto kind = static_cast<std::size_t>(opportunity.kind);
      ++found[kind];
      right[kind] += one.truth.contains({opportunity.kind, opportunity.metric}) ? 1 : 0;
    }
  }
  int all_right = 0;
  int all_found = 0;
  int all_planted = 0;
  for (std::size_t kind = 0; kind < 4; ++kind) {
    all_right += right[kind];
    all_found += found[kind];
    all_planted += planted[kind];
    const double precision = static_cast<double>(right[kind]) / found[kind];
    const double recall = static_cast<double>(right[kind]) / planted[kind];
    const auto name = NameOf(static_cast<OpportunityKind>(kind));
    std::printf("%s: planted %d, precision %.3f, recall %.3f\n", std::string(name).c_str(),
                planted[kind], precision, recall);
    EXPECT_GT(precision, 0.9) << name;
    EXPECT_GT(recall, 0.9) << name;
  }
  EXPECT_GT(static_cast<double>(all_right) / all_found, 0.95);
  EXPECT_GT(static_cast<double>(all_right) / all_planted, 0.95);
}

TEST(Opportunities, AreRankedByImpactWithAReason) {
  core::SeededRng rng(4);
  std::vector<double> small = Noise(rng, 1);
  std::vector<double> large = Noise(rng, 1);
  for (double& value : small) value += 100;
  for (double& value : large) value += 100;
  const std::vector<MetricSeries> metrics = {
      {.name = "small", .values = small, .target = 103},
      {.name = "large", .values = large, .target = 120},
  };
  const auto result = IdentifyImprovementOpportunities(metrics);
  ASSERT_EQ(result->size(), 2U);
  EXPECT_EQ((*result)[0].metric, 1U);
  EXPECT_NEAR((*result)[0].impact, 0.2, 0.01);
  EXPECT_LT((*result)[0].interval.low, 0.2);
  EXPECT_GT((*result)[0].interval.high, 0.2);
  EXPECT_NE((*result)[0].reason.find("its target at 120"), std::string::npos);
}

TEST(Opportunities, SpikesInThePastAndMissingValuesDoNotMislead) {
  core::SeededRng rng(9);
  std::vector<double> y = Noise(rng, 1);
  for (double& value : y) value += 50;
  for (std::size_t i = 10; i < 200; i += 19) y[i] = 500;
  for (std::size_t i = 5; i < 240; i += 7) y[i] = std::nan("");
  const auto result =
      IdentifyImprovementOpportunities(std::vector<MetricSeries>{{.name = "m", .values = y}});
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->empty());
}

TEST(Opportunities, ConstantSeriesGiveNoneButHeadroom) {
  const std::vector<double> y(100, 7);
  const auto result = IdentifyImprovementOpportunities(
      std::vector<MetricSeries>{{.name = "m", .values = y, .target = 8}});
  ASSERT_EQ(result->size(), 1U);
  EXPECT_EQ((*result)[0].kind, OpportunityKind::kHeadroom);
}

TEST(Opportunities, RefuseShortAndBrokenSeries) {
  const std::vector<double> few(15, 1);
  const std::vector<double> enough(20, 1);
  const auto message = [](const MetricSeries& metric) {
    const auto result = IdentifyImprovementOpportunities(std::span(&metric, 1));
    return result ? "" : result.error().message;
  };
  EXPECT_NE(message({.name = "m", .values = few}), "");
  EXPECT_NE(message({.name = "m", .values = enough, .weight = 0}), "");
  EXPECT_EQ(message({.name = "m", .values = enough, .drivers = {{"d", few}}}),
            "metric 'm': driver 'd' has 15 values in place of 20");
}

double MedianBySorting(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : 0.5 * (values[middle] + values[middle - 1]);
}

TEST(Median, IsThatOfTheSortedValuesInEveryOrder) {
  core::SeededRng rng(12);
  EXPECT_EQ(internal::Median({}), 0);
  for (std::size_t n = 1; n <= 300; ++n) {
    std::vector<double> random;
    std::vector<double> few;    // many equal ones
    std::vector<double> pipes;  // rising, then falling
    std::vector<double> teeth;
    for (std::size_t i = 0; i < n; ++i) {
      random.push_back(rng.NextUnit() - 0.5);
      few.push_back(std::floor(4 * rng.NextUnit()));
      pipes.push_back(static_cast<double>(std::min(i, n - i)));
      teeth.push_back(static_cast<double>(i % 2 == 0 ? i : n - i));
    }
    std::vector<double> rising = random;
    std::ranges::sort(rising);
    const std::vector<double> falling(rising.rbegin(), rising.rend());
    for (std::vector<double> values : {random, few, pipes, teeth, rising, falling}) {
      const double expected = MedianBySorting(values);
      EXPECT_EQ(internal::Median(values), expected) << "n " << n;
    }
  }
}

// An order made against this very selection (McIlroy's adversary, 1999): 17 rounds, past the 14
// after which the library's takes over.
TEST(Median, OfAnAdversarialOrderIsStillRight) {
  std::vector<double> values = {0,  34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,
                                33, 31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9,  7,  5,  3,
                                1,  49, 30, 50, 28, 51, 26, 52, 24, 53, 22, 54, 20, 55, 18, 56,
                                16, 57, 14, 58, 12, 59, 10, 60, 8,  61, 6,  62, 4,  63, 2,  32};
  EXPECT_EQ(internal::Median(values), 31.5);
}

TEST(Opportunities, APeriodBeyondTheSeriesIsNoSeason) {
  core::SeededRng rng(4);
  std::vector<double> y = Noise(rng, 1);
  for (double& value : y) value += 100;
  const auto found = [&](std::size_t period) {
    return *IdentifyImprovementOpportunities(
        std::vector<MetricSeries>{{.name = "m", .values = y, .target = 120, .period = period}});
  };
  ASSERT_EQ(found(0).size(), 1U);
  for (const std::size_t period : {std::size_t{200}, ~std::size_t{0}, ~std::size_t{0} / 2 + 1}) {
    ASSERT_EQ(found(period).size(), 1U) << period;
    EXPECT_EQ(found(period)[0].impact, found(0)[0].impact);
  }
}

TEST(ReadMetrics, TakesListsAndObjects) {
  const auto read =
      ReadMetrics(R"({"metrics": {"a": [1, 2, null], "b": {"values": [3], "direction": "decrease",
    "target": 2, "period": 24, "weight": 2, "drivers": {"x": [9]}}}})",
                  "m.json");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->metrics[0].values.size(), 3U);
  EXPECT_EQ(read->metrics[1].drivers[0].values[0], 9);
  EXPECT_EQ(ReadMetrics(R"({"metrics": {"a": 1}})", "m.json").error().message,
            "m.json: metrics.a: must be a list of numbers or an object with 'values'");
  EXPECT_FALSE(ReadMetrics("{", "m.json").has_value());
}

}  // namespace
}  // namespace assay::experiments
