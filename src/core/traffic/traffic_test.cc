#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/core/traffic/rate_limiter.h"
#include "assay/core/traffic/retry_after.h"

namespace assay::core {
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
  SeededRng rng(3);
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

TEST(RateLimiterTest, ABurstOfOneSpacesTheRequests) {
  RateLimiter limiter(600, 0, 1);  // ten a second
  for (int i = 0; i < 30; ++i) EXPECT_EQ(limiter.Reserve(0, 0), i * 100 * kMs);
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

}  // namespace
}  // namespace assay::core
