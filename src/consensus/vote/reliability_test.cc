#include "assay/consensus/reliability.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

namespace assay::consensus {
namespace {

constexpr std::array<std::string_view, 5> kExperts = {"a", "b", "c", "d", "e"};

// Votes of five experts of known accuracies; choice 0 is right, wrong ones are spread over
// `others`.
std::vector<Vote> Draw(core::SeededRng& rng, const std::array<double, 5>& accuracy,
                       std::uint64_t others) {
  std::vector<Vote> votes;
  for (std::size_t e = 0; e < kExperts.size(); ++e) {
    const bool right = rng.NextUnit() < accuracy[e];
    votes.push_back({kExperts[e], right ? 0 : static_cast<std::uint32_t>(1 + rng.Below(others))});
  }
  return votes;
}

TEST(PosteriorTest, IsThatOfTheModelWrittenOut) {
  Reliabilities known;
  known.accuracy = {{"a", 0.9}, {"b", 0.6}, {"c", 0.6}};
  known.distractors = 4;
  const std::vector<Vote> votes = {{"a", 0}, {"b", 1}, {"c", 1}};
  // Likelihoods with one of 5 answers right: a: .9 (.4/4)^2, b and c: (.1/4) .6^2, nobody: 3 (.1/4)
  // (.4/4)^2
  const double a = 0.9 * 0.01, b = 0.025 * 0.36, nobody = 3 * 0.025 * 0.01;
  const Posterior got = PosteriorOf(votes, known);
  EXPECT_NEAR(got.of_choice[0], a / (a + b + nobody), 1e-12);
  EXPECT_NEAR(got.of_choice[1], b / (a + b + nobody), 1e-12);
  EXPECT_NEAR(got.nobody, nobody / (a + b + nobody), 1e-12);
}

TEST(ReliabilityLearnerTest, FindsAccuraciesWithoutEverSeeingALabel) {
  const std::array<double, 5> accuracy = {0.9, 0.75, 0.6, 0.5, 0.3};
  core::SeededRng rng(5);
  ReliabilityLearner learner;
  for (int i = 0; i < 1500; ++i) learner.Observe(Draw(rng, accuracy, 6));
  for (std::size_t e = 0; e < kExperts.size(); ++e) {
    EXPECT_NEAR(learner.current().Of(kExperts[e]), accuracy[e], 0.05) << kExperts[e];
  }
  EXPECT_NEAR(learner.current().distractors, 6, 1);
}

TEST(ReliabilityLearnerTest, CountsWhatItIsTaught) {
  ReliabilityLearner learner;
  const std::vector<Vote> votes = {{"a", 0}, {"b", 1}};
  for (int i = 0; i < 95; ++i) learner.Teach(votes, i % 10 == 0 ? 1 : 0);
  EXPECT_NEAR(learner.current().Of("a"), (85 + 3) / 100.0, 0.02);
  EXPECT_NEAR(learner.current().Of("b"), (10 + 3) / 100.0, 0.02);
  EXPECT_EQ(learner.current().Of("never seen"), 0.6);
}

TEST(ReliabilityLearnerTest, DoesNotDependOnTheOrderOfVotes) {
  core::SeededRng rng(6);
  ReliabilityLearner one, other;
  for (int i = 0; i < 100; ++i) {
    std::vector<Vote> votes = Draw(rng, {0.8, 0.7, 0.6, 0.5, 0.4}, 5);
    one.Observe(votes);
    for (std::size_t k = votes.size(); k > 1; --k) std::swap(votes[k - 1], votes[rng.Below(k)]);
    other.Observe(votes);
  }
  EXPECT_EQ(one.current().accuracy, other.current().accuracy);
  EXPECT_EQ(one.current().distractors, other.current().distractors);
}

TEST(ReliabilityLearnerTest, WeighsBetterThanAMajority) {
  const std::array<double, 5> accuracy = {0.85, 0.35, 0.35, 0.35, 0.35};
  core::SeededRng rng(7);
  ReliabilityLearner learner;
  int weighted = 0, majority = 0, asked = 0;
  for (int i = 0; i < 1200; ++i) {
    const std::vector<Vote> votes = Draw(rng, accuracy, 4);
    const Posterior posterior = PosteriorOf(votes, learner.current());
    learner.Observe(votes);
    if (i < 200) continue;
    ++asked;
    weighted +=
        std::ranges::max_element(posterior.of_choice) == posterior.of_choice.begin() ? 1 : 0;
    std::array<int, 5> count{};
    for (const Vote& vote : votes) ++count[vote.choice];
    majority += std::ranges::max_element(count) == count.begin() ? 1 : 0;  // ties count for it
  }
  EXPECT_GT(weighted, majority + asked / 20);
}

TEST(CalibrationTest, RisesAndTendsToTheShareThatWasRight) {
  Calibration calibration;
  EXPECT_EQ(calibration.Calibrated(0.7), 0.7);
  core::SeededRng rng(8);
  for (int i = 0; i < 2000; ++i) {
    const double score = rng.NextUnit();
    calibration.Observe(score, rng.NextUnit() < score * score);
  }
  double before = 0;
  for (double score = 0; score <= 1; score += 0.01) {
    const double value = calibration.Calibrated(score);
    EXPECT_GE(value, before);
    EXPECT_NEAR(value, score * score, 0.12);
    before = value;
  }
}

}  // namespace
}  // namespace assay::consensus
