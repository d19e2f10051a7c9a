#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/consensus/consensus.h"
#include "assay/core/clock.h"

namespace assay::consensus {
namespace {

Outcome MustMerge(const std::vector<ExpertAnswer>& answers, const MergeOptions& options = {},
                  const Reliabilities* known = nullptr) {
  const auto merger = Merger::Create(options, nullptr);
  EXPECT_TRUE(merger) << merger.error().message;
  auto outcome = merger->Merge(answers, known);
  EXPECT_TRUE(outcome) << outcome.error().message;
  return outcome ? *std::move(outcome) : Outcome{};
}

MergeOptions By(Method method) {
  MergeOptions options;
  options.method = method;
  return options;
}

TEST(MergerTest, TakesTheFinalThatMostGive) {
  const Outcome got = MustMerge({{"a", "6 * 7 = 42\n#### 42"},
                                 {"b", "It must be 41.\n#### 41"},
                                 {"c", "The answer is $42.00"},
                                 {"d", "I cannot say how many there are in all of these boxes."}},
                                By(Method::kMajority));
  EXPECT_EQ(got.method, Method::kMajority);
  EXPECT_TRUE(got.chosen == 0 || got.chosen == 2);
  ASSERT_EQ(got.opinions.size(), 3U);
  EXPECT_EQ(got.opinions[0].answers, (std::vector<std::uint32_t>{0, 2}));
  EXPECT_DOUBLE_EQ(got.opinions[0].weight, 0.5);
  EXPECT_EQ(got.opinions[2].probability, 0);  // an abstention
  EXPECT_EQ(got.agreement[0 * 4 + 2], 1);
  EXPECT_EQ(got.agreement[0 * 4 + 1], 0);
  ASSERT_TRUE(got.numeric);
  EXPECT_EQ(got.numeric->value, 42);
  EXPECT_EQ(got.numeric->answers, (std::vector<std::uint32_t>{0, 2}));
  ASSERT_EQ(got.dissent.size(), 2U);
  EXPECT_EQ(got.dissent[0].reason, "1 of 4 said 41, not 42");
}

TEST(MergerTest, LetsAReliableExpertOutvoteTwoPoorOnes) {
  Reliabilities known;
  known.accuracy = {{"good", 0.95}, {"poor", 0.3}, {"weak", 0.3}};
  const std::vector<ExpertAnswer> answers = {
      {"good", "#### 7"}, {"poor", "#### 9"}, {"weak", "#### 9"}};
  EXPECT_EQ(MustMerge(answers, By(Method::kMajority), &known).chosen, 1U);
  const Outcome got = MustMerge(answers, By(Method::kAuto), &known);
  EXPECT_EQ(got.method, Method::kWeighted);
  EXPECT_EQ(got.chosen, 0U);
  EXPECT_EQ(got.confidence, got.opinions[0].probability);
  EXPECT_EQ(MustMerge(answers, By(Method::kWeighted)).chosen, 1U);  // nobody is known
}

TEST(MergerTest, CountsWeights) {
  const Outcome got =
      MustMerge({{"a", "yes"}, {"b", "no", 3}, {"c", "yes"}}, By(Method::kMajority));
  EXPECT_EQ(got.chosen, 1U);
  EXPECT_DOUBLE_EQ(got.opinions[0].weight, 0.6);
}

TEST(MergerTest, MedoidAgreesMostWithAllOthers) {
  const Outcome got = MustMerge({{"a", "Cats sleep in the warm sun all day long."},
                                 {"b", "Cats sleep in the sun for most of the day."},
                                 {"c", "Dogs chase cars on wet roads."},
                                 {"d", "The cats sleep in the warm sun for most of the day."}},
                                By(Method::kMedoid));
  EXPECT_EQ(got.chosen, 3U);
  EXPECT_EQ(got.medoid, 3U);
  EXPECT_EQ(got.answer, "The cats sleep in the warm sun for most of the day.");
}

const std::vector<ExpertAnswer>& LeaveAnswers() {
  static const std::vector<ExpertAnswer> answers = {
      {"a", "Employees receive 27 days of paid annual leave. Unused days expire on 31 March."},
      {"b", "Employees receive 27 days of paid annual leave. The office is in Berlin."},
      {"c", "Employees receive 35 days of paid annual leave. Unused days expire on 31 March."}};
  return answers;
}

TEST(MergerTest, KeepsClaimsOfAQuorumAndListsWhoDisagrees) {
  const Outcome got = MustMerge(LeaveAnswers(), By(Method::kClaims));
  EXPECT_EQ(got.method, Method::kClaims);
  EXPECT_EQ(got.chosen, kNoAnswer);
  EXPECT_EQ(got.answer,
            "Employees receive 27 days of paid annual leave. Unused days expire on 31 March.");
  ASSERT_EQ(got.claims.size(), 2U);
  EXPECT_EQ(got.claims[0].supporters, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(got.claims[0].opponents, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(got.claims[1].supporters, (std::vector<std::uint32_t>{0, 2}));
  ASSERT_EQ(got.dissent.size(), 2U);
  const auto against =
      std::ranges::find_if(got.dissent, [](const Dissent& d) { return !d.against.empty(); });
  ASSERT_NE(against, got.dissent.end());
  EXPECT_EQ(against->answers, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(against->reason, "said by 1 of 3, says 35 days, not 27 days");
}

TEST(MergerTest, FallsBackToTheMedoidWhereNothingIsShared) {
  const Outcome got = MustMerge({{"a", "The moon orbits the earth every month."},
                                 {"b", "Paris is the capital of France."},
                                 {"c", "Water boils at 100 degrees Celsius."}},
                                By(Method::kClaims));
  EXPECT_TRUE(got.claims.empty());
  EXPECT_EQ(got.chosen, got.medoid);
  EXPECT_EQ(got.dissent.size(), 2U);
}

// Says that nothing supports anything, and remembers what it was asked.
class Sceptic final : public claims::Entailment {
 public:
  [[nodiscard]] std::string_view name() const override { return "sceptic"; }
  [[nodiscard]] Result<void> Score(std::span<const claims::EntailmentPair> pairs,
                                   std::span<claims::EntailmentScore> out) const override {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      asked.emplace_back(pairs[i].evidence, pairs[i].claim);
      out[i] = {.neutral = 1};
    }
    return {};
  }
  mutable std::vector<std::pair<std::string, std::string>> asked;
};

TEST(MergerTest, AsksTheEntailmentBeforeItCountsTheSupportOfAnotherWording) {
  const std::vector<ExpertAnswer> answers = {
      {"a", "Employees receive 27 days of paid leave each year."},
      {"b", "Employees receive 27 days of paid leave each calendar year."}};
  EXPECT_EQ(MustMerge(answers, By(Method::kClaims)).claims.size(), 1U);
  const Sceptic sceptic;
  const auto merger = Merger::Create(By(Method::kClaims), nullptr, &sceptic);
  ASSERT_TRUE(merger);
  const auto got = merger->Merge(answers);
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->claims.empty());
}

TEST(MergerTest, AsksTheEntailmentOnceForEachPairOfWordingsAndNotForEqualOnes) {
  const Sceptic sceptic;
  const auto merger = Merger::Create(By(Method::kClaims), nullptr, &sceptic);
  ASSERT_TRUE(merger);
  const std::string plain = "Employees receive 27 days of paid leave each year.";
  const std::string longer = "Employees receive 27 days of paid leave each calendar year.";
  const auto got = merger->Merge(std::vector<ExpertAnswer>{
      {"a", plain}, {"b", plain}, {"c", longer}, {"d", longer}, {"e", longer}});
  ASSERT_TRUE(got);
  std::ranges::sort(sceptic.asked);
  EXPECT_EQ(sceptic.asked,
            (std::vector<std::pair<std::string, std::string>>{{longer, plain}, {plain, longer}}));
  ASSERT_EQ(got->claims.size(), 1U) << "of those who use the same words";
  EXPECT_EQ(got->claims[0].supporters, (std::vector<std::uint32_t>{2, 3, 4}));
}

TEST(MergerTest, AggregatesNumbersByTheMedianOfTheLargestConsistentGroup) {
  MergeOptions options = By(Method::kMajority);
  options.number_tolerance = 0.02;
  const Outcome got = MustMerge({{"a", "#### 100"},
                                 {"b", "#### 101"},
                                 {"c", "#### 102"},
                                 {"d", "#### 5"},
                                 {"e", "#### 5000"}},
                                options);
  ASSERT_TRUE(got.numeric);
  EXPECT_EQ(got.numeric->value, 101);
  EXPECT_EQ(got.numeric->answers, (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_DOUBLE_EQ(got.numeric->weight, 0.6);
  EXPECT_EQ(got.numeric->spread, 1);
}

std::string Describe(const Outcome& outcome, const std::vector<ExpertAnswer>& answers) {
  std::string out = outcome.answer + "|" + std::to_string(outcome.confidence);
  const auto names = [&](const std::vector<std::uint32_t>& list) {
    std::vector<std::string_view> sorted;
    for (const std::uint32_t i : list) sorted.push_back(answers[i].expert);
    std::ranges::sort(sorted);
    for (const std::string_view name : sorted) out += std::string(" ") += name;
  };
  for (const Opinion& o : outcome.opinions) {
    out += "|" + std::to_string(o.probability) + std::to_string(o.stability);
    names(o.answers);
  }
  for (const ClaimSupport& c : outcome.claims) {
    out += "|" + c.text;
    names(c.supporters);
    names(c.opponents);
  }
  for (const Dissent& d : outcome.dissent) {
    out += "|" + d.text + d.reason;
    names(d.answers);
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    for (std::size_t j = 0; j < answers.size(); ++j) {
      const bool first = answers[i].expert < answers[j].expert;
      if (first && answers[i].expert == "a") {
        out += std::string(answers[j].expert).substr(0, answers[j].expert == "b" ? 1 : 0);
        if (answers[j].expert == "b")
          out += std::to_string(outcome.agreement[i * answers.size() + j]);
      }
    }
  }
  return out;
}

TEST(MergerTest, DoesNotDependOnTheOrderOfExperts) {
  std::vector<ExpertAnswer> answers = LeaveAnswers();
  answers.push_back({"d", "Employees receive 27 days of leave. They may not carry days over."});
  answers.push_back(
      {"e", "Employees get 27 days of paid annual leave, and unused days expire on 31 March."});
  Reliabilities known;
  known.accuracy = {{"a", 0.7}, {"c", 0.9}};
  for (const Method method :
       {Method::kMajority, Method::kWeighted, Method::kMedoid, Method::kClaims}) {
    const std::string expected = Describe(MustMerge(answers, By(method), &known), answers);
    std::vector<ExpertAnswer> shuffled = answers;
    core::SeededRng rng(9);
    for (int round = 0; round < 40; ++round) {
      for (std::size_t k = shuffled.size(); k > 1; --k)
        std::swap(shuffled[k - 1], shuffled[rng.Below(k)]);
      EXPECT_EQ(Describe(MustMerge(shuffled, By(method), &known), shuffled), expected);
    }
  }
}

TEST(MergerTest, GivesTheSameInParallel) {
  std::vector<std::string> texts;
  std::vector<std::string> names;
  core::SeededRng rng(10);
  for (int i = 0; i < 60; ++i) {
    texts.push_back("The tower is " + std::to_string(300 + rng.Below(3)) +
                    " metres high. It was opened in " + std::to_string(1887 + rng.Below(3)) +
                    ". Visitors reach the top by stairs.");
    names.push_back("expert " + std::to_string(i));
  }
  std::vector<ExpertAnswer> answers;
  for (std::size_t i = 0; i < texts.size(); ++i) answers.push_back({names[i], texts[i]});
  MergeOptions options = By(Method::kClaims);
  const Outcome one = MustMerge(answers, options);
  options.parallel = true;
  const Outcome other = MustMerge(answers, options);
  EXPECT_EQ(Describe(one, answers), Describe(other, answers));
  EXPECT_EQ(one.agreement, other.agreement);
  EXPECT_FALSE(one.claims.empty());
}

TEST(MergerTest, NamesWhatIsWrongWithTheInput) {
  const auto merger = Merger::Create({}, nullptr);
  ASSERT_TRUE(merger);
  const auto code = [&](const std::vector<ExpertAnswer>& answers) {
    const auto got = merger->Merge(answers);
    return got ? Code::kInternal : got.error().code;
  };
  EXPECT_EQ(code({{"a", "x"}}), Code::kInvalidArgument);
  EXPECT_EQ(code({{"a", "x"}, {"", "y"}}), Code::kInvalidArgument);
  EXPECT_EQ(code({{"a", "x"}, {"b", "y", 0}}), Code::kInvalidArgument);
  EXPECT_EQ(code({{"a", "x"}, {"b", "y", 1, 1.5}}), Code::kInvalidArgument);
  EXPECT_EQ(code(std::vector<ExpertAnswer>(201, {"a", "x"})), Code::kOutOfRange);
  EXPECT_EQ(merger->Merge(std::vector<ExpertAnswer>{{"a", "x"}, {"b", "y", -1}}).error().message,
            "answer 2: the weight is not above 0");
  MergeOptions options;
  options.quorum = 0;
  EXPECT_EQ(Merger::Create(options, nullptr).error().code, Code::kOutOfRange);
}

TEST(MergerTest, MergesSilenceWithoutFailing) {
  const Outcome got = MustMerge({{"a", ""}, {"b", ""}});
  EXPECT_EQ(got.answer, "");
  EXPECT_TRUE(got.claims.empty());
  const Outcome one = MustMerge({{"a", ""}, {"b", "#### 5"}});
  EXPECT_EQ(one.answer, "#### 5");
}

TEST(MergerTest, HandsItsOpinionsToTheLearnerAsVotes) {
  const std::vector<ExpertAnswer> answers = {
      {"a", "#### 1"}, {"b", "#### 2"}, {"c", "#### 2"}, {"d", "what?"}};
  const auto votes = Merger::VotesOf(answers, MustMerge(answers, By(Method::kMajority)));
  EXPECT_EQ(votes[1].choice, 0U);
  EXPECT_EQ(votes[2].choice, 0U);
  EXPECT_EQ(votes[0].choice, 1U);
  EXPECT_EQ(votes[3].choice, kNoVote);
}

}  // namespace
}  // namespace assay::consensus
