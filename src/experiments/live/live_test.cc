#include "assay/experiments/live.h"

#include <cmath>
#include <set>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "assay/experiments/distributions.h"

namespace assay::experiments {
namespace {

LiveExperiment Halves(std::string id, double ramp = 1) {
  return {.id = std::move(id), .ramp = ramp, .variants = {{"control", 1}, {"new", 1}}};
}

Assigner Make(std::vector<LiveExperiment> experiments) {
  auto made = Assigner::Create(std::move(experiments));
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
  return *std::move(made);
}

std::string Unit(int i) {
  return fmt::format("user-{}", i);
}

TEST(Assigner, KeepsEveryUnitsVariantWhenTheRampRises) {
  const Assigner little = Make({Halves("e", 0.1)});
  const Assigner most = Make({Halves("e", 0.9)});
  int in_little = 0;
  int in_most = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto before = little.VariantOf("e", Unit(i));
    const auto after = most.VariantOf("e", Unit(i));
    EXPECT_TRUE(!before || before == after);
    in_little += before ? 1 : 0;
    in_most += after ? 1 : 0;
  }
  EXPECT_NEAR(in_little, 2'000, 200);
  EXPECT_NEAR(in_most, 18'000, 200);
}

TEST(Assigner, SplitsAsTheSharesSay) {
  LiveExperiment one = Halves("shares");
  one.variants = {{"a", 5}, {"b", 3}, {"none", 0}, {"c", 2}};
  const Assigner assigner = Make({one});
  std::vector<double> counts(4, 0);
  for (int i = 0; i < 50'000; ++i) counts[assigner.VariantOf("shares", Unit(i)).value()] += 1;
  EXPECT_EQ(counts[2], 0);
  const auto test =
      ChiSquareShares(std::vector{counts[0], counts[1], counts[3]}, std::vector<double>{5, 3, 2});
  EXPECT_GT(test->p, 1e-3);
}

TEST(Assigner, LayersExcludeInsideAndAreIndependentOutside) {
  LiveExperiment a = Halves("a");
  a.slots = 5'000;
  LiveExperiment b = Halves("b");
  b.first_slot = 5'000;
  b.slots = 5'000;
  LiveExperiment other = Halves("other");
  other.layer = "second";
  const Assigner assigner = Make({a, b, other});
  std::vector<double> together(4, 0);
  for (int i = 0; i < 20'000; ++i) {
    const auto in_a = assigner.VariantOf("a", Unit(i));
    const auto in_b = assigner.VariantOf("b", Unit(i));
    EXPECT_NE(in_a.has_value(), in_b.has_value());
    if (in_a) together[*in_a * 2 + assigner.VariantOf("other", Unit(i)).value()] += 1;
  }
  EXPECT_GT(ChiSquareTable(together, 2, false)->p, 1e-3);
}

TEST(Assigner, DoesNotChangeBetweenVersions) {
  const Assigner assigner = Make({Halves("stable")});
  std::string variants;
  for (int i = 0; i < 16; ++i) variants += assigner.VariantOf("stable", Unit(i)) == 1U ? '1' : '0';
  EXPECT_EQ(variants, "0000110001011000");
}

TEST(Assigner, RefusesWhatCannotBe) {
  LiveExperiment late = Halves("late");
  late.first_slot = 9'000;
  late.slots = 2'000;
  LiveExperiment twice = Halves("twice");
  twice.variants[1].name = "control";
  LiveExperiment zero = Halves("zero");
  zero.variants = {{"a", 0}, {"b", 0}};
  for (const auto& bad : {late, twice, zero, Halves("ramp", 1.5), Halves("")}) {
    const auto made = Assigner::Create({bad});
    ASSERT_FALSE(made.has_value()) << bad.id;
    EXPECT_EQ(made.error().code, Code::kInvalidArgument);
    EXPECT_NE(made.error().message.find(bad.id), std::string::npos);
  }
  EXPECT_FALSE(Assigner::Create({Halves("a"), Halves("b")}).has_value());  // the same slots
  EXPECT_FALSE(Make({Halves("a")}).VariantOf("unknown", "u").has_value());
}

TEST(Outcomes, MergedPartsEqualTheWhole) {
  core::SeededRng rng(7);
  std::vector<double> values;
  OutcomeSum whole;
  OutcomeSum parts[3];
  for (int i = 0; i < 3'000; ++i) {
    values.push_back(1e6 + rng.NextUnit());
    whole.Add(values.back());
    parts[i % 7 % 3].Add(values.back());
  }
  whole.Add(std::nan(""));
  OutcomeSum merged;
  for (const OutcomeSum& part : parts) merged.Add(part);
  const Summary reference = *Summarize(values);
  for (const Summary& s : {whole.summary(), merged.summary()}) {
    EXPECT_EQ(s.n, 3'000);
    EXPECT_NEAR(s.mean, reference.mean, 1e-9);
    EXPECT_NEAR(s.variance, reference.variance, 1e-9);
  }
  EXPECT_EQ(whole.state().missing, 1);
  EXPECT_TRUE(OutcomeSum::FromState(whole.state()).has_value());
  EXPECT_FALSE(OutcomeSum::FromState({.n = 1, .squares = 2}).has_value());
}

TEST(Outcomes, ManyThreadsLoseNothing) {
  OutcomeBoard board(3, 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&board] {
      for (int i = 0; i < 5'000; ++i) {
        const auto variant = static_cast<std::size_t>(i % 3);
        ASSERT_TRUE(board.Record(variant, 1, static_cast<double>(variant)).has_value());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto cells = board.Snapshot();
  EXPECT_EQ(cells[0].summary().n, 0);
  EXPECT_EQ(cells[1].summary().n, 4 * 1667);
  EXPECT_EQ(cells[5].summary().n, 4 * 1666);
  EXPECT_EQ(cells[5].summary().mean, 2);
  EXPECT_EQ(board.Record(3, 0, 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(board.Look(1, 0, 1, 0.95).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(board.Look(1, 1, 1, 0.95)->p, 0);  // constant and different
}

// 400 experiments without an effect, looked at 30 times each: a fixed test would cry wolf in a
// third.
TEST(Sequential, PeekingDoesNotRaiseTheErrorRate) {
  core::SeededRng rng(11);
  int mixture = 0;
  int naive = 0;
  for (int run = 0; run < 400; ++run) {
    OutcomeBoard board(2, 1);
    bool seen = false;
    bool seen_naive = false;
    for (int look = 0; look < 30; ++look) {
      for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(
            board.Record(0, 0, NormalQuantile(rng.NextUnit() * 0.999 + 0.0005)).has_value());
        ASSERT_TRUE(
            board.Record(1, 0, NormalQuantile(rng.NextUnit() * 0.999 + 0.0005)).has_value());
      }
      seen |= board.Look(1, 0, 0.2, 0.95)->p < 0.05;
      const auto cells = board.Snapshot();
      seen_naive |= Welch(cells[0].summary(), cells[1].summary(), 0.95).p < 0.05;
    }
    mixture += seen ? 1 : 0;
    naive += seen_naive ? 1 : 0;
  }
  EXPECT_LE(mixture, 20 + 13);  // 5 % and three standard errors
  EXPECT_GT(naive, 80);
}

TEST(Bandit, PlaysTheBestArmMoreAndMore) {
  core::SeededRng rng(5);
  ThompsonBandit bandit(3);
  const double rates[] = {0.2, 0.5, 0.35};
  int best = 0;
  for (int i = 0; i < 4'000; ++i) {
    const std::size_t arm = bandit.Choose(rng);
    best += arm == 1 && i >= 2'000 ? 1 : 0;
    ASSERT_TRUE(bandit.Reward(arm, rng.NextUnit() < rates[arm] ? 1 : 0, rng).has_value());
  }
  EXPECT_GT(best, 1'800);
  EXPECT_EQ(bandit.Reward(3, 1, rng).error().code, Code::kOutOfRange);
  EXPECT_EQ(bandit.Reward(0, 1.5, rng).error().code, Code::kInvalidArgument);
}

TEST(Bandit, DrawsFromTheBetaPosterior) {
  core::SeededRng rng(3);
  // The share of choices is the probability that one posterior exceeds the other.
  int chosen = 0;
  constexpr int kDraws = 20'000;
  ThompsonBandit bandit(2, {.a = 0.7, .b = 1.9});
  const auto compared = CompareBetaBinomial({0, 0}, {6, 8}, {.a = 0.7, .b = 1.9}, 0.95);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(bandit.Reward(1, i < 6 ? 1 : 0, rng).has_value());
  for (int i = 0; i < kDraws; ++i) chosen += bandit.Choose(rng) == 1 ? 1 : 0;
  EXPECT_NEAR(chosen / static_cast<double>(kDraws), compared->probability_better, 0.012);
}

}  // namespace
}  // namespace assay::experiments
