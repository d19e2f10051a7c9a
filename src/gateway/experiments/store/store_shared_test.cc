// Experiments that several gateways count: what each tells, and what comes of it.
#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "crash_fs.h"
#include "experiments/store/store_internal.h"
#include "experiments/store/tone_settings.h"
#include "fake_clock.h"

namespace assay::gateway {
namespace {

SharedState Counted() {
  SharedState state{.set_aside = 3, .lost = 1, .arms = {}};
  SharedArm arm{.name = {.name = "plain", .version = 7}, .measures = {}, .outcomes = {}};
  for (const double value : {1.0, 2.5, 4.0}) arm.measures[1].Add(value);
  experiments::OutcomeSum solved;
  solved.Add(1);
  solved.Add(std::numeric_limits<double>::quiet_NaN());
  arm.outcomes.emplace_back("solved", solved);
  state.arms = {arm, {.name = {.name = "warm", .version = 8}, .measures = {}, .outcomes = {}}};
  return state;
}

TEST(SharedState, ComesBackAsItWas) {
  const std::string bytes = EncodeSharedState(Counted());
  const auto back = DecodeSharedState(bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->arms[0].name, (LogArm{"plain", 7}));
  EXPECT_EQ(back->arms[0].measures[1].state().n, 3);
  EXPECT_EQ(back->arms[0].outcomes[0].second.state().missing, 1);
  EXPECT_EQ(EncodeSharedState(*back), bytes);
}

TEST(SharedState, CutForeignAndImpossibleBytesAreDamage) {
  const std::string whole = EncodeSharedState(Counted());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(DecodeSharedState(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeSharedState(whole + "x"));
  EXPECT_FALSE(DecodeSharedState("\x02" + whole.substr(1))) << "a later version";
  SharedState much = Counted();
  much.arms[0].measures[0] = experiments::OutcomeSum::FromState(
                                 {.n = 2'000'000'000'000, .missing = 0, .mean = 0, .squares = 0})
                                 .value();
  EXPECT_FALSE(DecodeSharedState(EncodeSharedState(much)));
}

// Gateways and the Redis between them, without a Redis.
class SharedStoreTest : public ::testing::Test {
 protected:
  struct Gateway {
    std::unique_ptr<ExperimentStore> store;
    std::vector<std::uint16_t> arms;
  };

  SharedStoreTest() { EXPECT_TRUE(files_.MakeDirectories("data")); }

  Gateway Open(const std::string& name,
               const ExperimentSettings& settings = Tone({"solved", "tokens"})) {
    auto opened = ExperimentStore::Open(files_, "data/" + name, clock_);
    EXPECT_TRUE(opened) << opened.error().message;
    Gateway gateway{.store = *std::move(opened), .arms = {}};
    gateway.arms = gateway.store->Define(settings);
    return gateway;
  }
  void Serve(Gateway& gateway, std::size_t variant, const std::string& unit, double solved) {
    gateway.store->NoteExposure(gateway.arms[variant], UnitHash("acme", unit),
                                RequestHash("acme", "r-" + unit));
    gateway.store->NoteFinished(gateway.arms[variant], {.measures = {5, 0, 10 * solved, 0}});
    EXPECT_TRUE(gateway.store->Record(
        {.tenant = "acme", .request_id = {}, .unit = unit, .values = {{"solved", solved}}}));
  }
  // As the script does it.
  bool Exchange(Gateway& gateway) {
    const auto told = gateway.store->Tell();
    if (!told) return false;
    states_[told->origin] = told->state;
    for (const auto& lost : told->lost) states_.insert(lost);
    for (const auto& one : told->units) units_[one.id] = one.arm;
    told_ += told->units.size();
    HeardCounts heard{.generation = generation_, .units = {}, .states = states_};
    for (const std::uint64_t arm : told->arms) {
      heard.units.push_back(
          std::ranges::count_if(units_, [&](const auto& unit) { return unit.second == arm; }));
    }
    return gateway.store->Hear(heard);
  }

  testing::CrashFs files_;
  testing::FakeClock clock_;
  std::string generation_ = "first";
  std::map<std::string, std::string> states_;
  std::map<std::uint64_t, std::uint64_t> units_;
  std::size_t told_ = 0;
};

TEST_F(SharedStoreTest, TheReportOfEachIsThatOfOneThatServedAll) {
  Gateway one = Open("one");
  Gateway two = Open("two");
  Gateway all = Open("all");
  for (int i = 0; i < 60; ++i) {
    const std::string unit = fmt::format("u{}", i);
    const auto variant = static_cast<std::size_t>(i % 2);
    Serve(i % 3 == 0 ? one : two, variant, unit, i % 5);
    Serve(all, variant, unit, i % 5);
  }
  for (Gateway* gateway : {&one, &two, &one}) EXPECT_TRUE(Exchange(*gateway));
  const ExperimentReport want = all.store->Report();
  for (Gateway* gateway : {&one, &two}) {
    const ExperimentReport report = gateway->store->Report();
    EXPECT_EQ(report.gateways, 2U);
    EXPECT_FALSE(report.partial);
    EXPECT_EQ(report.outcomes, 60U);
    ASSERT_EQ(report.variants.size(), 2U);
    for (std::size_t v = 0; v < 2; ++v) {
      EXPECT_EQ(report.variants[v].units, 30);
      for (std::size_t m = 0; m < 2; ++m) {
        const auto& got = report.variants[v].outcomes[m].state();
        const auto& state = want.variants[v].outcomes[m].state();
        EXPECT_EQ(got.n, state.n);
        EXPECT_NEAR(got.mean, state.mean, 1e-12);
        EXPECT_NEAR(got.squares, state.squares, 1e-9);
      }
    }
    ASSERT_EQ(report.analysis.comparisons.size(), want.analysis.comparisons.size());
    for (std::size_t c = 0; c < want.analysis.comparisons.size(); ++c) {
      EXPECT_NEAR(report.analysis.comparisons[c].test.p, want.analysis.comparisons[c].test.p, 1e-9);
    }
    EXPECT_EQ(report.history.back().outcomes, 60U);
  }
}

TEST_F(SharedStoreTest, AUnitThatSeveralGatewaysMeetCountsOnce) {
  Gateway one = Open("one");
  Gateway two = Open("two");
  for (Gateway* gateway : {&one, &two}) {
    gateway->store->NoteExposure(gateway->arms[1], UnitHash("acme", "ann"), 1);
    EXPECT_TRUE(Exchange(*gateway));
  }
  EXPECT_EQ(two.store->Report().variants[1].units, 1);
}

TEST_F(SharedStoreTest, ARestartGoesOnUnderTheSameNameAndCountsNothingTwice) {
  Gateway one = Open("one");
  Gateway two = Open("two");
  for (int i = 0; i < 10; ++i) Serve(one, 0, fmt::format("u{}", i), 1);
  Serve(two, 1, "bob", 1);
  EXPECT_TRUE(Exchange(one));
  one.store.reset();
  one = Open("one");
  Serve(one, 0, "late", 1);
  for (Gateway* gateway : {&one, &two}) EXPECT_TRUE(Exchange(*gateway));
  EXPECT_EQ(states_.size(), 2U);
  for (Gateway* gateway : {&one, &two}) {
    EXPECT_TRUE(Exchange(*gateway));
    const ExperimentReport report = gateway->store->Report();
    EXPECT_EQ(report.variants[0].units, 11);
    EXPECT_EQ(report.variants[0].outcomes[0].state().n, 11);
    EXPECT_EQ(report.outcomes, 12U);
  }
}

TEST_F(SharedStoreTest, NothingIsToldUnderANameThatTheDiskDoesNotKeep) {
  Gateway one = Open("one");
  Serve(one, 0, "ann", 1);
  files_.FailOperation(0);
  EXPECT_FALSE(one.store->Tell());
  EXPECT_TRUE(Exchange(one));
  EXPECT_FALSE(one.store->Report().partial);
}

TEST_F(SharedStoreTest, WithoutAnAnswerTheReportIsPartialAndKeepsWhatWasHeard) {
  Gateway one = Open("one");
  Gateway two = Open("two");
  Serve(two, 1, "bob", 1);
  EXPECT_FALSE(one.store->Report().partial) << "it is not shared yet";
  ASSERT_TRUE(one.store->Tell());
  EXPECT_TRUE(one.store->Report().partial) << "nothing was heard yet";
  for (Gateway* gateway : {&two, &one}) EXPECT_TRUE(Exchange(*gateway));
  EXPECT_FALSE(one.store->Report().partial);
  clock_.Advance((kPartialAfterMs + 1) * 1'000'000);
  const ExperimentReport report = one.store->Report();
  EXPECT_TRUE(report.partial);
  EXPECT_EQ(report.outcomes, 1U);
}

TEST_F(SharedStoreTest, ARedisThatForgotIsToldAllOfIt) {
  Gateway one = Open("one");
  Gateway two = Open("two");
  Serve(one, 0, "ann", 1);
  Serve(two, 1, "bob", 1);
  for (Gateway* gateway : {&one, &two, &one}) EXPECT_TRUE(Exchange(*gateway));
  two.store.reset();  // and does not come back
  states_.clear();
  units_.clear();
  generation_ = "second";
  EXPECT_FALSE(Exchange(one)) << "its units are to be told again";
  EXPECT_TRUE(Exchange(one));
  EXPECT_EQ(states_.size(), 2U) << "of what the other one counted it tells too";
  const ExperimentReport report = one.store->Report();
  EXPECT_EQ(report.outcomes, 2U);
  EXPECT_EQ(report.variants[0].units, 1);
}

TEST_F(SharedStoreTest, CountsOfAnotherVariantOrOfStrangeBytesDoNotCount) {
  Gateway one = Open("one");
  ExperimentSettings changed = Tone({"solved", "tokens"});
  changed.variants[1].system = "Be very warm.";
  Gateway two = Open("two", changed);
  Serve(two, 0, "ann", 1);
  Serve(two, 1, "bob", 1);
  for (Gateway* gateway : {&two, &one}) EXPECT_TRUE(Exchange(*gateway));
  EXPECT_EQ(one.store->Report().outcomes, 1U) << "only the variant that is the same";
  one.arms = one.store->Define(changed);
  EXPECT_EQ(one.store->Report().outcomes, 2U);
  states_["strange"] = "bytes";
  EXPECT_TRUE(Exchange(one));
  const ExperimentReport report = one.store->Report();
  EXPECT_TRUE(report.partial);
  EXPECT_EQ(report.gateways, 2U);
  EXPECT_EQ(report.outcomes, 2U);
}

TEST_F(SharedStoreTest, ManyUnitsAreToldInPortionsAndEachOnce) {
  Gateway one = Open("one");
  for (std::uint64_t unit = 1; unit <= 2 * kMaxTold + 1; ++unit) {
    one.store->NoteExposure(one.arms[0], unit, 0);
  }
  EXPECT_FALSE(Exchange(one));
  const auto again = one.store->Tell();
  EXPECT_EQ(one.store->Tell()->units.size(), again->units.size()) << "until they are taken";
  EXPECT_FALSE(Exchange(one));
  EXPECT_TRUE(Exchange(one));
  EXPECT_EQ(told_, 2 * kMaxTold + 1);
  EXPECT_EQ(one.store->Report().variants[0].units, static_cast<std::int64_t>(told_));
}

TEST_F(SharedStoreTest, AnOutcomeOfARequestElsewhereCountsWithItsVariantAndOnce) {
  Gateway one = Open("one");
  const ReportedOutcome outcome{
      .tenant = "acme", .request_id = "r", .unit = {}, .values = {{"solved", 1}}};
  EXPECT_EQ(one.store->Record(outcome).error().code, Code::kNotFound);
  ElsewhereOutcome elsewhere;
  elsewhere.arm = 12345;
  EXPECT_EQ(one.store->Record(outcome, elsewhere).error().code, Code::kNotFound);
  elsewhere.arm = one.store->Tell()->arms[1];
  EXPECT_EQ(one.store->Record(outcome, elsewhere)->variant, "warm");
  EXPECT_EQ(one.store->Record(outcome, elsewhere)->repeated, 1U);
  Gateway two = Open("two");
  elsewhere.values = {1.0};
  EXPECT_EQ(two.store->Record(outcome, elsewhere)->repeated, 1U);
  EXPECT_EQ(two.store->Report().outcomes, 0U);
  elsewhere.values = {0.0};
  EXPECT_EQ(two.store->Record(outcome, elsewhere).error().code, Code::kAlreadyExists);
}

}  // namespace
}  // namespace assay::gateway
