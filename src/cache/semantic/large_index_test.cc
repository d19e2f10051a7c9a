// The lists of many questions: nothing is lost while they are made, and look-ups find the same.
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/hash.h"

#include "sanitizers.h"
#include "temp_dir.h"

namespace assay::cache {
namespace {

constexpr std::size_t kDim = 16;
constexpr std::size_t kAbove = 300;       // questions from which lists are made
constexpr std::size_t kListsFrom = 4500;  // the index itself compares all of fewer

// Texts near each other by the words before '#', one direction each, and a little by the rest.
class TopicEncoder final : public embed::Encoder {
 public:
  [[nodiscard]] std::string_view name() const override { return "topics@1"; }
  [[nodiscard]] std::size_t dim() const override { return kDim; }
  [[nodiscard]] Result<void> Encode(std::span<const std::string_view> texts,
                                    std::span<float> out) const override {
    for (std::size_t t = 0; t < texts.size(); ++t) {
      core::SeededRng topic(core::HashBytes64(texts[t].substr(0, texts[t].find('#'))));
      core::SeededRng rest(core::HashBytes64(texts[t]));
      const std::span<float> row = out.subspan(t * kDim, kDim);
      float square = 0;
      for (float& value : row) {
        value = static_cast<float>(topic.NextUnit() - 0.5 + (rest.NextUnit() - 0.5) * 0.2);
        square += value * value;
      }
      for (float& value : row) value /= std::sqrt(square);
    }
    return {};
  }
};

std::string QuestionOf(std::uint64_t n) {
  return "How do I repair device " + std::to_string(n / 3) + " # " + std::to_string(n);
}

struct Fixture {
  explicit Fixture(std::size_t above, std::size_t max_entries = 100'000)
      : cache({.max_entries = max_entries, .index_above = above, .static_floor = -1}, encoder,
              encoder, nullptr, rng) {}

  void Insert(std::uint64_t n) {
    const auto lookup = cache.Prepare({}, QuestionOf(n));
    ASSERT_TRUE(lookup.has_value());
    ASSERT_TRUE(cache.Insert(*lookup, {.high = 0, .low = n}, {}).has_value());
  }
  // The answer of the nearest question.
  std::uint64_t Nearest(std::uint64_t n) {
    const auto lookup = cache.Find({}, QuestionOf(n));
    return lookup && !lookup->candidates.empty() ? lookup->candidates[0].answer.low
                                                 : std::numeric_limits<std::uint64_t>::max();
  }

  TopicEncoder encoder;
  core::SeededRng rng{1};
  SemanticCache cache;
};

TEST(LargeIndexTest, FewQuestionsAreCompared) {
  Fixture all(kAbove);
  for (std::uint64_t n = 0; n < kAbove; ++n) all.Insert(n);
  all.cache.FinishIndexing();
  EXPECT_EQ(all.cache.Stats().indexed, 0U);
  all.Insert(kAbove);
  all.cache.FinishIndexing();
  EXPECT_EQ(all.cache.Stats().indexed, kAbove + 1);
}

TEST(LargeIndexTest, InvertedListsFindWhatComparingFinds) {
  if (testing::kUnderThreadSanitizer) GTEST_SKIP() << "one thread asks; the lists' own tests race";
  Fixture all(kListsFrom);
  Fixture lists(kListsFrom - 1);
  for (std::uint64_t n = 0; n < kListsFrom; ++n) {
    all.Insert(n);
    lists.Insert(n);
  }
  lists.cache.FinishIndexing();
  EXPECT_EQ(all.cache.Stats().indexed, 0U);
  EXPECT_EQ(lists.cache.Stats().indexed, kListsFrom);
  int same = 0;
  for (std::uint64_t n = 0; n < 200; ++n) {
    same += all.Nearest(n * 22) == lists.Nearest(n * 22) ? 1 : 0;
    EXPECT_EQ(all.Nearest(n * 22), n * 22);
  }
  EXPECT_GE(same, 190);  // of 200, at a wanted recall of 0.99
}

TEST(LargeIndexTest, NothingIsLostWhileListsAreMade) {
  constexpr std::uint64_t kEach = testing::Sized<std::uint64_t>(700, 250);
  Fixture some(kAbove);
  std::atomic<std::uint64_t> lost = 0;  // partner: none, a count
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 3; ++t) {
    threads.emplace_back([&some, &lost, t] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const std::uint64_t n = i * 3 + t;
        some.Insert(n);
        // What the same thread put in before is there, whatever the other threads and the lists do.
        if (i % 5 == 0 && some.Nearest(n) != n) ++lost;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lost, 0U);
  some.cache.FinishIndexing();
  EXPECT_EQ(some.cache.Stats().indexed, 3 * kEach);
  for (std::uint64_t n = 0; n < 3 * kEach; n += 7) EXPECT_EQ(some.Nearest(n), n);
}

TEST(LargeIndexTest, WhatIsErasedOrTooOldIsGoneFromTheListsToo) {
  constexpr std::uint64_t kAll = testing::Sized<std::uint64_t>(2000, 800);
  Fixture some(kAbove, 500);
  for (std::uint64_t n = 0; n < kAll; ++n) some.Insert(n);  // most of them push another one out
  some.cache.FinishIndexing();
  EXPECT_EQ(some.cache.Stats().indexed, 500U);
  EXPECT_NE(some.Nearest(0), 0U);
  EXPECT_EQ(some.Nearest(kAll - 1), kAll - 1);
  some.cache.Erase({.high = 0, .low = kAll - 1});
  EXPECT_NE(some.Nearest(kAll - 1), kAll - 1);
  some.cache.Clear();
  EXPECT_EQ(some.cache.Stats().indexed, 0U);
  for (std::uint64_t n = 0; n < kAbove; ++n) some.Insert(n);
  EXPECT_EQ(some.Nearest(7), 7U);
}

TEST(LargeIndexTest, AClearedOrDestroyedCacheLetsItsListsGo) {
  for (int round = 0; round < testing::Sized(20, 4); ++round) {
    Fixture some(kAbove);
    for (std::uint64_t n = 0; n < kAbove + 50; ++n) some.Insert(n);
    if (round % 2 == 0) some.cache.Clear();
    if (round % 4 == 0) some.Insert(1);
  }
}

TEST(LargeIndexTest, AFileThatIsTakenOverGetsItsLists) {
  const testing::TempDir folder;
  core::FileSystem& files = core::FileSystem::Real();
  const std::string path = folder.path() + "/questions";
  {
    Fixture before(kAbove);
    ASSERT_TRUE(before.cache.Persist(files, path, OtherEncoders::kRefuse));
    for (std::uint64_t n = 0; n < kAbove + 100; ++n) before.Insert(n);
  }
  Fixture after(kAbove);
  ASSERT_TRUE(after.cache.Persist(files, path, OtherEncoders::kRefuse));
  after.cache.FinishIndexing();
  EXPECT_EQ(after.cache.Stats().indexed, kAbove + 100);
  EXPECT_EQ(after.Nearest(kAbove + 99), kAbove + 99);
}

}  // namespace
}  // namespace assay::cache
