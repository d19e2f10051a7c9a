#include "assay/core/parallel.h"

#include <atomic>
#include <numeric>
#include <string>

#include <gtest/gtest.h>

namespace assay::core {
namespace {

TEST(Parallel, EveryIndexIsVisitedOnceForEveryShape) {
  for (const std::size_t n : {0U, 1U, 7U, 64U, 1000U}) {
    for (const std::size_t grain : {1U, 7U, 64U, 5000U}) {
      std::vector<int> visits(n, 0);
      ParallelFor(n, grain, [&](std::size_t begin, std::size_t end) {
        ASSERT_LT(begin, end);
        ASSERT_LE(end - begin, grain);
        ASSERT_EQ(begin % grain, 0U);
        for (std::size_t i = begin; i < end; ++i) ++visits[i];
      });
      EXPECT_EQ(std::accumulate(visits.begin(), visits.end(), std::size_t{0}), n);
      for (const int count : visits) ASSERT_EQ(count, 1);
    }
  }
}

TEST(Parallel, AFloatSumIsTheSameOnAnyNumberOfThreads) {
  const auto sum = [] {
    return ParallelReduce(
        100'000, 128, 0.0F,
        [](std::size_t begin, std::size_t end) {
          float part = 0;
          for (std::size_t i = begin; i < end; ++i) part += 1.0F / static_cast<float>(i + 1);
          return part;
        },
        [](float left, float right) { return left + right; });
  };
  const float many = sum();
  const ThreadLimit one(1);
  EXPECT_EQ(Parallelism(), 1U);
  EXPECT_EQ(sum(), many);
  EXPECT_NEAR(many, 12.0901F, 0.001F);  // the harmonic number of 100,000
}

TEST(Parallel, TheErrorOfTheFirstFailingRangeIsReturnedAndAllRangesRun) {
  std::atomic<int> ran{0};  // a counter alone
  const Result<void> result = ParallelTry(100, 10, [&](std::size_t begin, std::size_t) {
    ++ran;
    if (begin >= 30) return Result<void>(Fail(Code::kNotFound, std::to_string(begin)));
    return Result<void>();
  });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "30");
  EXPECT_EQ(ran.load(), 10);
  EXPECT_TRUE(ParallelTry(0, 10, [](std::size_t, std::size_t) -> Result<void> {
                return Fail(Code::kInternal, "never called");
              }).has_value());
}

TEST(Parallel, LoopsNest) {
  std::atomic<std::size_t> total{0};  // a counter alone
  ParallelFor(8, 1, [&](std::size_t, std::size_t) {
    ParallelFor(100, 9, [&](std::size_t begin, std::size_t end) { total += end - begin; });
  });
  EXPECT_EQ(total.load(), 800U);
}

TEST(Parallel, TheLowestLimitHoldsUntilItEnds) {
  const std::size_t before = Parallelism();
  {
    const ThreadLimit one(1);
    const ThreadLimit two(2);
    EXPECT_EQ(Parallelism(), 1U);
  }
  EXPECT_EQ(Parallelism(), before);
}

}  // namespace
}  // namespace assay::core
