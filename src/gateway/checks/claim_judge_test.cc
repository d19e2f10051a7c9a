#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "checks/claim_judge_internal.h"
#include "fake_clock.h"
#include "fake_upstream.h"
#include "upstream/http/http_provider.h"

namespace assay::gateway {
namespace {

using testing::FakeUpstream;
namespace steps = testing::steps;

constexpr std::int64_t kHourNs = 3'600'000'000'000;
constexpr std::string_view kSupported =  // as it stands in a string of JSON
    R"([{\"claim\":1,\"verdict\":\"supported\",\"quote\":\"27 days of leave\"}])";

std::vector<claims::JudgeQuestion> Question() {
  return {{"They get 27 days.", {"Staff get 27 days of leave."}}};
}

class ClaimJudgeTest : public ::testing::Test {
 protected:
  ClaimJudgeTest() { settings_ = {.upstream = "judge", .model = "big", .budget = {}}; }

  std::unique_ptr<ClaimJudge> Make(std::size_t max_waiting = 4) {
    auto judge = std::make_unique<ClaimJudge>(settings_, max_waiting, metrics_);
    HttpProviderOptions options;
    options.name = "judge";
    options.url = server_.url();
    auto provider = MakeHttpProvider(std::move(options));
    EXPECT_TRUE(provider);
    RouteClientOptions once;
    once.max_attempts = 1;
    auto upstream =
        std::make_shared<Upstream>(*std::move(provider), LimiterOptions{}, BreakerOptions{});
    auto client = RouteClient::Make("judge", once, {{std::move(upstream), "", 1}});
    EXPECT_TRUE(client);
    judge->SetTarget(*client, {.prompt_usd = 1, .completion_usd = 1});
    return judge;
  }

  double Calls(std::string_view outcome) const {
    const std::string series = "assay_judge_calls_total{outcome=\"" + std::string(outcome) + "\"} ";
    const std::string page = metrics_.PrometheusText();
    const std::size_t at = page.find(series);
    EXPECT_NE(at, std::string::npos) << series;
    return at == std::string::npos ? -1 : std::stod(page.substr(at + series.size()));
  }

  JudgeSettings settings_;
  telemetry::Metrics metrics_;
  FakeUpstream server_{steps::Answer(std::string(kSupported))};
};

TEST_F(ClaimJudgeTest, AnAnswerWithATrueQuoteIsAnOpinion) {
  const auto judge = Make();
  const JudgeReply reply = judge->AskAndWait(Question());
  EXPECT_TRUE(reply.answered);
  ASSERT_EQ(reply.opinions.size(), 1U);
  EXPECT_EQ(reply.opinions[0],
            (claims::JudgeOpinion{claims::Verdict::kSupported, "27 days of leave"}));
  EXPECT_EQ(Calls("answered"), 1);
  EXPECT_EQ(server_.calls(), 1U);
  EXPECT_EQ(judge->Known(Question()[0]), reply.opinions[0]);
  EXPECT_EQ(judge->Known({"They get 27 days.", {}}), std::nullopt) << "other evidence";
}

TEST_F(ClaimJudgeTest, NonsenseCostsAndSaysNothing) {
  const auto judge = Make();
  server_.Script({steps::Answer("I think they are all fine.")});
  const JudgeReply reply = judge->AskAndWait(Question());
  EXPECT_TRUE(reply.answered);
  EXPECT_EQ(reply.opinions, claims::JudgeOpinions(1));
  EXPECT_EQ(Calls("nonsense"), 1);
  ASSERT_TRUE(judge->Known(Question()[0])) << "it was paid for";
  EXPECT_EQ(*judge->Known(Question()[0]), std::nullopt);
}

TEST_F(ClaimJudgeTest, AFailureIsNoAnswerAndIsNotTriedAgain) {
  const auto judge = Make();
  server_.Script({steps::Error(500)});
  EXPECT_FALSE(judge->AskAndWait(Question()).answered);
  EXPECT_EQ(Calls("failed"), 1);
  EXPECT_EQ(server_.calls(), 1U);
  EXPECT_FALSE(judge->Known(Question()[0])) << "it may be asked again";
}

TEST_F(ClaimJudgeTest, ASlowOneIsNotWaitedForLongerThanItsLimit) {
  settings_.timeout_ms = 50;
  const auto judge = Make();
  server_.Script({steps::Never()});
  EXPECT_FALSE(judge->AskAndWait(Question()).answered);
  EXPECT_EQ(Calls("late"), 1);
}

TEST_F(ClaimJudgeTest, ASpentBudgetAsksNobody) {
  settings_.budget.requests = 2;
  const auto judge = Make();
  EXPECT_TRUE(judge->AskAndWait(Question()).answered);
  EXPECT_TRUE(judge->AskAndWait(Question()).answered);
  EXPECT_FALSE(judge->AskAndWait(Question()).answered);
  EXPECT_EQ(Calls("budget"), 1);
  EXPECT_EQ(server_.calls(), 2U);
}

TEST_F(ClaimJudgeTest, WithoutATargetOrAQuestionNobodyIsAsked) {
  const auto judge = Make();
  EXPECT_FALSE(judge->AskAndWait({}).answered);
  judge->SetTarget(nullptr, {});
  EXPECT_FALSE(judge->AskAndWait(Question()).answered);
  EXPECT_EQ(Calls("failed"), 1);
  EXPECT_EQ(server_.calls(), 0U);
}

TEST_F(ClaimJudgeTest, NoMoreThanSoManyWait) {
  auto judge = Make(0);
  EXPECT_FALSE(judge->AskAndWait(Question()).answered);
  EXPECT_EQ(Calls("busy"), 1);
}

TEST_F(ClaimJudgeTest, WhoeverAskedHearsOfItsEnd) {
  auto judge = Make();
  server_.Script({steps::Never()});
  std::promise<JudgeReply> given;
  judge->Ask(Question(), [&](JudgeReply reply) { given.set_value(std::move(reply)); });
  ASSERT_TRUE(server_.WaitForCalls(1));
  judge.reset();
  EXPECT_FALSE(given.get_future().get().answered);
}

TEST(JudgeBudgetTest, EachLimitHoldsUntilItsPeriodEnds) {
  testing::FakeClock clock(kHourNs / 2);
  JudgeBudget requests({.period = crypto::Period::kHour, .limit = {.requests = 1}}, clock);
  JudgeBudget tokens({.period = crypto::Period::kHour, .limit = {.tokens = 10}}, clock);
  JudgeBudget cost({.period = crypto::Period::kHour, .limit = {.cost_nanousd = 10}}, clock);
  for (int hour = 0; hour < 3; ++hour) {
    EXPECT_TRUE(requests.Admit());
    EXPECT_FALSE(requests.Admit());
    for (JudgeBudget* one : {&tokens, &cost}) {
      EXPECT_TRUE(one->Admit());
      one->Charge(9, 9);
      EXPECT_TRUE(one->Admit());
      one->Charge(1, 1);
      EXPECT_FALSE(one->Admit());
    }
    clock.Advance(kHourNs);
  }
}

TEST(JudgeBudgetTest, NoLimitIsNone) {
  testing::FakeClock clock;
  JudgeBudget budget({.period = crypto::Period::kTotal, .limit = {}}, clock);
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(budget.Admit());
    budget.Charge(1'000'000, 1'000'000);
  }
}

}  // namespace
}  // namespace assay::gateway
