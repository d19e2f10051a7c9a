// Random operations against the model, and many threads against a checker.
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "conformance/tier_conformance.h"

namespace assay::cache::testing {
namespace {

constexpr std::uint64_t kKeys = 400;

// One filter of each kind, most of them of a few entries.
Filter RandomFilter(core::Rng& rng, std::int64_t now_ms) {
  Filter filter;
  switch (rng.Below(4)) {
    case 0:
      filter.tenant = "tenant-" + std::to_string(rng.Below(3));
      filter.model = "model-" + std::to_string(rng.Below(7));
      break;
    case 1:
      filter.route = "route-" + std::to_string(rng.Below(5));
      filter.model = "model-" + std::to_string(rng.Below(7));
      break;
    case 2:
      filter.stored_before_ms = now_ms - static_cast<std::int64_t>(rng.Below(200'000));
      break;
    default:
      filter.expires_before_ms = now_ms + static_cast<std::int64_t>(rng.Below(2'000));
      break;
  }
  return filter;
}

TEST_P(TierConformance, AgreesWithAMapOverRandomOperations) {
  core::SeededRng rng(20'240'607);
  TierModel model;
  std::uint64_t version = 0;
  std::array<Key, 8> keys;
  std::array<EntryRef, 8> found;
  for (std::uint64_t i = 0; i < GetParam().operations && !HasFailure(); ++i) {
    const std::uint64_t key = rng.Below(kKeys);
    const std::uint64_t dice = rng.Below(1'000);
    if (dice < 520) {
      ASSERT_TRUE(SameEntry(Get(KeyOf(key)), model.Get(KeyOf(key), now_ms()))) << "step " << i;
    } else if (dice < 800) {
      // Some are expired already; most live for a while of the fake clock.
      const auto life_ms = static_cast<std::int64_t>(rng.Below(60'000)) - 500;
      const EntryRef entry = MakeEntry(key, ++version, now_ms(), now_ms() + life_ms);
      Put(entry);
      model.Put(entry, now_ms());
    } else if (dice < 880) {
      const Result<bool> erased = tier().Erase(KeyOf(key));
      ASSERT_TRUE(erased.has_value()) << erased.error().message;
      if (model.Get(KeyOf(key), now_ms())) {
        ASSERT_TRUE(*erased) << "step " << i;
      }
      model.Erase(KeyOf(key));
    } else if (dice < 930) {
      for (Key& one : keys) one = KeyOf(rng.Below(kKeys));
      ASSERT_TRUE(tier().GetBatch(keys, now_ms(), found).has_value());
      for (std::size_t k = 0; k < keys.size(); ++k) {
        ASSERT_TRUE(SameEntry(found[k], model.Get(keys[k], now_ms()))) << "step " << i;
      }
    } else if (dice < 995) {
      AdvanceMs(static_cast<std::int64_t>(rng.Below(500)));
    } else if (dice < 998) {
      const Filter filter = RandomFilter(rng, now_ms());
      ASSERT_TRUE(tier().Purge(filter).has_value());
      model.Purge(filter);
    } else if (dice < 999 || !GetParam().durable) {
      const std::vector<EntryRef> all = All();
      const std::vector<EntryRef> expected = model.All(now_ms());
      ASSERT_EQ(all.size(), expected.size()) << "step " << i;
      for (std::size_t k = 0; k < all.size(); ++k) ASSERT_TRUE(SameEntry(all[k], expected[k]));
    } else {
      ASSERT_TRUE(tier().Sync().has_value());
      Reopen();
    }
  }
}

// What may be read under each key while others write it: a version not older than the last one
// whose Put had returned before the read began, not newer than the last one begun when it ended.
struct Written {
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> done{0};
};

TEST_P(TierConformance, NeverShowsAStaleOrMixedEntryUnderConcurrentLoad) {
  constexpr std::uint64_t kShared = 64;
  constexpr int kReaders = 3;
  const std::uint64_t rounds = GetParam().operations / 40;
  std::vector<Written> written(kShared);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> reads{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < kReaders; ++t) {
    readers.emplace_back([&, t] {
      core::SeededRng rng(static_cast<std::uint64_t>(t) + 1);
      while (!stop.load()) {
        const std::uint64_t key = rng.Below(kShared);
        const std::uint64_t least = written[key].done.load();
        const auto found = tier().Get(KeyOf(key), now_ms());
        const std::uint64_t most = written[key].begun.load();
        ASSERT_TRUE(found.has_value()) << found.error().message;
        if (!*found) {
          EXPECT_EQ(least, 0U) << "key " << key << " was lost";
          continue;
        }
        const std::uint64_t version = CheckedVersion(key, **found);
        EXPECT_GE(version, least) << "key " << key;
        EXPECT_LE(version, most) << "key " << key;
        reads.fetch_add(1);
      }
    });
  }
  std::vector<std::thread> writers;
  for (std::uint64_t w = 0; w < 2; ++w) {  // each key has one writer
    writers.emplace_back([&, w] {
      core::SeededRng rng(w + 100);
      for (std::uint64_t i = 1; i <= rounds; ++i) {
        const std::uint64_t key = rng.Below(kShared / 2) * 2 + w;
        const std::uint64_t version = written[key].begun.load() + 1;
        written[key].begun.store(version);
        const auto put = tier().Put(MakeEntry(key, version, now_ms(), now_ms() + kHour), now_ms());
        ASSERT_TRUE(put.has_value()) << put.error().message;
        written[key].done.store(version);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  while (reads.load() < 100 && !HasFailure()) std::this_thread::yield();
  stop.store(true);
  for (std::thread& reader : readers) reader.join();
  for (std::uint64_t key = 0; key < kShared; ++key) {
    if (written[key].done.load() == 0) continue;
    const EntryRef last = Get(KeyOf(key));
    ASSERT_TRUE(last);
    EXPECT_EQ(CheckedVersion(key, *last), written[key].done.load());
  }
}

}  // namespace
}  // namespace assay::cache::testing
