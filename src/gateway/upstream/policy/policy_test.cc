#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "fake_clock.h"
#include "upstream/policy/choice.h"
#include "upstream/policy/circuit_breaker.h"
#include "upstream/policy/latency_window.h"

namespace assay::gateway {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMs;

class CircuitBreakerTest : public ::testing::Test {
 protected:
  static BreakerOptions Options() {
    return {
        .failure_share = 0.5, .min_calls = 4, .window_ms = 10'000, .open_ms = 1'000, .probes = 2};
  }
  void Fail(int times) {
    for (int i = 0; i < times; ++i) breaker_.Failed(breaker_.Pass(now_ns()), now_ns());
  }
  void Succeed(int times) {
    for (int i = 0; i < times; ++i) breaker_.Succeeded(breaker_.Pass(now_ns()), now_ns());
  }
  [[nodiscard]] std::int64_t now_ns() const { return clock_.monotonic_ns(); }
  [[nodiscard]] BreakerState state() const { return breaker_.state(now_ns()); }

  testing::FakeClock clock_;
  CircuitBreaker breaker_{Options()};
};

TEST_F(CircuitBreakerTest, OpensAtItsShareOfFailures) {
  Succeed(4);
  Fail(3);
  EXPECT_EQ(state(), BreakerState::kClosed) << "3 of 7";
  Fail(1);
  EXPECT_EQ(state(), BreakerState::kOpen) << "4 of 8";
  EXPECT_EQ(breaker_.Pass(now_ns()), CircuitBreaker::kRefused);
  EXPECT_EQ(breaker_.opened(), 1U);
  EXPECT_EQ(breaker_.OpenForNs(now_ns()), kSecond);
}

TEST_F(CircuitBreakerTest, FewFailuresProveNothing) {
  Fail(3);
  EXPECT_EQ(state(), BreakerState::kClosed);
}

TEST_F(CircuitBreakerTest, OldFailuresAreForgotten) {
  Fail(3);
  clock_.Advance(11 * kSecond);
  Fail(1);
  EXPECT_EQ(state(), BreakerState::kClosed);
}

TEST_F(CircuitBreakerTest, GoodProbesCloseIt) {
  Fail(4);
  clock_.Advance(kSecond);
  EXPECT_EQ(state(), BreakerState::kHalfOpen);
  const auto first = breaker_.Pass(now_ns());
  const auto second = breaker_.Pass(now_ns());
  EXPECT_EQ(breaker_.Pass(now_ns()), CircuitBreaker::kRefused) << "two probes at once are enough";
  breaker_.Succeeded(first, now_ns());
  EXPECT_EQ(state(), BreakerState::kHalfOpen);
  breaker_.Succeeded(second, now_ns());
  EXPECT_EQ(state(), BreakerState::kClosed);
}

TEST_F(CircuitBreakerTest, ABadProbeOpensItForTwiceAsLongUpToEightTimes) {
  Fail(4);
  std::int64_t open_ns = kSecond;
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(breaker_.OpenForNs(now_ns()), open_ns);
    clock_.Advance(open_ns);
    Fail(1);
    open_ns = std::min(2 * open_ns, 8 * kSecond);
  }
  clock_.Advance(open_ns);
  Succeed(2);
  Fail(4);
  EXPECT_EQ(breaker_.OpenForNs(now_ns()), kSecond) << "good again: it starts anew";
}

TEST_F(CircuitBreakerTest, AnAbandonedProbeMakesRoomForAnother) {
  Fail(4);
  clock_.Advance(kSecond);
  const auto first = breaker_.Pass(now_ns());
  const auto second = breaker_.Pass(now_ns());
  breaker_.Abandoned(first);
  EXPECT_NE(breaker_.Pass(now_ns()), CircuitBreaker::kRefused);
  breaker_.Failed(second, now_ns());
}

TEST_F(CircuitBreakerTest, ResultsOfCallsFromBeforeItOpenedSayNothing) {
  const auto late = breaker_.Pass(now_ns());
  const auto later = breaker_.Pass(now_ns());
  Fail(4);
  clock_.Advance(kSecond);
  breaker_.Succeeded(late, now_ns());
  breaker_.Failed(later, now_ns());
  EXPECT_EQ(state(), BreakerState::kHalfOpen);
  EXPECT_EQ(breaker_.opened(), 1U);
}

TEST(ChooseTargetTest, FailoverTakesTheFirstThatCanBeAsked) {
  core::SeededRng rng(1);
  std::vector<Candidate> candidates(3);
  EXPECT_EQ(ChooseTarget(Balance::kFailover, candidates, rng), 0U);
  candidates[0].tried = true;
  EXPECT_EQ(ChooseTarget(Balance::kFailover, candidates, rng), 1U);
  candidates[1].usable = false;
  EXPECT_EQ(ChooseTarget(Balance::kFailover, candidates, rng), 2U);
  candidates[2].wait_ns = 1;
  EXPECT_EQ(ChooseTarget(Balance::kFailover, candidates, rng), 0U)
      << "asked again rather than waiting for another";
  candidates[0].wait_ns = 2;
  EXPECT_EQ(ChooseTarget(Balance::kFailover, candidates, rng), 2U) << "the shortest wait";
  candidates[0].usable = candidates[2].usable = false;
  EXPECT_EQ(ChooseTarget(Balance::kFailover, candidates, rng), std::nullopt);
}

TEST(ChooseTargetTest, WeightsAreKeptAndZeroIsASpare) {
  core::SeededRng rng(2);
  std::vector<Candidate> candidates = {{.weight = 1}, {.weight = 0}, {.weight = 3}};
  std::array<int, 3> chosen = {};
  for (int i = 0; i < 4'000; ++i) ++chosen[*ChooseTarget(Balance::kWeighted, candidates, rng)];
  EXPECT_EQ(chosen[1], 0);
  EXPECT_NEAR(chosen[0], 1'000, 110);  // four standard deviations
  candidates[0].tried = candidates[2].tried = true;
  EXPECT_EQ(ChooseTarget(Balance::kWeighted, candidates, rng), 1U);
  candidates[1].usable = false;
  candidates[0].tried = candidates[2].tried = false;
  candidates[2].usable = false;
  EXPECT_EQ(ChooseTarget(Balance::kWeighted, candidates, rng), 0U);
}

TEST(FullJitterTest, IsUniformBelowTheDoublingBound) {
  core::SeededRng rng(5);
  for (std::uint32_t retry = 0; retry < 40; ++retry) {
    const std::int64_t bound = std::min<std::int64_t>(10'000, 100LL << std::min(retry, 10U));
    std::int64_t sum = 0;
    for (int i = 0; i < 400; ++i) {
      const std::int64_t delay_ms = FullJitterMs(retry, 100, 10'000, rng);
      ASSERT_GE(delay_ms, 0);
      ASSERT_LE(delay_ms, bound);
      sum += delay_ms;
    }
    EXPECT_NEAR(static_cast<double>(sum) / 400, static_cast<double>(bound) / 2,
                0.07 * static_cast<double>(bound));
  }
  EXPECT_EQ(FullJitterMs(3, 0, 0, rng), 0);
}

TEST(LatencyWindowTest, GivesTheNearestRankOfTheLastOnes) {
  LatencyWindow window;
  EXPECT_EQ(window.Quantile(0.9), -1) << "too few";
  for (std::int64_t i = 1; i <= 100; ++i) window.Add(i);
  EXPECT_EQ(window.Quantile(0.9), 90);
  EXPECT_EQ(window.Quantile(1), 100);
  EXPECT_EQ(window.Quantile(0), 1);
  for (int i = 0; i < 128; ++i) window.Add(7);
  EXPECT_EQ(window.Quantile(0.99), 7);
}

}  // namespace
}  // namespace assay::gateway
