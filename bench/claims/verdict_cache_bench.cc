// Look-ups of repeated claims: VerdictCache beside std::unordered_map with a mutex and oneTBB's
// concurrent_hash_map. All are keyed by the same 128-bit hash of the claim, and hashing is part of
// the time; the peers hand out a shared_ptr, since nothing else keeps a value alive under eviction.
// Input: bench/sentences.txt under $ASSAY_DATA; 65,536 lines are cached, and asked for by Zipf's
// law.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <benchmark/benchmark.h>
#include <tbb/concurrent_hash_map.h>

#include "assay/claims/verdict_cache.h"
#include "assay/core/hash.h"

namespace {

using assay::claims::Judgement;
using assay::claims::VerdictCache;
using assay::core::Hash128;

constexpr assay::corpus::IndexVersion kIndex = {1, 2};
constexpr std::size_t kCached = 65'536;
constexpr std::size_t kQueries = 1 << 18;
constexpr std::size_t kBatch = 256;  // claims a call, as many as a long answer has
constexpr std::uint64_t kSeed = 7;

struct Workload {
  std::vector<std::string> claims;
  std::vector<std::string_view> queries;
};

struct HashOf {
  static std::size_t hash(const Hash128& key) { return static_cast<std::size_t>(key.low); }
  static bool equal(const Hash128& a, const Hash128& b) { return a == b; }
};

using Shared = std::shared_ptr<const Judgement>;

class LockedMap {
 public:
  void Put(std::string_view claim, Shared value) {
    map_[assay::core::HashBytes128(claim, kSeed)] = std::move(value);
  }
  Shared Find(std::string_view claim) {
    const Hash128 key = assay::core::HashBytes128(claim, kSeed);
    const std::lock_guard lock(mutex_);
    const auto found = map_.find(key);
    return found == map_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<Hash128, Shared> map_;
};

class TbbMap {
 public:
  void Put(std::string_view claim, Shared value) {
    map_.insert({assay::core::HashBytes128(claim, kSeed), std::move(value)});
  }
  Shared Find(std::string_view claim) {
    decltype(map_)::const_accessor found;
    return map_.find(found, assay::core::HashBytes128(claim, kSeed)) ? found->second : nullptr;
  }

 private:
  tbb::concurrent_hash_map<Hash128, Shared, HashOf> map_;
};

struct Bench {
  Workload work;
  std::unique_ptr<VerdictCache> cache;
  LockedMap locked;
  TbbMap tbb;
};

Bench& TheBench() {
  static Bench bench;
  return bench;
}

bool Fill(Bench& bench, const std::string& path) {
  std::ifstream stream(path);
  for (std::string line; bench.work.claims.size() < kCached && std::getline(stream, line);) {
    bench.work.claims.push_back(line + " #" + std::to_string(bench.work.claims.size()));
  }
  if (bench.work.claims.size() < kCached) return false;
  bench.cache = VerdictCache::Create({.max_entries = kCached * 2}).value();
  for (std::size_t i = 0; i < kCached; ++i) {
    Judgement judgement;
    judgement.reason = "reason " + std::to_string(i);
    bench.cache->Put(bench.work.claims[i], kIndex, 0, judgement);
    bench.locked.Put(bench.work.claims[i], std::make_shared<const Judgement>(judgement));
    bench.tbb.Put(bench.work.claims[i], std::make_shared<const Judgement>(judgement));
  }
  std::vector<double> weights(kCached);
  for (std::size_t i = 0; i < kCached; ++i) weights[i] = 1.0 / static_cast<double>(i + 1);
  std::discrete_distribution<std::size_t> zipf(weights.begin(), weights.end());
  std::mt19937_64 random(11);
  for (std::size_t i = 0; i < kQueries; ++i) {
    bench.work.queries.emplace_back(bench.work.claims[zipf(random)]);
  }
  return true;
}

bool AnswersAreEqual(Bench& bench) {
  const auto reader = bench.cache->Read();
  std::size_t missing = 0;
  for (const std::string_view claim : bench.work.queries) {
    const Judgement* ours = reader.Find(claim, kIndex, 0);
    const Shared locked = bench.locked.Find(claim);
    const Shared tbb = bench.tbb.Find(claim);
    if (locked->reason != tbb->reason) return false;
    if (ours == nullptr) {
      ++missing;
    } else if (ours->reason != tbb->reason) {
      return false;
    }
  }
  std::printf("%zu look-ups, %zu of them evicted from the bounded cache; answers are equal\n",
              bench.work.queries.size(), missing);
  return missing < bench.work.queries.size() / 100;
}

// Both threads ask for the same claims, at different times.
std::size_t StartOf(const benchmark::State& state) {
  return static_cast<std::size_t>(state.thread_index()) * kQueries / 2;
}

void Count(benchmark::State& state, std::size_t claims) {
  state.counters["per_claim"] =
      benchmark::Counter(static_cast<double>(claims),
                         benchmark::Counter::kIsIterationInvariantRate |
                             benchmark::Counter::kInvert | benchmark::Counter::kAvgThreads);
}

void OursBatch(benchmark::State& state) {
  const Bench& bench = TheBench();
  std::vector<const Judgement*> found(kBatch);
  std::size_t at = StartOf(state);
  for (auto _ : state) {
    const auto reader = bench.cache->Read();
    reader.FindBatch(std::span(bench.work.queries).subspan(at, kBatch), kIndex, 0, found);
    benchmark::DoNotOptimize(found.data());
    benchmark::ClobberMemory();
    at = (at + kBatch) % kQueries;
  }
  Count(state, kBatch);
}

void OursSingle(benchmark::State& state) {
  const Bench& bench = TheBench();
  std::size_t at = StartOf(state);
  for (auto _ : state) {
    const auto reader = bench.cache->Read();
    benchmark::DoNotOptimize(reader.Find(bench.work.queries[at], kIndex, 0));
    at = (at + 1) % kQueries;
  }
  Count(state, 1);
}

template <typename Map>
void Peer(benchmark::State& state, Map& map) {
  const Bench& bench = TheBench();
  std::size_t at = StartOf(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(map.Find(bench.work.queries[at]));
    at = (at + 1) % kQueries;
  }
  Count(state, 1);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) {
    std::fprintf(stderr, "ASSAY_DATA is not set\n");
    return 2;
  }
  Bench& bench = TheBench();
  if (!Fill(bench, std::string(data) + "/bench/sentences.txt")) {
    std::fprintf(stderr, "bench/sentences.txt has fewer than %zu lines\n", kCached);
    return 2;
  }
  if (!AnswersAreEqual(bench)) {
    std::fprintf(stderr, "answers differ\n");
    return 1;
  }
  for (const int threads : {1, 2}) {
    benchmark::RegisterBenchmark("batch/assay", OursBatch)->Threads(threads);
    benchmark::RegisterBenchmark("single/assay", OursSingle)->Threads(threads);
    benchmark::RegisterBenchmark("single/unordered_map_mutex", [](benchmark::State& s) {
      Peer(s, TheBench().locked);
    })->Threads(threads);
    benchmark::RegisterBenchmark("single/tbb_concurrent_hash_map", [](benchmark::State& s) {
      Peer(s, TheBench().tbb);
    })->Threads(threads);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
