// Look-ups in the memory cache beside peers: 100,000 answers of 200 bytes under keys of 64 bytes,
// asked by zipf(1.0). Hashing the key and reading the first byte of the answer belong to a look-up.
// Every side hands out the answer so that it may be used after the look-up: ours as a counted
// reference, the peers as a copy of the bytes or a std::shared_ptr.
//
// "floor" is what any look-up has to do, without a cache: hash the text, read a line that the hash
// leads to, and a line that this one leads to. No branch, no key, no reference.
//
// Threads ask the same questions at different times. Two threads: ns are per look-up of one thread.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <tbb/concurrent_hash_map.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "assay/cache/memory_cache.h"
#include "assay/core/hash.h"

namespace {

using assay::cache::Entry;
using assay::cache::EntryRef;
using assay::cache::Key;
using assay::cache::MemoryCache;
using assay::core::HashBytes128;

constexpr std::size_t kEntries = 100'000;
constexpr std::size_t kQuestions = std::size_t{1} << 20;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kBodyBytes = 200;
constexpr std::int64_t kNow = 1'700'000'000'000;

using Shared = std::shared_ptr<const std::string>;

// What a locked LRU costs when it is cut into parts that rarely meet.
class ShardedLru {
 public:
  void Put(const std::string& key, Shared value) {
    Part& part = PartOf(key);
    const std::scoped_lock lock(part.mutex);
    part.items.emplace_front(key, std::move(value));
    part.places[part.items.front().first] = part.items.begin();
  }
  Shared Get(std::string_view key) {
    Part& part = PartOf(key);
    const std::scoped_lock lock(part.mutex);
    const auto found = part.places.find(key);
    if (found == part.places.end()) return nullptr;
    part.items.splice(part.items.begin(), part.items, found->second);
    return found->second->second;
  }

 private:
  struct alignas(64) Part {
    std::mutex mutex;
    std::list<std::pair<std::string, Shared>> items;
    std::unordered_map<std::string_view, decltype(items)::iterator> places;
  };
  Part& PartOf(std::string_view key) {
    return parts_[std::hash<std::string_view>()(key) >> 40 & (parts_.size() - 1)];
  }
  std::array<Part, 16> parts_;
};

using TbbMap = tbb::concurrent_hash_map<std::string, std::string>;

// The lines that a look-up cannot do without: of a table of the cache's size, and of the entries at
// the cache's distance. On huge pages where the system has them.
class Floor {
 public:
  Floor() = default;
  Floor(const Floor&) = delete;
  Floor& operator=(const Floor&) = delete;
  ~Floor() {
    std::free(table_);
    std::free(entries_);
  }
  void Put(const Key& key, std::size_t number) { *SlotOf(key) = number; }
  [[nodiscard]] char Get(const Key& key) const { return entries_[*SlotOf(key) * kEntryBytes]; }

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 18;
  static constexpr std::size_t kEntryBytes = 320;
  static constexpr std::size_t kPageBytes = std::size_t{2} << 20;

  [[nodiscard]] static char* Pages(std::size_t size_bytes) {
    size_bytes = (size_bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
    void* pages = std::aligned_alloc(kPageBytes, size_bytes);
#if defined(__linux__)
    ::madvise(pages, size_bytes, MADV_HUGEPAGE);
#endif
    return static_cast<char*>(std::memset(pages, 1, size_bytes));
  }
  [[nodiscard]] std::size_t* SlotOf(const Key& key) const {
    return reinterpret_cast<std::size_t*>(table_) + (key.low & (kSlots - 1));
  }

  char* table_ = Pages(kSlots * sizeof(std::size_t));
  char* entries_ = Pages(kEntries * kEntryBytes);
};

struct Bench {
  std::vector<std::string> keys;
  std::vector<std::uint32_t> questions;  // indexes of keys
  std::unique_ptr<MemoryCache> cache;
  Floor floor;
  ShardedLru lru;
  TbbMap tbb;
};

Bench& TheBench() {
  static Bench bench;
  return bench;
}

void Fill(Bench& bench) {
  bench.cache = MemoryCache::Create({}).value();
  // All keys first: questions do not lie between the answers of four caches.
  for (std::size_t i = 0; i < kEntries; ++i) {
    const std::string part = fmt::format("{:016x}", i);
    bench.keys.push_back(part + part + part + part);
  }
  for (std::size_t i = 0; i < kEntries; ++i) {
    std::string body(kBodyBytes, 'v');
    std::memcpy(body.data(), &i, sizeof(i));
    bench.cache->Put(Entry::Make(HashBytes128(bench.keys[i]),
                                 {.stored_ms = kNow, .expires_ms = kNow + 3'600'000},
                                 {.tenant = "acme", .route = "fast", .model = "m", .body = body})
                         .value(),
                     kNow);
    bench.floor.Put(HashBytes128(bench.keys[i]), i);
    bench.lru.Put(bench.keys[i], std::make_shared<const std::string>(body));
    bench.tbb.insert({bench.keys[i], body});
  }
  std::vector<double> weights(kEntries);
  for (std::size_t i = 0; i < kEntries; ++i) weights[i] = 1.0 / static_cast<double>(i + 1);
  std::discrete_distribution<std::uint32_t> zipf(weights.begin(), weights.end());
  std::mt19937_64 random(11);
  std::vector<std::uint32_t> place(kEntries);
  for (std::uint32_t i = 0; i < kEntries; ++i) place[i] = i;
  std::ranges::shuffle(place, random);
  for (std::size_t i = 0; i < kQuestions; ++i) bench.questions.push_back(place[zipf(random)]);
}

bool AnswersAreEqual(Bench& bench) {
  for (const std::string& key : bench.keys) {
    const EntryRef ours = bench.cache->Get(HashBytes128(key), kNow);
    const Shared lru = bench.lru.Get(key);
    TbbMap::const_accessor tbb;
    if (!ours || !lru || !bench.tbb.find(tbb, key)) return false;
    if (ours->body() != *lru || *lru != tbb->second) return false;
  }
  return true;
}

// Both threads ask the same, at different times.
std::size_t StartOf(const benchmark::State& state) {
  return static_cast<std::size_t>(state.thread_index()) * kQuestions / 2;
}

void Count(benchmark::State& state, std::size_t look_ups) {
  using benchmark::Counter;
  state.counters["per_get"] =
      Counter(static_cast<double>(look_ups),
              Counter::kIsIterationInvariantRate | Counter::kInvert | Counter::kAvgThreads);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(look_ups));
}

// One iteration is kBatch look-ups on every side.
template <typename GetOne>
void Singly(benchmark::State& state, GetOne&& get_one) {
  Bench& bench = TheBench();
  std::size_t at = StartOf(state);
  std::uint64_t sum = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      sum += static_cast<unsigned char>(get_one(bench, bench.keys[bench.questions[at + i]]));
    }
    at = (at + kBatch) % kQuestions;
  }
  benchmark::DoNotOptimize(sum);
  Count(state, kBatch);
}

void AssaySingle(benchmark::State& state) {
  Singly(state, [](Bench& bench, const std::string& key) {
    return bench.cache->Get(HashBytes128(key), kNow)->body()[0];
  });
}

void AssayBatch(benchmark::State& state) {
  Bench& bench = TheBench();
  std::array<Key, kBatch> keys;
  std::array<EntryRef, kBatch> found;
  std::size_t at = StartOf(state);
  std::uint64_t sum = 0;
  for (auto _ : state) {
    // Who has many questions at hand fetches their texts ahead as well.
    for (std::size_t i = 0; i < kBatch; ++i) {
      const std::string& key = bench.keys[bench.questions[at + i]];
      __builtin_prefetch(key.data());
      __builtin_prefetch(key.data() + key.size() - 1);
    }
    for (std::size_t i = 0; i < kBatch; ++i) {
      keys[i] = HashBytes128(bench.keys[bench.questions[at + i]]);
    }
    bench.cache->GetBatch(keys, kNow, found);
    for (EntryRef& entry : found) sum += static_cast<unsigned char>(entry->body()[0]);
    at = (at + kBatch) % kQuestions;
  }
  benchmark::DoNotOptimize(sum);
  Count(state, kBatch);
}

void TheFloor(benchmark::State& state) {
  Singly(state,
         [](Bench& bench, const std::string& key) { return bench.floor.Get(HashBytes128(key)); });
}

void Lru(benchmark::State& state) {
  Singly(state, [](Bench& bench, const std::string& key) { return (*bench.lru.Get(key))[0]; });
}

void Tbb(benchmark::State& state) {
  Singly(state, [](Bench& bench, const std::string& key) {
    std::array<char, kBodyBytes> copy;
    TbbMap::const_accessor found;
    bench.tbb.find(found, key);
    std::memcpy(copy.data(), found->second.data(), copy.size());
    benchmark::DoNotOptimize(copy);
    return copy[0];
  });
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  Bench& bench = TheBench();
  Fill(bench);
  if (!AnswersAreEqual(bench)) {
    std::fprintf(stderr, "answers differ\n");
    return 1;
  }
  const auto add = [](const char* name, void (*function)(benchmark::State&)) {
    benchmark::RegisterBenchmark(name, function)->Threads(1);
    benchmark::RegisterBenchmark(name, function)->Threads(2)->UseRealTime();
  };
  add("get/assay", AssaySingle);
  add("get/assay_batch", AssayBatch);
  add("get/floor", TheFloor);
  add("get/sharded_lru_mutex", Lru);
  add("get/tbb_concurrent_hash_map", Tbb);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
