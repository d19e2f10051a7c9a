#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "fake_clock.h"
#include "upstream/policy/choice.h"
#include "upstream/policy/circuit_breaker.h"
#include "upstream/policy/latency_window.h"
#include "upstream/policy/rate_limiter.h"
#include "upstream/policy/retry_after.h"

namespace assay::gateway {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMs;

TEST(RetryAfterTest, ReadsSecondsAndAllThreeFormsOfADate) {
  constexpr std::int64_t kNow = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(ParseRetryAfter("120", kNow), 120'000);
  EXPECT_EQ(ParseRetryAfter("0", kNow), 0);
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:40 GMT", kNow), 3'000);
  EXPECT_EQ(ParseRetryAfter("Sun Nov  6 08:50:37 1994", kNow), 60'000);
  EXPECT_EQ(ParseHttpDate("Sunday, 06-Nov-26 08:49:37 GMT"),
            ParseHttpDate("Fri, 06 Nov 2026 08:49:37 GMT"));
  EXPECT_EQ(ParseRetryAfter("Sun, 06 Nov 1994 08:49:00 GMT", kNow), 0) << "a past date means now";
  EXPECT_EQ(ParseHttpDate("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(ParseHttpDate("Sat, 29 Feb 2020 23:59:60 GMT"), 1'583'020'800);
}

TEST(RetryAfterTest, AnAbsurdWishIsADay) {
  EXPECT_EQ(ParseRetryAfter("99999999999999999999999", 0), kMaxRetryAfterMs);
  EXPECT_EQ(ParseRetryAfter("999999999999999", 0), kMaxRetryAfterMs);
  EXPECT_EQ(ParseRetryAfter("Fri, 31 Dec 9999 23:59:59 GMT", 0), kMaxRetryAfterMs);
  EXPECT_EQ(ParseRetryAfterMs("999999999999999.5"), kMaxRetryAfterMs);
}

TEST(RetryAfterTest, RefusesWhatIsNeither) {
  for (const char* value : {"", " 1", "1 ", "-1", "1.5", "soon", "Sun, 06 Nov 1994 08:49:37",
                            "Sun, 31 Feb 2026 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
                            "Sun, 6 Nov 1994 08:49:37 GMT", "Xxx, 06 Nov 1994 08:49:37 GMT",
                            "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    EXPECT_EQ(ParseRetryAfter(value, 0), std::nullopt) << value;
  }
  EXPECT_EQ(ParseRetryAfterMs("250"), 250);
  EXPECT_EQ(ParseRetryAfterMs("249.2"), 250);
  EXPECT_EQ(ParseRetryAfterMs("249.0"), 249);
  EXPECT_EQ(ParseRetryAfterMs("."), std::nullopt);
  EXPECT_EQ(ParseRetryAfterMs("1."), std::nullopt);
}

TEST(RateLimiterTest, WithoutALimitNobodyWaits) {
  RateLimiter limiter(0, 0);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(limiter.Reserve(0, 1e9), 0);
}

TEST(RateLimiterTest, LetsABurstThroughAndThenTheRate) {
  RateLimiter limiter(60, 0);  // holds 6, one a second
  for (int i = 0; i < 6; ++i) EXPECT_EQ(limiter.Reserve(0, 0), 0);
  for (int i = 1; i <= 5; ++i)
    EXPECT_EQ(limiter.Reserve(0, 0), i * kSecond) << "in line behind the others";
  limiter.Refund(0);
  EXPECT_EQ(limiter.WaitNs(0, 0), 5 * kSecond);
  EXPECT_EQ(limiter.WaitNs(4 * kSecond, 0), kSecond);
  EXPECT_EQ(limiter.Reserve(100 * kSecond, 0), 0);
}

TEST(RateLimiterTest, InNoMinuteMoreThanATenthAboveTheRate) {
  RateLimiter limiter(100, 0);
  core::SeededRng rng(3);
  std::vector<std::int64_t> passed_ns;
  std::int64_t now_ns = 0;
  for (int i = 0; i < 2'000; ++i) {
    now_ns += static_cast<std::int64_t>(rng.Below(300)) * kMs;
    if (limiter.WaitNs(now_ns, 0) == 0) {
      EXPECT_EQ(limiter.Reserve(now_ns, 0), 0);
      passed_ns.push_back(now_ns);
    }
  }
  for (std::size_t i = 0; i < passed_ns.size(); ++i) {
    const auto end = std::ranges::lower_bound(passed_ns, passed_ns[i] + 60 * kSecond);
    EXPECT_LE(end - passed_ns.begin() - static_cast<std::ptrdiff_t>(i), 111);
  }
}

TEST(RateLimiterTest, TokensAreSettledByWhatWasUsed) {
  RateLimiter limiter(0, 600);  // holds 60, ten a second
  EXPECT_EQ(limiter.Reserve(0, 60), 0);
  EXPECT_EQ(limiter.WaitNs(0, 10), kSecond);
  limiter.Settle(60, 40);
  EXPECT_EQ(limiter.WaitNs(0, 10), 0);
  limiter.Settle(0, 100);
  EXPECT_EQ(limiter.WaitNs(0, 10), 9 * kSecond);
}

TEST(RateLimiterTest, ACallAboveTheCapacityWaitsForAFullBucket) {
  RateLimiter limiter(0, 600);
  EXPECT_EQ(limiter.Reserve(0, 1'000), 0);
  EXPECT_EQ(limiter.WaitNs(0, 1'000), 100 * kSecond);
  EXPECT_EQ(limiter.Reserve(100 * kSecond, 1'000), 0);
}

TEST(RateLimiterTest, APauseHoldsAllBackAndIsNeverShortened) {
  RateLimiter limiter(0, 0);
  limiter.PauseUntil(5 * kSecond);
  limiter.PauseUntil(2 * kSecond);
  EXPECT_EQ(limiter.Reserve(kSecond, 1), 4 * kSecond);
  EXPECT_EQ(limiter.PausedNs(kSecond), 4 * kSecond);
  EXPECT_EQ(limiter.Reserve(5 * kSecond, 1), 0);
}

TEST(RateLimiterTest, AClockThatGoesBackDoesNoHarm) {
  RateLimiter limiter(60, 0);
  EXPECT_EQ(limiter.Reserve(10 * kSecond, 0), 0);
  EXPECT_EQ(limiter.Reserve(5 * kSecond, 0), 0);
  EXPECT_EQ(limiter.Reserve(10 * kSecond, 0), 0);
}

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
