#include "assay/tuner/circle.h"

#include <algorithm>
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

TEST(Circle, ATableWithoutAnswersAndALogAreRefused) {
  Outcomes table = Table({"11"}, {1, 2});
  for (Outcome& row : table.rows) row.answer.assign(2, kNoAnswer);
  EXPECT_EQ(TuneCircle(table, {}, {}).error().code, Code::kInvalidArgument);
  table.logged = true;
  EXPECT_EQ(TuneCircle(table, {}, {}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::tuner
