#include "assay/tuner/routing.h"

#include <cmath>
#include <cstdlib>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"

namespace assay::tuner {
namespace {

ClassTable RandomTable(core::Rng& rng, std::size_t classes, std::size_t models) {
  ClassTable out;
  double sum = 0;
  for (std::size_t c = 0; c < classes; ++c) {
    out.share.push_back(0.2 + rng.NextUnit());
    sum += out.share.back();
    auto& quality = out.quality.emplace_back();
    auto& cost = out.cost.emplace_back();
    for (std::size_t m = 0; m < models; ++m) {
      quality.push_back(0.4 + 0.1 * static_cast<double>(m) + 0.4 * rng.NextUnit());
      cost.push_back((1 + static_cast<double>(m)) * (0.5 + rng.NextUnit()));
    }
  }
  for (double& share : out.share) share /= sum;
  return out;
}

TEST(TunePolicy, EveryEngineIsAtTheOptimumOfSmallCases) {
  core::SeededRng rng(12);
  for (const Engine engine : {Engine::kAnnealing, Engine::kGenetic, Engine::kDifferential}) {
    int optimal = 0;
    double worst = 1;
    constexpr int kCases = 25;
    for (int i = 0; i < kCases; ++i) {
      const ClassTable table = RandomTable(rng, 8, 3);
      const double bound = ValueOf(table, Policy(8, 2)).quality;  // that of the dearest model
      const auto exact = EnumeratePolicies(table, bound);
      const auto tuned =
          TunePolicy(table, bound, {.engine = engine, .evaluations = 6'000, .restarts = 2});
      ASSERT_TRUE(exact.has_value() && tuned.has_value());
      EXPECT_GE(ValueOf(table, *tuned).quality, bound - 1e-9);
      const double ratio = ValueOf(table, *tuned).cost / ValueOf(table, *exact).cost;
      optimal += ratio < 1 + 1e-9 ? 1 : 0;
      worst = std::max(worst, ratio);
    }
    EXPECT_GE(optimal, kCases - 3) << static_cast<int>(engine);
    EXPECT_LT(worst, 1.03) << static_cast<int>(engine);
  }
}

TEST(TunePolicy, SaysWhenNoPolicyIsGoodEnough) {
  core::SeededRng rng(1);
  const ClassTable table = RandomTable(rng, 4, 2);
  EXPECT_EQ(TunePolicy(table, 1.5, {.evaluations = 500}).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(EnumeratePolicies(table, 1.5).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(EnumeratePolicies(RandomTable(rng, 30, 2), 0.1).error().code, Code::kOutOfRange);
}

// Two classes and two models whose true rates are known; the log's policy prefers the wrong model.
std::string MakeLog(core::Rng& rng, int rows) {
  constexpr double kTruth[2][2] = {{0.9, 0.6}, {0.3, 0.7}};
  std::string out;
  for (int i = 0; i < rows; ++i) {
    const std::size_t c = rng.Below(2);
    const double of_second = c == 0 ? 0.8 : 0.25;
    const std::size_t m = rng.NextUnit() < of_second ? 1 : 0;
    const bool good = rng.NextUnit() < kTruth[c][m];
    out += fmt::format(
        R"({{"class": "c{}", "model": "m{}", "propensity": {}, "reward": {}, "cost": {}, "question": "q{}"}})"
        "\n",
        c, m, m == 1 ? of_second : 1 - of_second, good, m == 1 ? 2 : 1, i);
  }
  return out;
}

TEST(Evaluate, OffPolicyIntervalsCoverTheTruthAsOftenAsTheySay) {
  core::SeededRng rng(77);
  int ips = 0;
  int snips = 0;
  int doubly = 0;
  constexpr int kRuns = 200;
  double width_ips = 0;
  double width_doubly = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto log = ReadOutcomes(MakeLog(rng, 600), "log", {});
    ASSERT_TRUE(log.has_value()) << log.error().message;
    const SplitOutcomes parts = Split(*log);
    Policy policy(2, 0);  // m0 for c0, m1 for c1: 0.9 and 0.7
    for (std::uint32_t c = 0; c < 2; ++c) {
      const std::string wanted = log->classes[c] == "c0" ? "m0" : "m1";
      policy[c] = log->models[0] == wanted ? 0 : 1;
    }
    const PolicyValue value = Evaluate(parts.held_back, policy, Tabulate(parts.tune, 5), 0.95);
    const auto covers = [](const Estimate& e) {
      return e.interval.low <= 0.8 && 0.8 <= e.interval.high;
    };
    ips += covers(*value.ips) ? 1 : 0;
    snips += covers(*value.snips) ? 1 : 0;
    doubly += covers(value.quality) ? 1 : 0;
    width_ips += value.ips->interval.high - value.ips->interval.low;
    width_doubly += value.quality.interval.high - value.quality.interval.low;
  }
  for (const int covered : {ips, snips, doubly}) {
    EXPECT_GE(covered, kRuns * 90 / 100);
  }
  EXPECT_LT(width_doubly, 0.8 * width_ips);
}

TEST(ReadOutcomes, ErrorsNameFileAndLine) {
  const auto message = [](std::string_view text) {
    const auto read = ReadOutcomes(text, "f.jsonl", {});
    return read ? "" : read.error().message;
  };
  EXPECT_EQ(message("{}\n"), "f.jsonl:1: has neither a class nor a question");
  EXPECT_EQ(message("\n\n[1]"), "f.jsonl:3: is no JSON object");
  EXPECT_EQ(message(R"({"class": "a", "correct": {"m": 2}})"),
            "f.jsonl:1: has a quality that is neither true, false nor in [0, 1]");
  EXPECT_EQ(message(R"({"class": "a", "model": "m", "reward": 1, "propensity": 0})"),
            "f.jsonl:1: has a 'propensity' that is not in (0, 1]");
  EXPECT_EQ(message(R"({"class": "a", "correct": {"m": true}})"),
            "f.jsonl: there must be two models or more");
  EXPECT_EQ(message(""), "f.jsonl: there are no records");
}

TEST(ReadOutcomes, MakesClassesByLengthWhereThereAreNone) {
  std::string text;
  for (int i = 1; i <= 40; ++i) {
    text += fmt::format(
        R"({{"question": "{}", "answers": [{{"model": "a", "correct": true, "text": "1234"}}, {{"model": "b", "correct": false}}]}})"
        "\n",
        std::string(static_cast<std::size_t>(i), 'x'));
  }
  const auto read =
      ReadOutcomes(text, "f", {.usd_per_million_tokens = {{"a", 4e6}}, .class_field = {}});
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->classes.size(), 4U);
  EXPECT_EQ(read->rows.front().question_class, 0U);
  EXPECT_EQ(read->rows.back().question_class, 3U);
  EXPECT_EQ(read->rows[0].cost[0], 5);  // 1 + 4 characters at 4 USD a token
}

TEST(ConfigLines, NameARouteForEachClass) {
  Outcomes outcomes;
  outcomes.classes = {"law", "odd \"one\""};
  outcomes.models = {"small", "large"};
  EXPECT_EQ(ConfigLines(outcomes, {0, 1}, "ask-"),
            "routes:\n  \"ask-law\": {experts: [\"small\", \"large\"]}\n"
            "  \"ask-odd \\\"one\\\"\": {experts: [\"large\", \"small\"]}\n");
}

// The best single model's accuracy for less money, shown on questions that tuning did not see.
TEST(TunePolicy, SavesMoneyOnRealOutcomesThatItHasNotSeen) {
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) GTEST_SKIP() << "set ASSAY_DATA to the folder of the data sets";
  const std::string path = std::string(data) + "/consensus/routellm_mmlu.jsonl";
  const auto text = core::FileSystem::Real().ReadFile(path, 1 << 30);
  ASSERT_TRUE(text.has_value());
  const auto outcomes = ReadOutcomes(
      *text, path,
      {.usd_per_million_tokens = {{"mixtral-8x7b-instruct", 0.24}, {"gpt-4-1106-preview", 24.7}},
       .class_field = {}});
  ASSERT_TRUE(outcomes.has_value()) << outcomes.error().message;
  EXPECT_EQ(outcomes->rows.size(), 6992U);
  EXPECT_EQ(outcomes->classes.size(), 57U);
  const SplitOutcomes parts = Split(*outcomes);
  const ClassTable table = Tabulate(parts.tune, 20);
  const Policy large(57, outcomes->models[0] == "gpt-4-1106-preview" ? 0 : 1);
  const Policy small(57, 1 - large[0]);
  const double bound = ValueOf(table, small).quality +
                       0.8 * (ValueOf(table, large).quality - ValueOf(table, small).quality);
  const auto policy = TunePolicy(table, bound, {.evaluations = 20'000, .restarts = 2});
  ASSERT_TRUE(policy.has_value()) << policy.error().message;
  const PolicyValue tuned = Evaluate(parts.held_back, *policy, table, 0.95);
  const PolicyValue of_large = Evaluate(parts.held_back, large, table, 0.95);
  const PolicyValue of_small = Evaluate(parts.held_back, small, table, 0.95);
  // Mixing both models at random costs in proportion to the accuracy.
  const double part = (tuned.quality.value - of_small.quality.value) /
                      (of_large.quality.value - of_small.quality.value);
  const double mixed = of_small.cost.value + part * (of_large.cost.value - of_small.cost.value);
  EXPECT_LT(tuned.cost.value, 0.75 * of_large.cost.value);
  EXPECT_LT(tuned.cost.value, mixed);
}

}  // namespace
}  // namespace assay::tuner
