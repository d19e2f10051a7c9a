#include "assay/cache/memory_cache.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "conformance/tier_conformance.h"

namespace assay::cache {
namespace {

using testing::KeyOf;

constexpr std::int64_t kNow = 1'700'000'000'000;

std::unique_ptr<MemoryCache> Cache(const MemoryCacheOptions& options = {}) {
  return MemoryCache::Create(options).value();
}

EntryRef Small(std::uint64_t key, std::int64_t expires_ms = kNeverExpires) {
  return Entry::Make(KeyOf(key), {.stored_ms = kNow, .expires_ms = expires_ms}, {.body = "answer"})
      .value();
}

EntryRef Sized(std::uint64_t key, std::size_t size_bytes) {
  const std::string body(size_bytes, 'x');
  return Entry::Make(KeyOf(key), {.expires_ms = kNeverExpires}, {.body = body}).value();
}

TEST(MemoryCache, RefusesBoundsThatHoldNothing) {
  EXPECT_EQ(MemoryCache::Create({.capacity_bytes = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(MemoryCache::Create({.max_entries = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(MemoryCache::Create({.shards = 2048}).error().code, Code::kOutOfRange);
}

TEST(MemoryCache, SharesTheEntryThatWasPut) {
  const auto cache = Cache();
  const EntryRef entry = Small(1);
  ASSERT_TRUE(cache->Put(entry, kNow));
  EXPECT_EQ(cache->Get(KeyOf(1), kNow).get(), entry.get());
}

TEST(MemoryCache, LetsAReaderKeepWhatWasErased) {
  const auto cache = Cache();
  cache->Put(Small(1), kNow);
  const EntryRef kept = cache->Get(KeyOf(1), kNow);
  ASSERT_TRUE(cache->Erase(KeyOf(1)));
  for (std::uint64_t key = 2; key < 2'000; ++key) cache->Put(Small(key), kNow);
  EXPECT_EQ(kept->body(), "answer");
}

TEST(MemoryCache, LetsAReaderKeepWhatItGotBeyondTheCache) {
  EntryRef kept;
  EntryRef copied;
  {
    const auto cache = Cache();
    cache->Put(testing::MakeEntry(1, 1, kNow, kNeverExpires), kNow);
    cache->Put(testing::MakeEntry(2, 2, kNow, kNeverExpires), kNow);
    kept = cache->Get(KeyOf(1), kNow);
    const EntryRef borrowed = cache->Get(KeyOf(2), kNow);
    copied = borrowed;
  }
  (void)Cache();  // its end looks for what others left
  EXPECT_EQ(testing::CheckedVersion(1, *kept), 1U);
  EXPECT_EQ(testing::CheckedVersion(2, *copied), 2U);
  kept = nullptr;
  (void)Cache();
}

TEST(MemoryCache, HandsOutMoreEntriesAtOnceThanAThreadHasLeases) {
  const auto cache = Cache({.max_entries = 1'000, .shards = 1});
  std::vector<EntryRef> held;
  for (std::uint64_t key = 0; key < 1'000; ++key) {
    cache->Put(testing::MakeEntry(key, 1, kNow, kNeverExpires), kNow);
    held.push_back(cache->Get(KeyOf(key), kNow));
  }
  for (std::uint64_t key = 1'000; key < 3'000; ++key) cache->Put(Small(key), kNow);
  for (std::uint64_t key = 0; key < 1'000; ++key) {
    EXPECT_EQ(testing::CheckedVersion(key, *held[key]), 1U);
  }
}

TEST(MemoryCache, TakesBackWhatAnotherThreadGot) {
  const auto cache = Cache({.max_entries = 64, .shards = 1});
  for (std::uint64_t round = 0; round < 50; ++round) {
    EntryRef from_elsewhere;
    std::thread([&] {
      cache->Put(testing::MakeEntry(round, round, kNow, kNeverExpires), kNow);
      from_elsewhere = cache->Get(KeyOf(round), kNow);
    }).join();
    for (std::uint64_t key = 100; key < 300; ++key) cache->Put(Small(key), kNow);
    EXPECT_EQ(testing::CheckedVersion(round, *from_elsewhere), round);
  }
}

TEST(MemoryCache, NeverHoldsMoreEntriesThanItMay) {
  for (const std::size_t shards : {1U, 4U}) {
    for (const std::size_t bound : {1U, 2U, 3U, 10U, 1'000U}) {
      const auto cache = Cache({.max_entries = bound, .shards = shards});
      for (std::uint64_t key = 0; key < 5'000; ++key) {
        cache->Put(Small(key), kNow);
        (void)cache->Get(KeyOf(key / 2), kNow);
        ASSERT_LE(cache->Stats().entries, bound);
      }
      EXPECT_GE(cache->Stats().entries, bound * 3 / 4);
      EXPECT_TRUE(cache->Get(KeyOf(4'999), kNow)) << bound;
    }
  }
}

TEST(MemoryCache, NeverTakesMoreBytesThanItMay) {
  constexpr std::size_t kBound = std::size_t{1} << 20;
  const auto cache = Cache({.capacity_bytes = kBound});
  core::SeededRng rng(5);
  for (std::uint64_t key = 0; key < 20'000; ++key) {
    cache->Put(Sized(key, rng.Below(3'000)), kNow);
    (void)cache->Get(KeyOf(rng.Below(key + 1)), kNow);
    if (key % 16 == 0) {
      ASSERT_LE(cache->Stats().size_bytes, kBound);
    }
  }
  EXPECT_GT(cache->Stats().size_bytes, kBound * 9 / 10);
}

TEST(MemoryCache, CountsTablesAndQueuesAsMemory) {
  const auto cache = Cache({.shards = 1});
  std::size_t entry_bytes = 0;
  for (std::uint64_t key = 0; key < 10'000; ++key) {
    const EntryRef entry = Small(key);
    entry_bytes += entry->footprint_bytes();
    cache->Put(entry, kNow);
  }
  const std::size_t beside = cache->Stats().size_bytes - entry_bytes;
  EXPECT_GT(beside, 10'000U * 30);
  EXPECT_LT(beside, 10'000U * 120);
}

TEST(MemoryCache, StaysFlatOverAMillionDistinctEntries) {
  constexpr std::size_t kBound = std::size_t{16} << 20;
  const auto cache = Cache({.capacity_bytes = kBound});
  std::uint64_t most_after_the_first_part = 0;
  for (std::uint64_t key = 0; key < 1'000'000; ++key) {
    cache->Put(Sized(key, 200 + key % 300), kNow);
    if (key > 100'000 && key % 1'000 == 0) {
      most_after_the_first_part = std::max(most_after_the_first_part, cache->Stats().size_bytes);
    }
  }
  const TierStats stats = cache->Stats();
  EXPECT_LE(most_after_the_first_part, kBound);
  EXPECT_EQ(stats.puts, 1'000'000U);
  EXPECT_EQ(stats.puts - stats.evictions, stats.entries);
}

TEST(MemoryCache, RefusesAnEntryAboveHalfOfAShardAndForgetsTheOlderOne) {
  const auto cache = Cache({.capacity_bytes = 1 << 20, .shards = 1});
  ASSERT_TRUE(cache->Put(Small(1), kNow));
  EXPECT_FALSE(cache->Put(Sized(1, 600'000), kNow));
  EXPECT_FALSE(cache->Get(KeyOf(1), kNow));
}

TEST(MemoryCache, KeepsWhatIsAskedThroughAScan) {
  const auto cache = Cache({.max_entries = 1'000, .shards = 1});
  for (int round = 0; round < 4; ++round) {
    for (std::uint64_t key = 0; key < 500; ++key) {
      if (!cache->Get(KeyOf(key), kNow)) cache->Put(Small(key), kNow);
    }
  }
  for (std::uint64_t key = 10'000; key < 20'000; ++key) cache->Put(Small(key), kNow);
  std::size_t left = 0;
  for (std::uint64_t key = 0; key < 500; ++key) left += cache->Get(KeyOf(key), kNow) ? 1U : 0U;
  EXPECT_GE(left, 490U);
}

TEST(MemoryCache, LetsAnEntryThatComesBackSoonStay) {
  const auto cache = Cache({.max_entries = 100, .shards = 1});
  for (std::uint64_t key = 0; key < 100; ++key) cache->Put(Small(key), kNow);
  for (std::uint64_t key = 100; key < 120; ++key) cache->Put(Small(key), kNow);
  // Evicted unasked, asked again: it comes back past the small queue.
  ASSERT_FALSE(cache->Get(KeyOf(5), kNow));
  cache->Put(Small(5), kNow);
  for (std::uint64_t key = 200; key < 260; ++key) cache->Put(Small(key), kNow);
  EXPECT_TRUE(cache->Get(KeyOf(5), kNow));
}

// Every question comes twice, the second time 60 questions later, and never again: a small queue of
// a tenth forgets all of them in between, so the ghosts must make it grow.
TEST(MemoryCache, GivesTheSmallQueueTheRoomThatItsGhostsAskFor) {
  const auto cache = Cache({.max_entries = 100, .shards = 1});
  std::size_t hits = 0;
  for (std::uint64_t i = 60; i < 4'060; ++i) {
    cache->Put(Small(i), kNow);
    if (cache->Get(KeyOf(i - 60), kNow)) {
      hits += i >= 3'060 ? 1U : 0U;
    } else {
      cache->Put(Small(i - 60), kNow);
    }
  }
  EXPECT_GT(hits, 900U);
}

TEST(MemoryCache, SweepsExpiredEntriesWhileItStoresOthers) {
  const auto cache = Cache({.shards = 1});
  for (std::uint64_t key = 0; key < 1'000; ++key) cache->Put(Small(key, kNow + 10), kNow);
  for (std::uint64_t key = 1'000; key < 2'500; ++key) cache->Put(Small(key), kNow + 10);
  EXPECT_EQ(cache->Stats().entries, 1'500U);
  EXPECT_EQ(cache->Stats().expired, 1'000U);
}

TEST(MemoryCache, RemovesAllExpiredEntriesWhenTold) {
  const auto cache = Cache();
  for (std::uint64_t key = 0; key < 1'000; ++key) {
    cache->Put(Small(key, key % 4 == 0 ? kNow + 10 : kNeverExpires), kNow);
  }
  EXPECT_EQ(cache->RemoveExpired(kNow + 9), 0U);
  EXPECT_EQ(cache->RemoveExpired(kNow + 10), 250U);
  EXPECT_EQ(cache->Stats().entries, 750U);
}

TEST(MemoryCache, NamesTheMostAskedEntriesThatExpireSoon) {
  const auto cache = Cache();
  for (std::uint64_t key = 0; key < 100; ++key) {
    cache->Put(Small(key, key < 50 ? kNow + 1'000 : kNow + 100'000), kNow);
    for (std::uint64_t i = 0; i < key; ++i) (void)cache->Get(KeyOf(key), kNow);
  }
  const std::vector<EntryRef> soon = cache->AboutToExpire(kNow, 5'000, 10, 3);
  ASSERT_EQ(soon.size(), 3U);
  EXPECT_EQ(soon[0]->key(), KeyOf(49));
  EXPECT_EQ(soon[0]->asks(), 49U);
  EXPECT_EQ(soon[1]->key(), KeyOf(48));
  EXPECT_EQ(soon[2]->key(), KeyOf(47));
  EXPECT_EQ(cache->AboutToExpire(kNow, 5'000, 10, 1'000).size(), 40U);
  EXPECT_TRUE(cache->AboutToExpire(kNow + 1'000, 5'000, 0, 10).empty());
}

TEST(MemoryCache, AnswersKeysWithEqualLowBits) {
  const auto cache = Cache({.shards = 1});
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto entry = Entry::Make({i << 48 | i, 7}, {.expires_ms = kNeverExpires}, {});
    ASSERT_TRUE(cache->Put(*entry, kNow));
  }
  for (std::uint64_t i = 0; i < 500; ++i) {
    const Key key{i << 48 | i, 7};
    const EntryRef found = cache->Get(key, kNow);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->key(), key);
  }
  EXPECT_FALSE(cache->Get({std::uint64_t{3} << 48 | 4, 7}, kNow));
}

// All belong to one bucket, the last of them farther than a bucket can say.
TEST(MemoryCache, AnswersKeysThatAreFarFromHome) {
  const auto cache = Cache({.shards = 1});
  constexpr std::uint64_t kKeys = 2'500;
  const auto key_of = [](std::uint64_t i) { return Key{i << 40 | i, 7}; };
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    const auto entry = Entry::Make(key_of(i), {.expires_ms = kNeverExpires}, {});
    ASSERT_TRUE(cache->Put(*entry, kNow));
  }
  for (std::uint64_t i = 0; i < kKeys; i += 2) ASSERT_TRUE(cache->Erase(key_of(i)));
  std::vector<Key> keys(kKeys);
  for (std::uint64_t i = 0; i < kKeys; ++i) keys[i] = key_of(i);
  std::vector<EntryRef> found(kKeys);
  cache->GetBatch(keys, kNow, found);
  for (std::uint64_t i = 0; i < kKeys; ++i) {
    ASSERT_EQ(static_cast<bool>(found[i]), i % 2 == 1) << i;
    if (found[i]) {
      ASSERT_EQ(found[i]->key(), keys[i]);
    }
    ASSERT_EQ(static_cast<bool>(cache->Get(keys[i], kNow)), i % 2 == 1) << i;
  }
}

// Readers, writers, erasers and walkers on a cache that evicts all the time: whatever is read is
// whole, and belongs to its key. The sanitizers watch the memory.
TEST(MemoryCache, ShowsOnlyWholeEntriesWhileItEvicts) {
  const auto cache = Cache({.max_entries = 256, .shards = 2});
  constexpr std::uint64_t kKeys = 1'000;
  std::atomic<int> writing{2};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      core::SeededRng rng(t);
      for (std::uint64_t i = 0; i < 15'000; ++i) {
        const std::uint64_t key = rng.Below(kKeys);
        const std::uint64_t dice = rng.Below(100);
        if (dice < 90) {
          const std::int64_t expires_ms = dice < 10 ? kNow : kNow + 1'000;
          cache->Put(testing::MakeEntry(key, i, kNow, expires_ms, 50), kNow);
        } else if (dice < 99) {
          cache->Erase(KeyOf(key));
        } else {
          cache->Purge({.tenant = "tenant-1", .model = "model-2"});
        }
      }
      writing.fetch_sub(1);
    });
  }
  threads.emplace_back([&] {
    core::SeededRng rng(9);
    std::vector<Key> keys(40);
    std::vector<std::uint64_t> numbers(40);
    std::vector<EntryRef> found(40);
    while (writing.load() > 0) {
      for (std::size_t i = 0; i < keys.size(); ++i) {
        numbers[i] = rng.Below(kKeys);
        keys[i] = KeyOf(numbers[i]);
      }
      cache->GetBatch(keys, kNow, found);
      for (std::size_t i = 0; i < keys.size(); ++i) {
        if (found[i]) (void)testing::CheckedVersion(numbers[i], *found[i]);
      }
      const EntryRef one = cache->Get(keys[0], kNow);
      if (one) (void)testing::CheckedVersion(numbers[0], *one);
    }
  });
  threads.emplace_back([&] {
    while (writing.load() > 0) {
      std::size_t visited = 0;
      cache->ForEach(kNow, [&](const EntryRef& entry) {
        EXPECT_EQ(entry->key(), KeyOf(entry->info().prompt_tokens));
        ++visited;
        return true;
      });
      EXPECT_LE(visited, 2 * 256U);
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache->Stats().entries, 256U);
}

TEST(MemoryCache, CountsTheReadsOfManyShortThreads) {
  const auto cache = Cache();
  cache->Put(Small(1), kNow);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 5; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10; ++i) {
          (void)cache->Get(KeyOf(1), kNow);
          (void)cache->Get(KeyOf(2), kNow);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(cache->Stats().hits, 1'000U);
  EXPECT_EQ(cache->Stats().misses, 1'000U);
}

}  // namespace
}  // namespace assay::cache
