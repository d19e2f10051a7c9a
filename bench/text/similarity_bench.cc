// All pairs of 20 answers of about 100 words (650 characters), the texts of
// bench/peers/similarity.py: lines of the file that is named first, one answer a line.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "assay/text/similarity/edit.h"
#include "assay/text/similarity/word_bags.h"

namespace {

using assay::text::EditMatrix;
using assay::text::EditMeasure;
using assay::text::WordBags;

std::vector<std::string> g_texts;
std::vector<std::string_view> g_views;

void Edit(benchmark::State& state, EditMeasure measure) {
  for (auto _ : state) benchmark::DoNotOptimize(EditMatrix(g_views, measure));
}
BENCHMARK_CAPTURE(Edit, levenshtein, EditMeasure::kLevenshtein);
BENCHMARK_CAPTURE(Edit, indel, EditMeasure::kIndel);
BENCHMARK_CAPTURE(Edit, jaro_winkler, EditMeasure::kJaroWinkler);

void Jaccard(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(WordBags(g_views).Jaccard());
}
BENCHMARK(Jaccard);

void Shingles(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(WordBags(g_views).Jaccard(3));
}
BENCHMARK(Shingles);

void Cosine(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(WordBags(g_views).Cosine());
}
BENCHMARK(Cosine);

// Equal answers first: the sums that the peer compares with its own.
void PrintSums() {
  double levenshtein = 0;
  for (const double value : EditMatrix(g_views, EditMeasure::kLevenshtein)) levenshtein += value;
  double indel = 0;
  for (const double value : EditMatrix(g_views, EditMeasure::kIndel)) indel += value;
  std::cout.precision(17);
  std::cout << "sums " << levenshtein << ' ' << indel << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: similarity_bench TEXTS [benchmark options]\n";
    return 2;
  }
  std::ifstream file(argv[1]);
  for (std::string line; std::getline(file, line);) g_texts.push_back(line);
  g_views.assign(g_texts.begin(), g_texts.end());
  if (g_texts.empty()) {
    std::cerr << "similarity_bench: " << argv[1] << " holds no texts\n";
    return 2;
  }
  PrintSums();
  --argc;
  ++argv;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
