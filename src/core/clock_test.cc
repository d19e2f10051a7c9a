#include "assay/core/clock.h"

#include <set>

#include <gtest/gtest.h>

#include "fake_clock.h"

namespace assay::core {
namespace {

TEST(Clock, TheRealOneNeverGoesBackAndKnowsTheYear) {
  const Clock& clock = Clock::Real();
  const std::int64_t before = clock.monotonic_ns();
  EXPECT_GE(clock.monotonic_ns(), before);
  constexpr std::int64_t k2024Ns = 1'704'067'200'000'000'000;
  EXPECT_GT(clock.wall_ns(), k2024Ns);
}

TEST(Clock, TheFakeMovesOnlyWhenTold) {
  testing::FakeClock clock(1000);
  EXPECT_EQ(clock.wall_ns(), 1000);
  clock.Advance(5);
  EXPECT_EQ(clock.wall_ns(), 1005);
  EXPECT_EQ(clock.monotonic_ns(), 5);
  clock.SetWall(10);
  EXPECT_EQ(clock.wall_ns(), 10);
  EXPECT_EQ(clock.monotonic_ns(), 5);
}

// xoshiro256** from the state that splitmix64 makes of 0; first value by the authors' C code:
// splitmix64(0) = e220a8397b1dcdaf, 6e789e6aa1b965f4, 06c45d188009454f, f88bb8a8724c81ec.
TEST(Rng, ASeedGivesTheNumbersOfTheReferenceAlgorithm) {
  SeededRng rng(0);
  EXPECT_EQ(rng.NextU64(), 0x99ec5f36cb75f2b4U);
  SeededRng again(0);
  EXPECT_EQ(again.NextU64(), 0x99ec5f36cb75f2b4U);
}

TEST(Rng, BelowReachesEveryValueAboutEquallyOften) {
  SeededRng rng(7);
  std::array<int, 10> counts{};
  for (int i = 0; i < 100'000; ++i) ++counts[rng.Below(counts.size())];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);  // five standard deviations
}

TEST(Rng, UnitStaysInsideItsRange) {
  SeededRng rng(3);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double unit = rng.NextUnit();
    ASSERT_GE(unit, 0.0);
    ASSERT_LT(unit, 1.0);
    sum += unit;
  }
  EXPECT_NEAR(sum / 100'000, 0.5, 0.005);
}

TEST(Rng, TheRealOneDoesNotRepeat) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(Rng::Real().NextU64());
  EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace
}  // namespace assay::core
