#include <gtest/gtest.h>

#include "assay/cache/semantic/same_answer.h"
#include "assay/core/clock.h"

#include "semantic/model/budget_internal.h"

namespace assay::cache {
namespace {

// Quantiles of the beta distribution from R 4.2: qbeta(.025, k, n - k + 1), qbeta(.975, ...).
TEST(ClopperPearsonTest, AgreesWithPublishedQuantiles) {
  const Interval few = ClopperPearson(1, 10);
  EXPECT_NEAR(few.low, 0.0025286, 1e-6);
  EXPECT_NEAR(few.high, 0.4450161, 1e-6);
  const Interval many = ClopperPearson(50, 1000);
  EXPECT_NEAR(many.low, 0.0373354, 1e-6);
  EXPECT_NEAR(many.high, 0.0654005, 2e-5);
  EXPECT_EQ(ClopperPearson(0, 20).low, 0);
  EXPECT_NEAR(ClopperPearson(0, 20).high, 0.1684335, 1e-6);
  EXPECT_EQ(ClopperPearson(20, 20).high, 1);
  EXPECT_EQ(ClopperPearson(0, 0).high, 1);
}

SameAnswerLearner::Labelled Example(core::Rng& rng, bool same) {
  SameAnswerLearner::Labelled labelled;
  labelled.features[PairFeature::kBias] = 1;
  labelled.features[PairFeature::kShared] = static_cast<float>(rng.NextUnit());
  // What tells the answers apart on this route.
  labelled.features[PairFeature::kSupport] =
      static_cast<float>((same ? 1.0 : 0.0) + rng.NextUnit());
  labelled.same = same;
  labelled.best = true;
  return labelled;
}

TEST(SameAnswerLearnerTest, LearnsWhatTellsAnswersApartOnTheRoute) {
  core::SeededRng rng(1);
  SameAnswerLearner learner({});
  for (int i = 0; i < 2000; ++i) {
    const auto labelled = Example(rng, rng.NextUnit() < 0.5);
    learner.AddLabelled({&labelled, 1}, 1);
  }
  double same = 0;
  double other = 0;
  for (int i = 0; i < 200; ++i) {
    same += learner.Probability(Example(rng, true).features) / 200;
    other += learner.Probability(Example(rng, false).features) / 200;
  }
  EXPECT_GT(same, other + 0.3);
}

TEST(SameAnswerLearnerTest, UsesTheColdThresholdUntilTheBoundCanBeComputed) {
  core::SeededRng rng(1);
  SameAnswerLearner learner({.budget = 0.01, .aim = 1, .shadow_share = 0.2});
  const double cold = learner.threshold();
  for (int i = 0; i < 64; ++i) {
    const auto labelled = Example(rng, true);
    learner.AddLabelled({&labelled, 1}, 1);
  }
  EXPECT_FALSE(learner.calibrated());
  EXPECT_EQ(learner.threshold(), cold);
}

// The share of requests served wrongly, over many routes with random mixtures, keeps to the budget.
TEST(SameAnswerLearnerTest, KeepsWrongHitsWithinTheBudgetOnUnseenRequests) {
  constexpr double kBudget = 0.05;
  double wrong = 0;
  double served = 0;
  double requests = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    core::SeededRng rng(seed);
    SameAnswerLearner learner({.budget = kBudget, .aim = 1, .shadow_share = 0.2});
    const double share = 0.3 + 0.4 * rng.NextUnit();
    for (int i = 0; i < 3000; ++i) {
      const auto labelled = Example(rng, rng.NextUnit() < share);
      const bool hit = learner.Probability(labelled.features) >= learner.threshold();
      if (i >= 1500) {
        requests += 1;
        served += hit ? 1 : 0;
        wrong += hit && !labelled.same ? 1 : 0;
      }
      if (!hit) {
        learner.AddLabelled({&labelled, 1}, 1);
      } else if (rng.NextUnit() < 0.2) {
        learner.AddLabelled({&labelled, 1}, 5);
      } else {
        learner.AddUnlabelled();
      }
    }
  }
  EXPECT_LE(wrong / requests, kBudget);
  EXPECT_GT(served / requests, 0.3);
}

TEST(BudgetGuardTest, ClosesWhenTheBudgetIsSpentBeyondDoubtAndOpensAfterGoodTrials) {
  internal::BudgetGuard guard(0.01);
  for (int i = 0; i < 100; ++i) guard.CountRequest(true);
  for (int i = 0; i < 20; ++i) guard.AddCheck(i % 4 == 0);
  EXPECT_FALSE(guard.open());
  for (int i = 0; i < 99; ++i) guard.AddTrial(false);
  EXPECT_FALSE(guard.open());
  guard.AddTrial(false);
  EXPECT_TRUE(guard.open());
}

TEST(BudgetGuardTest, StaysOpenWhileTheErrorsMayBeChance) {
  internal::BudgetGuard guard(0.05);
  for (int i = 0; i < 100; ++i) guard.CountRequest(true);
  for (int i = 0; i < 40; ++i) guard.AddCheck(i == 20);
  EXPECT_TRUE(guard.open());
}

TEST(BudgetGuardTest, AlarmsWhenTheLatestHitsAreWorseThanThoseBefore) {
  internal::BudgetGuard guard(0.5);
  for (int i = 0; i < 300; ++i) guard.AddCheck(false);
  EXPECT_FALSE(guard.alarm());
  for (int i = 0; i < 50; ++i) guard.AddCheck(i % 3 == 0);
  EXPECT_TRUE(guard.alarm());
}

}  // namespace
}  // namespace assay::cache
