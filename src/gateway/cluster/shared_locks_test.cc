// Locks over a real Redis: who asks, who waits, and what becomes of those who die.
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

#include "assay/cache/entry.h"

#include "cluster/cluster_test_support.h"
#include "cluster/shared_locks_internal.h"
#include "redis_test_support.h"

namespace assay::gateway {
namespace {

using cache::testing::RedisServer;
using testing::kPatienceMs;
using testing::OpenTier;
using State = SharedLocks::State;

constexpr std::int64_t kLongMs = 60'000;
constexpr core::Hash128 kKey = {.high = 2, .low = 1};

// What a gateway has of it.
struct Gateway {
  explicit Gateway(const std::string& url, std::int64_t lease_ms = kLongMs,
                   std::int64_t time_ms = kPatienceMs)
      : redis(OpenTier(url, time_ms)),
        runner(std::make_unique<ScriptRunner>(*redis)),
        locks(std::make_unique<SharedLocks>(*runner, lease_ms)) {}

  SharedLocks::Turn Try(const core::Hash128& key = kKey) {
    std::promise<SharedLocks::Turn> given;
    locks->Try(key, [&](SharedLocks::Turn turn) { given.set_value(std::move(turn)); });
    return given.get_future().get();
  }
  // Asks until it is something else.
  SharedLocks::Turn Await(State not_any_more = State::kHeld, const core::Hash128& key = kKey) {
    SharedLocks::Turn turn = Try(key);
    for (int i = 0; i < 10'000 && turn.state == not_any_more; ++i) {
      ::poll(nullptr, 0, 2);
      turn = Try(key);
    }
    return turn;
  }

  std::unique_ptr<cache::RedisTier> redis;
  std::unique_ptr<ScriptRunner> runner;
  std::unique_ptr<SharedLocks> locks;
};

class SharedLocksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cache::testing::HaveRedisServer()) GTEST_SKIP() << "redis-server is not installed";
    server = std::make_unique<RedisServer>();
  }
  std::unique_ptr<RedisServer> server;
};

TEST_F(SharedLocksTest, OneAsksAndTheOthersWaitUntilItIsDone) {
  Gateway one(server->url());
  Gateway two(server->url());
  SharedLocks::Turn mine = one.Try();
  ASSERT_EQ(mine.state, State::kMine);
  const SharedLocks::Turn held = two.Try();
  EXPECT_EQ(held.state, State::kHeld);
  EXPECT_EQ(two.Try().holder, held.holder) << "it is the same one";
  EXPECT_EQ(two.Try({.high = 2, .low = 2}).state, State::kMine) << "other answers are free";
  mine.lease.reset();
  const SharedLocks::Turn freed = two.Await();
  EXPECT_EQ(freed.state, State::kMine);
  EXPECT_NE(one.Try().holder, held.holder) << "it is another one";
  EXPECT_EQ(one.locks->Stats().taken, 1U);
}

TEST_F(SharedLocksTest, AnAnswerThatIsStoredIsNotAskedFor) {
  Gateway one(server->url());
  Gateway two(server->url());
  SharedLocks::Turn mine = one.Try();
  cache::EntryText text;
  text.tenant = "default";
  text.body = "{}";
  cache::EntryInfo info;
  info.expires_ms = kLongMs;
  ASSERT_TRUE(one.redis->Put(cache::Entry::Make(kKey, info, text).value(), 0));
  mine.lease.reset();
  EXPECT_EQ(two.Await().state, State::kStored);
  EXPECT_EQ(two.locks->Stats().answered, 1U);
}

TEST_F(SharedLocksTest, AGatewayThatDiesKeepsTheOthersWaitingForOneLease) {
  Gateway two(server->url());
  SharedLocks::Turn orphan;
  {
    Gateway one(server->url(), 500);
    orphan = one.Try();
    ASSERT_EQ(orphan.state, State::kMine);
  }  // nobody renews it or gives it back any more
  EXPECT_EQ(two.Try().state, State::kHeld);
  EXPECT_EQ(two.Await().state, State::kMine);
}

TEST_F(SharedLocksTest, ALongAnswerKeepsItsLockByRenewingIt) {
  Gateway one(server->url(), 3'000);
  const SharedLocks::Turn mine = one.Try();
  ASSERT_EQ(mine.state, State::kMine);
  const cache::RedisTier::ScriptCall left = {
      "return redis.call('PTTL', KEYS[1])", {one.redis->NameBeside(kKey, "lock")}, {}};
  std::int64_t before_ms = 3'000;
  bool renewed = false;
  for (int i = 0; i < 10'000 && !renewed; ++i) {
    const auto replies = one.redis->RunScripts({&left, 1});
    ASSERT_TRUE(replies[0]) << replies[0].error().message;
    const std::int64_t left_ms = std::stoll(replies[0]->front());
    ASSERT_GT(left_ms, 0) << "it has ended";
    renewed = left_ms > before_ms;
    before_ms = left_ms;
    ::poll(nullptr, 0, 2);
  }
  EXPECT_TRUE(renewed);
}

TEST_F(SharedLocksTest, OnlyTheHolderGivesALockBack) {
  Gateway one(server->url());
  Gateway two(server->url());
  SharedLocks::Turn forgotten = one.Try();
  ASSERT_EQ(forgotten.state, State::kMine);
  server->Kill();
  server->Start();
  const SharedLocks::Turn taken = two.Await(State::kUnknown);
  ASSERT_EQ(taken.state, State::kMine);
  EXPECT_EQ(one.Await(State::kUnknown).state, State::kHeld);
  forgotten.lease.reset();  // its script runs before the next one
  EXPECT_EQ(one.Try().state, State::kHeld);
}

TEST_F(SharedLocksTest, WithoutRedisNobodyWaits) {
  Gateway one(server->url(), kLongMs, 50);
  server->Kill();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.Try().state, State::kUnknown);
  EXPECT_EQ(one.locks->Stats().failed, 100U);
}

TEST_F(SharedLocksTest, ASilentRedisIsWaitedForOnceAsLongAsForAnAnswer) {
  Gateway one(server->url(), kLongMs, 50);
  server->Stop();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.Try().state, State::kUnknown);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  server->Continue();
  EXPECT_NE(one.Await(State::kUnknown).state, State::kUnknown);
}

TEST_F(SharedLocksTest, ManyThreadsThatAskAtOnceHaveOneWinner) {
  Gateway one(server->url());
  Gateway two(server->url());
  std::atomic<int> winners{0};
  std::mutex mutex;
  std::vector<std::shared_ptr<const void>> kept;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (std::uint64_t key = 0; key < 50; ++key) {
        SharedLocks::Turn turn = (i % 2 == 0 ? one : two).Try({.high = 9, .low = key});
        if (turn.state != State::kMine) continue;
        ++winners;
        const std::scoped_lock lock(mutex);
        kept.push_back(std::move(turn.lease));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(winners, 50);
}

}  // namespace
}  // namespace assay::gateway
