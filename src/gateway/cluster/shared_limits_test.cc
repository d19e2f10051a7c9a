// Limits and budgets counted over several gateways, on a real Redis.
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

#include "cluster/cluster_test_support.h"
#include "cluster/shared_limits_internal.h"
#include "cluster/shared_sums_internal.h"
#include "fake_clock.h"
#include "redis_test_support.h"
#include "temp_dir.h"
#include "upstream/upstream.h"

namespace assay::gateway {
namespace {

using cache::testing::RedisServer;
using testing::kPatienceMs;
using testing::OpenTier;

constexpr std::int64_t kMinuteNs = 60'000'000'000;

// Whether it becomes true.
bool Eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 15'000; ++i) {
    if (condition()) return true;
    ::poll(nullptr, 0, 2);
  }
  return false;
}

class SharedLimitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cache::testing::HaveRedisServer()) GTEST_SKIP() << "redis-server is not installed";
    server = std::make_unique<RedisServer>();
  }
  std::unique_ptr<RedisServer> server;
};

// What others have added, once Redis answers.
SharedSums::Values Pushed(SharedSums& sums, cache::RedisTier& redis) {
  Result<SharedSums::Values> others = Fail(Code::kUnavailable, "not asked");
  EXPECT_TRUE(Eventually([&] {
    const auto call = sums.Push(redis);
    others = sums.Take(redis.RunScripts({&call, 1})[0]);
    return others.has_value();
  }));
  return others.value_or(SharedSums::Values());
}

TEST_F(SharedLimitsTest, EachLearnsWhatTheOthersHaveAdded) {
  const auto redis = OpenTier(server->url());
  SharedSums one("sums", "one", 2, 0);
  SharedSums two("sums", "two", 2, 0);
  one.Add({5, 1});
  EXPECT_EQ(Pushed(one, *redis), (SharedSums::Values{0, 0}));
  EXPECT_EQ(Pushed(two, *redis), (SharedSums::Values{0, 0})) << "it was before its time";
  EXPECT_EQ(two.sums(), (SharedSums::Values{5, 1}));
  one.Add({2, 0});
  two.Add({0, 3});
  EXPECT_EQ(Pushed(one, *redis), (SharedSums::Values{0, 0}));
  EXPECT_EQ(Pushed(two, *redis), (SharedSums::Values{2, 0}));
  EXPECT_EQ(Pushed(one, *redis), (SharedSums::Values{0, 3}));
  EXPECT_EQ(one.own(), (SharedSums::Values{7, 1}));
}

TEST_F(SharedLimitsTest, APushWhoseReplyWasLostCountsOnce) {
  const auto redis = OpenTier(server->url());
  SharedSums sums("sums", "one", 1, 60'000);
  sums.Add({7});
  const auto call = sums.Push(*redis);
  ASSERT_TRUE(redis->RunScripts({&call, 1})[0]);
  EXPECT_FALSE(sums.Take(Fail(Code::kUnavailable, "the reply is lost")));
  EXPECT_FALSE(sums.told());
  sums.Add({1});
  EXPECT_EQ(Pushed(sums, *redis), (SharedSums::Values{0}));
  EXPECT_EQ(sums.sums(), (SharedSums::Values{7})) << "the same again";
  static_cast<void>(Pushed(sums, *redis));
  EXPECT_EQ(sums.sums(), (SharedSums::Values{8}));
}

TEST_F(SharedLimitsTest, ARedisThatForgotKnowsAgainFromAnyOfThem) {
  const auto redis = OpenTier(server->url());
  SharedSums one("sums", "one", 1, 0);
  SharedSums two("sums", "two", 1, 0);
  one.Add({5});
  static_cast<void>(Pushed(one, *redis));
  two.Add({6});
  static_cast<void>(Pushed(two, *redis));
  server->Kill();
  server->Start();
  one.Add({1});
  static_cast<void>(Pushed(one, *redis));
  two.Add({2});
  EXPECT_EQ(Pushed(two, *redis), (SharedSums::Values{0})) << "it knew more than Redis";
  EXPECT_EQ(two.sums(), (SharedSums::Values{13}));
}

TEST_F(SharedLimitsTest, WhatIsNoSumIsRefused) {
  SharedSums sums("sums", "one", 2, 0);
  const auto redis = OpenTier(server->url());
  for (const std::vector<std::string>& reply : std::vector<std::vector<std::string>>{
           {}, {"1"}, {"1", "x"}, {"1", "-2"}, {"1", "2", "3"}, {"1", ""}, {"1", "1e3"}}) {
    static_cast<void>(sums.Push(*redis));
    const auto taken = sums.Take(reply);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, Code::kDataLoss);
  }
}

class NoProvider final : public Provider {
 public:
  [[nodiscard]] std::string_view name() const override { return "one"; }
  asio::awaitable<Result<UpstreamReply>> Send(const UpstreamRequest&, std::string_view,
                                              ChunkSink*) override {
    co_return Fail(Code::kUnavailable, "not in this test");
  }
};

// A gateway's side of it: an upstream with 600 requests a minute, of which 60 pass at once.
struct RateGateway {
  explicit RateGateway(const std::string& url) : redis(OpenTier(url)) {
    LimiterOptions limits;
    limits.requests_per_minute = 600;
    limits.max_wait_ms = kMinuteNs;
    limits.max_waiting = 1'000'000;
    upstream =
        std::make_shared<Upstream>(std::make_unique<NoProvider>(), limits, BreakerOptions{}, clock);
    runner = std::make_unique<ScriptRunner>(*redis);
    ShareRates(*runner, [rated = RatedUpstream{"one", upstream}] { return std::vector{rated}; });
  }
  [[nodiscard]] std::int64_t wait_ns() { return upstream->Look(0).wait_ns; }

  assay::testing::FakeClock clock{kMinuteNs};  // stands still, so that nothing comes back
  std::unique_ptr<cache::RedisTier> redis;
  std::shared_ptr<Upstream> upstream;
  std::unique_ptr<ScriptRunner> runner;
};

TEST_F(SharedLimitsTest, WhatOneGatewayLetsThroughTheOthersDoNot) {
  RateGateway one(server->url());
  RateGateway two(server->url());
  // Both have told once, so that they know what comes from now on.
  ASSERT_TRUE(Eventually([&] { return one.runner->answered() > 0; }));
  ASSERT_TRUE(Eventually([&] { return two.runner->answered() > 0; }));
  for (int i = 0; i < 60; ++i) static_cast<void>(one.upstream->Admit(0));
  EXPECT_GT(one.wait_ns(), 0);
  EXPECT_TRUE(Eventually([&] { return two.wait_ns() > 0; }));
  auto ticket = one.upstream->Admit(0);
  ASSERT_TRUE(Eventually([&] { return two.wait_ns() > 150'000'000; })) << "two are owed";
  one.upstream->Leave(ticket);
  EXPECT_TRUE(Eventually([&] { return two.wait_ns() <= 100'000'000; })) << "it was given back";
}

TEST_F(SharedLimitsTest, WithoutRedisEachGoesOnWithItsOwnLimit) {
  RateGateway one(server->url());
  RateGateway two(server->url());
  ASSERT_TRUE(Eventually([&] { return one.runner->answered() > 0; }));
  ASSERT_TRUE(Eventually([&] { return two.runner->answered() > 0; }));
  server->Kill();
  for (int i = 0; i < 60; ++i) static_cast<void>(one.upstream->Admit(0));
  EXPECT_GT(one.wait_ns(), 0);
  EXPECT_EQ(two.wait_ns(), 0);
  server->Start();
  EXPECT_TRUE(Eventually([&] {
    static_cast<void>(one.upstream->Admit(0));
    return two.wait_ns() > 0;
  })) << "what is let through from now on counts for both";
}

// The same keys on two machines.
struct KeyGateway {
  KeyGateway(const std::string& url, const std::string& folder)
      : redis(OpenTier(url)),
        keys(crypto::KeyStore::Open({.directory = folder, .database = {}, .passphrase = {}})
                 .value()) {}
  void Start() {
    runner = std::make_unique<ScriptRunner>(*redis);
    ShareBudgets(*runner, *keys);
  }
  bool Admit(std::string_view token) {
    const auto grant = keys->Authenticate(token).value();
    return keys->Admit(grant, crypto::Scope::kInference).has_value();
  }
  void Charge(std::string_view token, std::uint64_t tokens) {
    keys->Charge(keys->Authenticate(token).value(), tokens, 0);
  }
  std::uint64_t used() { return keys->List().value().front().used.requests; }

  std::unique_ptr<cache::RedisTier> redis;
  std::unique_ptr<crypto::KeyStore> keys;
  std::unique_ptr<ScriptRunner> runner;
};

class SharedBudgetsTest : public SharedLimitsTest {
 protected:
  void SetUp() override {
    SharedLimitsTest::SetUp();
    if (IsSkipped()) return;
    one = std::make_unique<KeyGateway>(server->url(), folder.File("one"));
    crypto::KeySpec spec;
    spec.name = "test";
    spec.budget = {.period = crypto::Period::kTotal, .limit = {.requests = 10, .tokens = 1'000}};
    token = std::string(one->keys->Create(spec, "test").value().token.view());
    one->keys.reset();
    std::filesystem::copy(folder.File("one"), folder.File("two"),
                          std::filesystem::copy_options::recursive);
    one = std::make_unique<KeyGateway>(server->url(), folder.File("one"));
    two = std::make_unique<KeyGateway>(server->url(), folder.File("two"));
    one->Start();
    two->Start();
  }
  assay::testing::TempDir folder;
  std::string token;
  std::unique_ptr<KeyGateway> one;
  std::unique_ptr<KeyGateway> two;
};

TEST_F(SharedBudgetsTest, ABudgetHoldsOverTwoGateways) {
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(one->Admit(token));
  EXPECT_TRUE(two->Admit(token));
  ASSERT_TRUE(Eventually([&] { return two->used() == 7; })) << two->used();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(two->Admit(token));
  EXPECT_FALSE(two->Admit(token));
  EXPECT_TRUE(Eventually([&] { return one->used() == 10; })) << one->used();
  EXPECT_FALSE(one->Admit(token));
}

TEST_F(SharedBudgetsTest, TokensCountTogetherToo) {
  ASSERT_TRUE(one->Admit(token));
  one->Charge(token, 990);
  ASSERT_TRUE(two->Admit(token));
  two->Charge(token, 20);
  EXPECT_TRUE(Eventually([&] { return !two->Admit(token); }));
}

TEST_F(SharedBudgetsTest, UsageWithoutRedisIsToldWhenItIsBackAndOnce) {
  server->Kill();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(one->Admit(token));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(two->Admit(token));
  server->Start();
  one->Charge(token, 1);  // in use, however long the server took
  two->Charge(token, 1);
  EXPECT_TRUE(Eventually([&] { return one->used() == 7 && two->used() == 7; }))
      << one->used() << ' ' << two->used();
}

TEST_F(SharedBudgetsTest, WhatAProcessUsedLastIsToldWhenItEnds) {
  ASSERT_TRUE(one->Admit(token));
  one->runner.reset();
  ASSERT_TRUE(two->Admit(token));
  EXPECT_TRUE(Eventually([&] { return two->used() == 2; }));
}

}  // namespace
}  // namespace assay::gateway
