// Exact top-10 over 100,000 unit vectors of 384 dimensions, against a plain loop compiled with the
// same flags. Both are first shown to return the same rows. bytes_per_second counts each row once
// per query. bench/peers/numpy_top_k.py is the same in numpy.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "assay/core/parallel.h"
#include "assay/vector/index.h"
#include "assay/vector/top_k.h"

namespace {

namespace vector = assay::vector;

constexpr std::size_t kRows = 100'000;
constexpr std::size_t kDim = 384;
constexpr std::size_t kQueries = 64;
constexpr std::size_t kBest = 10;

std::vector<float> UnitRows(std::size_t rows, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * kDim);
  for (std::size_t r = 0; r < rows; ++r) {
    float square = 0;
    for (std::size_t i = 0; i < kDim; ++i) {
      values[r * kDim + i] = normal(random);
      square += values[r * kDim + i] * values[r * kDim + i];
    }
    for (std::size_t i = 0; i < kDim; ++i) values[r * kDim + i] /= std::sqrt(square);
  }
  return values;
}

struct Data {
  std::vector<float> rows = UnitRows(kRows, 1);
  std::vector<float> queries = UnitRows(kQueries, 2);
  std::vector<std::int8_t> values = std::vector<std::int8_t>(kRows * kDim);
  std::vector<float> scales = std::vector<float>(kRows);

  Data() {
    if (!vector::QuantizeRows(rows, kDim, values, scales)) std::abort();
  }
  [[nodiscard]] std::span<const float> Query(std::size_t i) const {
    return std::span(queries).subspan(i % kQueries * kDim, kDim);
  }
};

const Data& TheData() {
  static const Data data;
  return data;
}

// What one writes first: a dot product per row, then a partial sort.
std::vector<vector::Hit> NaiveTopK(std::span<const float> query, std::span<const float> rows) {
  std::vector<vector::Hit> hits(rows.size() / kDim);
  for (std::uint32_t r = 0; r < hits.size(); ++r) {
    float sum = 0;
    for (std::size_t i = 0; i < kDim; ++i) sum += query[i] * rows[r * kDim + i];
    hits[r] = {r, sum};
  }
  std::ranges::partial_sort(hits, hits.begin() + kBest,
                            [](const auto& a, const auto& b) { return a.score > b.score; });
  hits.resize(kBest);
  return hits;
}

void CheckEqualAnswers() {
  const Data& data = TheData();
  const auto batch = vector::TopKBatch(data.queries, kDim, data.rows, kBest);
  for (std::size_t q = 0; q < kQueries; ++q) {
    const auto naive = NaiveTopK(data.Query(q), data.rows);
    const auto ours = vector::TopK(data.Query(q), data.rows, kBest);
    for (std::size_t i = 0; i < kBest; ++i) {
      if ((*ours)[i].row != naive[i].row || (*batch)[q * kBest + i].row != naive[i].row) {
        std::fprintf(stderr, "query %zu: the answers differ\n", q);
        std::exit(1);
      }
    }
  }
}

void SetRate(benchmark::State& state, std::size_t queries, std::size_t value_bytes) {
  const auto passes = static_cast<std::int64_t>(queries) * state.iterations();
  state.SetItemsProcessed(passes);
  state.SetBytesProcessed(passes * static_cast<std::int64_t>(kRows * kDim * value_bytes));
}

void BM_NaiveSingle(benchmark::State& state) {
  std::size_t q = 0;
  for (auto _ : state) benchmark::DoNotOptimize(NaiveTopK(TheData().Query(q++), TheData().rows));
  SetRate(state, 1, sizeof(float));
}
void BM_FloatSingle(benchmark::State& state) {
  std::size_t q = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(vector::TopK(TheData().Query(q++), TheData().rows, kBest));
  }
  SetRate(state, 1, sizeof(float));
}
void BM_FloatBatch(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(vector::TopKBatch(TheData().queries, kDim, TheData().rows, kBest));
  }
  SetRate(state, kQueries, sizeof(float));
}
void BM_Int8Single(benchmark::State& state) {
  const vector::Int8Rows rows = {TheData().values, TheData().scales};
  std::size_t q = 0;
  for (auto _ : state) benchmark::DoNotOptimize(vector::TopK(TheData().Query(q++), rows, kBest));
  SetRate(state, 1, 1);
}
void BM_Int8Batch(benchmark::State& state) {
  const vector::Int8Rows rows = {TheData().values, TheData().scales};
  for (auto _ : state) {
    benchmark::DoNotOptimize(vector::TopKBatch(TheData().queries, kDim, rows, kBest));
  }
  SetRate(state, kQueries, 1);
}

// All rows of a small set with each other; items are rows.
constexpr std::size_t kSmallSet = 4'000;

std::span<const float> SmallSet() {
  return std::span(TheData().rows).first(kSmallSet * kDim);
}

void BM_SimilarityMatrix(benchmark::State& state) {
  std::vector<float> out(kSmallSet * kSmallSet);
  for (auto _ : state) {
    benchmark::DoNotOptimize(vector::SimilarityMatrix(SmallSet(), kDim, out));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kSmallSet) * state.iterations());
}
void BM_MostSimilarRows(benchmark::State& state) {
  std::vector<std::uint32_t> similar(kSmallSet * kBest);
  std::vector<float> scores(kSmallSet * kBest);
  for (auto _ : state) {
    benchmark::DoNotOptimize(vector::MostSimilarRows(SmallSet(), kDim, kBest, similar, scores));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(kSmallSet) * state.iterations());
}

// A search that was asked before, of an index of 100 rows: the cache's own cost.
void BM_CachedResult(benchmark::State& state) {
  const auto index =
      vector::Index::Over({.dim = kDim}, std::span(TheData().rows).first(100 * kDim), {}, nullptr);
  vector::ResultCache cache(**index, 1 << 20);
  for (auto _ : state) benchmark::DoNotOptimize(cache.Search(TheData().Query(0), kBest));
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(BM_NaiveSingle)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FloatSingle)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FloatBatch)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Int8Single)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_Int8Batch)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_SimilarityMatrix)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_MostSimilarRows)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_CachedResult);

}  // namespace

int main(int argc, char** argv) {
  const assay::core::ThreadLimit one_thread(1);  // as numpy beside it
  CheckEqualAnswers();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
