#include "assay/experiments/analysis.h"

#include <cmath>

#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/experiments/distributions.h"

namespace assay::experiments {
namespace {

MetricValues Counts(std::int64_t successes, std::int64_t n) {
  return {.counts = Proportion{successes, n}};
}

// Control, "b", "c" with a conversion rate and a guardrail of errors.
ExperimentData Shop() {
  return {.id = "shop",
          .metrics = {{.name = "conversion"},
                      {.name = "errors",
                       .direction = Direction::kDecrease,
                       .role = MetricRole::kGuardrail,
                       .margin = 0.02}},
          .variants = {{"control", 1, 10'000, {Counts(1000, 10'000), Counts(100, 10'000)}},
                       {"b", 1, 10'000, {Counts(1200, 10'000), Counts(101, 10'000)}},
                       {"c", 1, 10'000, {Counts(1300, 10'000), Counts(190, 10'000)}}}};
}

TEST(Analyze, TheBestVariantThatHurtsNoGuardrailWins) {
  const auto result = AnalyzeExperimentResults(Shop(), 0.95, 0.05);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->winner, 1U);
  EXPECT_TRUE(result->verdicts[1].improves);
  EXPECT_TRUE(result->verdicts[1].harms);
  EXPECT_EQ(result->reason, "'b' wins: better: conversion (+20.00 %)");
}

TEST(Analyze, NothingWinsBelowTheImprovementThreshold) {
  const auto result = AnalyzeExperimentResults(Shop(), 0.95, 0.25);
  EXPECT_FALSE(result->winner.has_value());
  EXPECT_NE(result->verdicts[0].reason.find("less than asked"), std::string::npos);
}

TEST(Analyze, NothingWinsWhenUnitsWentAstray) {
  ExperimentData data = Shop();
  data.variants[2].units = 9'000;
  const auto result = AnalyzeExperimentResults(data, 0.95, 0.05);
  EXPECT_TRUE(result->ratio_mismatch);
  EXPECT_FALSE(result->winner.has_value());
  data.variants[2].share = 0.9;
  EXPECT_EQ(AnalyzeExperimentResults(data, 0.95, 0.05)->winner, 1U);
}

TEST(Analyze, AGuardrailBearsItsMargin) {
  ExperimentData data = Shop();
  data.metrics[1].margin = 0.95;
  EXPECT_EQ(AnalyzeExperimentResults(data, 0.95, 0.05)->winner, 2U);
}

TEST(Analyze, CorrectsGoalsForTheirNumber) {
  core::SeededRng rng(1);
  std::vector<std::vector<double>> values;
  ExperimentData data;
  for (int m = 0; m < 8; ++m) data.metrics.push_back({.name = "m" + std::to_string(m)});
  for (int v = 0; v < 10; ++v) data.variants.push_back({.name = std::to_string(v)});
  for (VariantData& variant : data.variants) {
    for (int m = 0; m < 8; ++m) {
      auto& sample = values.emplace_back();
      for (int i = 0; i < 100; ++i) sample.push_back(NormalQuantile(rng.NextUnit() * 0.99 + 0.005));
      variant.metrics.push_back({.values = sample});
    }
  }
  const auto holm = AnalyzeExperimentResults(data, 0.95, 0.0);
  data.correction = Correction::kNone;
  const auto none = AnalyzeExperimentResults(data, 0.95, 0.0);
  int significant = 0;
  int uncorrected = 0;
  for (const Comparison& one : holm->comparisons) significant += one.significant ? 1 : 0;
  for (const Comparison& one : none->comparisons) uncorrected += one.significant ? 1 : 0;
  EXPECT_EQ(significant, 0);
  EXPECT_GT(uncorrected, 0);
  EXPECT_EQ(holm->comparisons.size(), 72U);
}

TEST(Analyze, SequentialIntervalsAreWider) {
  ExperimentData data = Shop();
  const auto once = AnalyzeExperimentResults(data, 0.95, 0.05);
  data.sequential = true;
  const auto always = AnalyzeExperimentResults(data, 0.95, 0.05);
  EXPECT_LT(always->comparisons[0].test.interval.low, once->comparisons[0].test.interval.low);
  EXPECT_GT(always->comparisons[0].test.p, once->comparisons[0].test.p);
}

TEST(Analyze, TooFewValuesAreNeverSignificant) {
  const std::vector<double> one = {1};
  const std::vector<double> many = {5, 6, 7};
  const ExperimentData data = {
      .metrics = {{.name = "m"}},
      .variants = {{"a", 1, 0, {{.values = one}}}, {"b", 1, 0, {{.values = many}}}}};
  const auto result = AnalyzeExperimentResults(data, 0.95, 0.05);
  EXPECT_TRUE(std::isnan(result->comparisons[0].test.p));
  EXPECT_FALSE(result->comparisons[0].significant);
}

TEST(Analyze, RefusesThresholdsThatAreMixedUp) {
  EXPECT_FALSE(AnalyzeExperimentResults(Shop(), 0.05, 0.05).has_value());
  EXPECT_FALSE(AnalyzeExperimentResults(Shop(), 0.95, -1).has_value());
  EXPECT_FALSE(AnalyzeExperimentResults({}, 0.95, 0.05).has_value());
}

TEST(ReadExperiment, TakesEveryForm) {
  const auto read = ReadExperiment(R"({"id": "x", "control": "old",
    "metrics": {"time": {"direction": "decrease"}, "bought": {}, "ctr": {}, "spend": {}, "rate": {}},
    "variants": {
      "new": {"metrics": {"time": [1, 2, null], "bought": [true, false, null], "rate": {"successes": 1, "n": 4},
              "ctr": {"values": [1, 2], "denominators": [3, 4]}, "spend": {"n": 9, "mean": 2, "variance": 1}}},
      "old": {"share": 2, "metrics": {"time": [1, 2, 3], "bought": [true, true], "rate": {"successes": 2, "n": 4},
              "ctr": {"values": [1, 2], "denominators": [3, 5]}, "spend": {"n": 9, "mean": 2, "deviation": 2}}}}})",
                                   "x.json");
  ASSERT_TRUE(read.has_value()) << read.error().message;
  const ExperimentData& data = read->data;
  EXPECT_EQ(data.variants[0].name, "old");
  EXPECT_EQ(data.variants[1].metrics[1].counts->n, 2);
  EXPECT_EQ(data.variants[0].metrics[3].summary->variance, 4);
  const auto result = AnalyzeExperimentResults(data, 0.95, 0.05);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(result->comparisons[0].n_treatment, 2);
  EXPECT_EQ(result->comparisons[2].method, "ratio");
}

TEST(ReadExperiment, ErrorsNameFileAndField) {
  const auto message = [](std::string_view text) {
    const auto read = ReadExperiment(text, "x.json");
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(message("[]"), "x.json: must be an object {...}");
  EXPECT_EQ(message(R"({"variants": {"a": {"metrics": {"m": [1, "2"]}}}})"),
            "x.json: variants.a.metrics.m[1]: must be a number, true, false or null");
  EXPECT_EQ(message(R"({"variants": {"a": {"metrics": {"m": [1]}}, "b": {"metrics": {}}}})"),
            "x.json: variants.b.metrics.m: is missing");
  EXPECT_EQ(
      message(R"({"varants": {}})"),
      "x.json: varants: unknown; known are id, control, correction, sequential, metrics, variants");
  EXPECT_EQ(message("{\n\"id\": }").substr(0, 27), "x.json: no JSON near line 2");
  EXPECT_NE(
      message(R"({"variants": {"a": {"metrics": {"m": {"values": [1], "covariates": [1, 2]}}}}})"),
      "");
}

}  // namespace
}  // namespace assay::experiments
