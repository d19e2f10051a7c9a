// Extraction of an answer of about 100 words, and the share of its parts.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "assay/claims/extractor.h"
#include "assay/text/cues.h"
#include "assay/text/names.h"
#include "assay/text/segment.h"

namespace {

// 100 words, 6 sentences.
constexpr std::string_view kAnswer =
    "Alder & Finch was founded in 2009 by Marta Alder and Tomas Finch in Rotterdam. The company "
    "designs and builds cargo bicycles for families, shops and delivery services. It employs 214 "
    "people in three offices, and the factory in Ghent assembles about 60 bicycles a day. The "
    "managing director is Ingrid Solberg, who joined the company in 2014. In 2023 the company sold "
    "12,400 bicycles and had a revenue of 38.5 million euros. Every frame has a warranty of 10 "
    "years, but the battery may only be replaced within 3 years, and unused leave cannot be "
    "carried "
    "over to the next calendar year without approval.";

void BM_Extract(benchmark::State& state) {
  const assay::claims::Extractor extractor;
  for (auto _ : state) benchmark::DoNotOptimize(extractor.Extract(kAnswer));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kAnswer.size()));
}
BENCHMARK(BM_Extract);

void BM_Sentences(benchmark::State& state) {
  std::vector<assay::text::Sentence> sentences;
  for (auto _ : state) {
    sentences.clear();
    assay::text::SplitSentences(kAnswer, sentences);
    benchmark::DoNotOptimize(sentences.data());
  }
}
BENCHMARK(BM_Sentences);

void BM_Cues(benchmark::State& state) {
  std::vector<assay::text::Span> words;
  assay::text::SplitWords(kAnswer, words);
  std::vector<assay::text::Cue> cues;
  for (auto _ : state) {
    cues.clear();
    assay::text::FindCues(kAnswer, words, cues);
    benchmark::DoNotOptimize(cues.data());
  }
}
BENCHMARK(BM_Cues);

void BM_Names(benchmark::State& state) {
  std::vector<assay::text::Span> words;
  assay::text::SplitWords(kAnswer, words);
  std::vector<assay::text::Name> names;
  for (auto _ : state) {
    names.clear();
    assay::text::FindNames(kAnswer, words, names);
    benchmark::DoNotOptimize(names.data());
  }
}
BENCHMARK(BM_Names);

}  // namespace

BENCHMARK_MAIN();
