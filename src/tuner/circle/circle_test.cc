#include "assay/tuner/circle.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace assay::tuner {
namespace {

// `right` of each model, one digit a model; wrong answers differ unless `herd`.
Outcomes Table(const std::vector<std::string>& rows, const std::vector<double>& costs,
               bool herd = false) {
  Outcomes out;
  out.classes = {"all"};
  for (std::size_t m = 0; m < costs.size(); ++m) out.models.push_back(fmt::format("m{}", m));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Outcome row;
    row.split_hash = i;
    for (std::size_t m = 0; m < costs.size(); ++m) {
      const bool right = rows[i][m] == '1';
      row.quality.push_back(right ? 1 : 0);
      row.cost.push_back(costs[m]);
      row.latency_ms.push_back(100 * costs[m]);
      row.answer.push_back(right ? 0 : herd ? 1 : static_cast<std::uint32_t>(1 + m));
    }
    out.rows.push_back(std::move(row));
  }
  return out;
}

TEST(Circle, ACascadeStopsWhenTwoAgreeAndAFanoutAsksAll) {
  const Outcomes table = Table({"110", "011", "100"}, {1, 2, 4});
  const CircleValue cascade = EvaluateCircle(table, {CirclePolicy::kCascade, {0, 1, 2}}, 0.95);
  EXPECT_EQ(cascade.n, 3U);
  EXPECT_NEAR(cascade.quality.value, 1.0, 1e-12) << "of three that differ the first is served";
  EXPECT_NEAR(cascade.cost.value, (3 + 7 + 7) / 3.0, 1e-12);
  EXPECT_NEAR(cascade.asked, 8.0 / 3, 1e-12);
  EXPECT_NEAR(cascade.latency_ms.value, (300 + 700 + 700) / 3.0, 1e-9);
  const CircleValue fanout = EvaluateCircle(table, {CirclePolicy::kFanout, {0, 1, 2}}, 0.95);
  EXPECT_NEAR(fanout.cost.value, 7, 1e-12);
  EXPECT_NEAR(fanout.latency_ms.value, 400, 1e-9);
  const CircleValue single = EvaluateCircle(table, {CirclePolicy::kSingle, {1}}, 0.95);
  EXPECT_NEAR(single.quality.value, 2.0 / 3, 1e-12);
}

TEST(Circle, WrongAnswersThatAgreeAreServed) {
  const Outcomes table = Table({"001"}, {1, 1, 1}, true);
  EXPECT_EQ(EvaluateCircle(table, {CirclePolicy::kFanout, {2, 0, 1}}, 0.95).quality.value, 0);
}

TEST(Circle, BoundsDecideBetweenThePolicies) {
  std::mt19937_64 rng(3);
  std::vector<std::string> rows;
  for (int i = 0; i < 2000; ++i) {
    std::string row;
    for (const double right : {0.7, 0.7, 0.7, 0.8}) {
      row += std::bernoulli_distribution(right)(rng) ? '1' : '0';
    }
    rows.push_back(row);
  }
  const Outcomes table = Table(rows, {1, 1, 1, 9});
  const SearchOptions options{.evaluations = 4000};
  const auto cheap = TuneCircle(table, {.least_quality = 0.6}, options);
  ASSERT_TRUE(cheap) << cheap.error().message;
  EXPECT_EQ(cheap->plan.policy, CirclePolicy::kSingle);
  EXPECT_NE(cheap->plan.models.front(), 3U);
  // Three cheap ones are better than the dear one, for a third of its cost.
  const auto good = TuneCircle(table, {.least_quality = 0.79}, options);
  ASSERT_TRUE(good);
  EXPECT_EQ(good->plan.policy, CirclePolicy::kCascade);
  EXPECT_EQ(std::ranges::count(good->plan.models, 3U), 0);
  EXPECT_GT(good->enumerated, 60U);
  // The same quality sooner: at once, and so for more money.
  const auto quick = TuneCircle(table, {.least_quality = 0.79, .most_latency_ms = 150}, options);
  ASSERT_TRUE(quick);
  EXPECT_EQ(quick->plan.policy, CirclePolicy::kFanout);
  EXPECT_EQ(quick->plan.models.size(), 3U);
  const auto none = TuneCircle(table, {.least_quality = 0.99, .most_latency_ms = 150}, options);
  EXPECT_EQ(none.error().code, Code::kFailedPrecondition);
}

// A cheap model whose wrong answers the documents mostly do not support, and a dear one that is
// always right. `share` of an answer: what is supported of it.
Outcomes CheckedTable(std::size_t rows, double wrong_share) {
  std::mt19937_64 rng(5);
  Outcomes out = Table(std::vector<std::string>(rows, "11"), {1, 10});
  for (Outcome& row : out.rows) {
    row.answer.assign(2, kNoAnswer);
    const bool right = std::bernoulli_distribution(0.6)(rng);
    row.quality[0] = right ? 1 : 0;
    row.supported = {right ? 0.8 : wrong_share, 0.9};
    row.contradicted = {0, 0};
  }
  return out;
}

TEST(Circle, ACheckedCascadeStopsAtTheFirstAnswerThatIsSupportedAndNowhereContradicted) {
  Outcomes table = Table({"01", "01", "01", "10"}, {1, 10});
  const std::vector<std::vector<double>> supported = {
      {0.7, 0.9}, {0.6, 0.9}, {0.9, 0.2}, {0.5, 0.4}};
  const std::vector<std::vector<double>> contradicted = {{0, 0}, {0, 0}, {0.1, 0.3}, {0, 0}};
  for (std::size_t i = 0; i < 4; ++i) {
    table.rows[i].supported = supported[i];
    table.rows[i].contradicted = contradicted[i];
  }
  const CirclePlan plan{CirclePolicy::kChecked, {0, 1}, 0.7};
  const CircleValue value = EvaluateCircle(table, plan, 0.95);
  EXPECT_NEAR(value.asked, 7.0 / 4, 1e-12);
  // Served: the first, the second, and where none passes the least contradicted, most supported.
  EXPECT_NEAR(value.quality.value, (0 + 1 + 0 + 1) / 4.0, 1e-12);
  EXPECT_NEAR(value.cost.value, (1 + 11 + 11 + 11) / 4.0, 1e-12);
  table.rows[0].supported[1] = std::nan("");
  EXPECT_EQ(EvaluateCircle(table, plan, 0.95).n, 3U)
      << "where nobody has checked, nothing is known";
}

TEST(Circle, TheCutOffOfTheCheckIsTunedAndIsTheMostCarefulThatDoesTheSame) {
  const SearchOptions options{.evaluations = 4000};
  for (const double wrong_share : {0.3, 0.52}) {
    const auto tuned = TuneCircle(CheckedTable(400, wrong_share), {.least_quality = 0.99}, options);
    ASSERT_TRUE(tuned) << tuned.error().message;
    EXPECT_EQ(tuned->plan.policy, CirclePolicy::kChecked);
    EXPECT_EQ(tuned->plan.models, (std::vector<std::uint32_t>{0, 1}));
    EXPECT_DOUBLE_EQ(tuned->plan.min_supported, 0.8);
    EXPECT_EQ(tuned->enumerated, 2U + 2 * 21);
  }
  const auto lax = TuneCircle(CheckedTable(400, 0.3), {.least_quality = 0.5}, options);
  EXPECT_EQ(lax->plan.policy, CirclePolicy::kSingle) << "no check is cheaper than any";
  EXPECT_EQ(
      CircleLines(CheckedTable(1, 0), {CirclePolicy::kChecked, {0, 1}, 0.8}, "r", {"docs/"}),
      "routes:\n  \"r\": {experts: [\"m0\", \"m1\"], policy: cascade, documents: [\"docs/\"], "
      "consensus: {min_supported: 0.8}}\n");
}

TEST(Circle, AModelThatFewQuestionsAreKnownOfIsNoPlan) {
  Outcomes table = Table(std::vector<std::string>(10, "11"), {5, 1});
  for (std::size_t i = 0; i < 6; ++i) table.rows[i].quality[1] = std::nan("");
  const auto tuned = TuneCircle(table, {.least_quality = 0.9}, {.evaluations = 1000});
  ASSERT_TRUE(tuned);
  EXPECT_EQ(tuned->plan.models, std::vector<std::uint32_t>{0});
}

TEST(Circle, OneModelIsAskedAlone) {
  const auto tuned = TuneCircle(Table({"1", "1"}, {5}), {.least_quality = 0.9}, {});
  ASSERT_TRUE(tuned) << tuned.error().message;
  EXPECT_EQ(tuned->plan.models, std::vector<std::uint32_t>{0});
}

TEST(Circle, ATableWithoutAnswersAndALogAreRefused) {
  Outcomes table = Table({"11"}, {1, 2});
  for (Outcome& row : table.rows) row.answer.assign(2, kNoAnswer);
  EXPECT_EQ(TuneCircle(table, {}, {}).error().code, Code::kInvalidArgument);
  table.logged = true;
  EXPECT_EQ(TuneCircle(table, {}, {}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::tuner
