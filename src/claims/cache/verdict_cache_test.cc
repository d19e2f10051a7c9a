#include "assay/claims/verdict_cache.h"

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "cache/clock_map_internal.h"

namespace assay::claims {
namespace {

constexpr corpus::IndexVersion kIndex = {1, 2};
constexpr std::uint64_t kVerifier = 3;

std::unique_ptr<VerdictCache> MakeCache(std::size_t max_entries) {
  auto cache = VerdictCache::Create({.max_entries = max_entries});
  if (!cache) ADD_FAILURE() << cache.error().message;
  return *std::move(cache);
}

Judgement JudgementFor(std::size_t i) {
  Judgement judgement;
  judgement.verdict = static_cast<Verdict>(i % 3);
  judgement.reason = "reason " + std::to_string(i);
  return judgement;
}

std::string ClaimFor(std::size_t i) {
  return "Employees get " + std::to_string(i) + " days of holiday a year, says the handbook.";
}

TEST(VerdictCache, OptionsOutOfRangeAreRefused) {
  EXPECT_EQ(VerdictCache::Create({.max_entries = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(VerdictCache::Create({.max_entries = std::size_t{1} << 31}).error().code,
            Code::kOutOfRange);
}

TEST(VerdictCache, ClaimIndexAndVerifierAreAllPartOfTheKey) {
  const auto cache = MakeCache(64);
  cache->Put("claim", kIndex, kVerifier, JudgementFor(1));
  ASSERT_TRUE(cache->Find("claim", kIndex, kVerifier).has_value());
  EXPECT_EQ(cache->Find("claim", kIndex, kVerifier)->reason, "reason 1");
  EXPECT_FALSE(cache->Find("claim.", kIndex, kVerifier).has_value());
  EXPECT_FALSE(cache->Find("claim", {2, 1}, kVerifier).has_value());
  EXPECT_FALSE(cache->Find("claim", kIndex, kVerifier + 1).has_value());
  cache->Put("claim", kIndex, kVerifier, JudgementFor(2));
  EXPECT_EQ(cache->Find("claim", kIndex, kVerifier)->reason, "reason 2");
  EXPECT_EQ(cache->stats().entries, 1U);
  EXPECT_EQ(cache->stats().insertions, 2U);
}

TEST(VerdictCache, BatchesEqualSingleLookUpsForEverySize) {
  const auto cache = MakeCache(1024);
  for (std::size_t i = 0; i < 200; i += 2) {
    cache->Put(ClaimFor(i), kIndex, kVerifier, JudgementFor(i));
  }
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 100; ++i) texts.push_back(ClaimFor(i));
  const std::vector<std::string_view> claims(texts.begin(), texts.end());
  const VerdictCache::Reader reader = cache->Read();
  for (std::size_t size = 0; size <= claims.size(); ++size) {
    std::vector<const Judgement*> found(size);
    reader.FindBatch(std::span(claims).first(size), kIndex, kVerifier, found);
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(found[i], reader.Find(claims[i], kIndex, kVerifier));
      ASSERT_EQ(found[i] != nullptr, i % 2 == 0);
      if (i % 2 == 0) {
        ASSERT_EQ(found[i]->reason, JudgementFor(i).reason);
      }
    }
  }
}

TEST(VerdictCache, EntriesStayWithinTheBoundAndWhatIsReadStays) {
  const auto cache = MakeCache(1024);
  for (std::size_t i = 0; i < 20'000; ++i) {
    cache->Put(ClaimFor(i), kIndex, kVerifier, JudgementFor(i));
    if (i >= 16) {
      for (std::size_t hot = 0; hot < 16; ++hot) {
        ASSERT_TRUE(cache->Find(ClaimFor(hot), kIndex, kVerifier).has_value()) << i << " " << hot;
      }
    }
  }
  const VerdictCacheStats stats = cache->stats();
  EXPECT_LE(stats.entries, 1024U);
  EXPECT_GT(stats.entries, 1000U);
  EXPECT_EQ(stats.insertions, 20'000U);
  EXPECT_EQ(stats.evictions, stats.insertions - stats.entries);
}

TEST(VerdictCache, PointersOfAReaderOutliveReplacement) {
  const auto cache = MakeCache(8);
  cache->Put("kept", kIndex, kVerifier, JudgementFor(7));
  const VerdictCache::Reader reader = cache->Read();
  const Judgement* kept = reader.Find("kept", kIndex, kVerifier);
  ASSERT_NE(kept, nullptr);
  for (std::size_t i = 0; i < 2'000; ++i) {
    cache->Put(ClaimFor(i), kIndex, kVerifier, JudgementFor(i));
  }
  EXPECT_EQ(reader.Find("kept", kIndex, kVerifier), nullptr);
  EXPECT_EQ(kept->reason, "reason 7");
}

// ---- the map under it, against a model ----

TEST(ClockMap, NeverReturnsAnotherValueThanTheLastOneOfTheKey) {
  cache::ClockMap<std::uint64_t> map(256);
  std::unordered_map<std::uint64_t, std::uint64_t> model;
  std::mt19937_64 random(5);
  std::size_t hits = 0;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const std::uint64_t id = random() % 400;
    // Few low bits differ and tags collide, so that sets and tags are shared.
    const core::Hash128 key{.high = id % 5, .low = id * 0x9E3779B97F4A7C15ULL};
    if (random() % 3 == 0) {
      map.Put(key, i);
      model[id] = i;
    }
    const std::size_t pin = map.Pin();
    if (const std::uint64_t* value = map.Find(key); value != nullptr) {
      ++hits;
      ASSERT_EQ(*value, model.at(id));
    }
    map.Unpin(pin);
  }
  EXPECT_GT(hits, 50'000U);
}

// Each value says its key and a counter that only grows, and fills a line with a function of both:
// a torn, freed or foreign value would show.
struct Stamped {
  std::uint64_t id;
  std::uint64_t version;
  std::array<std::uint64_t, 6> check;

  static Stamped Make(std::uint64_t id, std::uint64_t version) {
    Stamped stamped{id, version, {}};
    for (std::size_t i = 0; i < stamped.check.size(); ++i) {
      stamped.check[i] = (id + 1) * 0x9E3779B97F4A7C15ULL ^ (version + i);
    }
    return stamped;
  }
  friend bool operator==(const Stamped&, const Stamped&) = default;
};

TEST(ClockMap, ConcurrentReadersNeverSeeAnImpossibleValue) {
  constexpr std::uint64_t kIds = 96;
  cache::ClockMap<Stamped> map(64);  // smaller than the keys: evictions all the time
  std::array<std::atomic<std::uint64_t>, kIds>
      written{};  // versions handed out, by one writer each
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> faults{0};
  std::atomic<std::uint64_t> hits{0};
  const auto key_of = [](std::uint64_t id) {
    return core::Hash128{.high = id % 3, .low = id * 0x9E3779B97F4A7C15ULL};
  };
  std::vector<std::jthread> writers;
  for (std::uint64_t w = 0; w < 2; ++w) {
    writers.emplace_back([&, w] {
      std::mt19937_64 random(w);
      for (std::uint64_t i = 0; i < 20'000; ++i) {
        const std::uint64_t id = (random() % (kIds / 2)) * 2 + w;
        const std::uint64_t version = written[id].fetch_add(1) + 1;
        map.Put(key_of(id), Stamped::Make(id, version));
      }
    });
  }
  std::vector<std::jthread> readers;
  for (std::uint64_t r = 0; r < 3; ++r) {
    readers.emplace_back([&, r] {
      std::mt19937_64 random(100 + r);
      std::array<std::uint64_t, kIds> seen{};
      while (!stop.load()) {
        const std::size_t pin = map.Pin();
        for (std::size_t i = 0; i < 16; ++i) {
          const std::uint64_t id = random() % kIds;
          const Stamped* value = map.Find(key_of(id));
          if (value == nullptr) continue;
          hits.fetch_add(1);
          // The version was handed out, and is not older than one seen before.
          const bool possible = *value == Stamped::Make(id, value->version) &&
                                value->version <= written[id].load() && value->version >= seen[id];
          faults.fetch_add(possible ? 0 : 1);
          seen[id] = value->version;
        }
        map.Unpin(pin);
      }
    });
  }
  writers.clear();
  while (hits.load() == 0 && faults.load() == 0) std::this_thread::yield();
  stop.store(true);
  readers.clear();
  EXPECT_EQ(faults.load(), 0U);
  EXPECT_GT(hits.load(), 0U);
}

TEST(Epochs, MorePinsThanPlacesWaitAndFinish) {
  cache::Epochs epochs;
  std::atomic<std::uint64_t> done{0};
  std::vector<std::size_t> held(cache::Epochs::kPins);
  for (std::size_t& pin : held) pin = epochs.Pin();
  std::jthread late([&] {
    epochs.Unpin(epochs.Pin());
    done.store(1);
  });
  EXPECT_EQ(done.load(), 0U) << "all places are taken";
  for (const std::size_t pin : held) epochs.Unpin(pin);
  late.join();
  EXPECT_EQ(done.load(), 1U);
}

}  // namespace
}  // namespace assay::claims
