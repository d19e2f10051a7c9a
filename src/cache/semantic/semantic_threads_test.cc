// Without the transformer, whose library the thread sanitizer cannot see into.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "assay/cache/semantic/semantic_cache.h"

#include "semantic/semantic_test_support.h"

namespace assay::cache {
namespace {

TEST(SemanticThreadsTest, AreAllServed) {
  const TestEncoders& encoders = TestEncoders::Static();
  if (encoders.fast == nullptr) GTEST_SKIP() << "ASSAY_MODELS holds no models";
  core::SeededRng rng(7);
  const auto cache = std::make_unique<SemanticCache>(SemanticOptions{.max_entries = 50},
                                                     *encoders.fast, *encoders.fast, nullptr, rng);
  std::atomic<std::uint64_t> next = 0;  // partner: none, numbers for the threads
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, &next] {
      for (int i = 0; i < 40; ++i) {
        const std::uint64_t n = next.fetch_add(1);
        const auto lookup = cache->Find({}, "How do I reset device " + std::to_string(n % 60));
        if (!lookup) continue;
        const std::vector<std::optional<bool>> same(lookup->candidates.size(), false);
        cache->Learn(*lookup, same);
        (void)cache->Insert(*lookup, {.high = 0, .low = n}, same);
        if (n % 9 == 0) cache->Erase({.high = 0, .low = n / 2});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache->Stats().entries, 50U);
  EXPECT_EQ(cache->Stats().requests, 160U);
}

TEST(TimeDependenceTest, FindsWordsThatTieAnAnswerToAMoment) {
  EXPECT_NE(TimeDependence("What is the weather today?"), "");
  EXPECT_NE(TimeDependence("What is the latest version?"), "");
  EXPECT_NE(TimeDependence("Who is on call this week?"), "");
  EXPECT_EQ(TimeDependence("How do I reset my password?"), "");
  EXPECT_EQ(TimeDependence("How long is a week?"), "");
}

}  // namespace
}  // namespace assay::cache
