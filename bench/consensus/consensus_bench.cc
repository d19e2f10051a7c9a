// Consensus of 5 to 50 experts, alone and on all cores, by length of the answers, and of histories.
// The answers are those of bench/peers/consensus.py: a line an expert, its sentences between tabs,
// about ten words each.
#include <cstdint>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <malloc.h>

#include "assay/consensus/consensus.h"
#include "assay/consensus/pattern.h"
#include "assay/consensus/reliability.h"
#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"

namespace {

using namespace assay::consensus;

std::vector<std::vector<std::string>> g_sentences;  // by expert
std::unique_ptr<assay::embed::Encoder> g_encoder;

struct Panel {
  std::vector<std::string> names, texts;
  std::vector<ExpertAnswer> answers;
  std::int64_t size_bytes = 0;

  Panel(std::size_t experts, std::size_t words) : names(experts), texts(experts) {
    for (std::size_t i = 0; i < experts; ++i) {
      names[i] = "expert " + std::to_string(i);
      const std::vector<std::string>& from = g_sentences[i % g_sentences.size()];
      for (std::size_t k = 0; k < std::max<std::size_t>(1, words / 10); ++k) {
        texts[i] += (k == 0 ? "" : " ") + from[k % from.size()];
      }
      size_bytes += static_cast<std::int64_t>(texts[i].size());
    }
    for (std::size_t i = 0; i < experts; ++i) answers.push_back({names[i], texts[i]});
  }
};

Merger MergerBy(Method method, bool parallel, bool encoder) {
  MergeOptions options;
  options.method = method;
  options.parallel = parallel;
  return *Merger::Create(options, encoder ? g_encoder.get() : nullptr);
}

void Run(benchmark::State& state, Method method, bool parallel, bool encoder, std::size_t words) {
  const Panel panel(static_cast<std::size_t>(state.range(0)), words);
  const Merger merger = MergerBy(method, parallel, encoder);
  for (auto _ : state) benchmark::DoNotOptimize(merger.Merge(panel.answers));
  state.SetBytesProcessed(state.iterations() * panel.size_bytes);
}

// Agreement, opinions, medoid, confidence over word counts.
void Sequential(benchmark::State& state) {
  Run(state, Method::kMedoid, false, false, 100);
}
BENCHMARK(Sequential)->Arg(5)->Arg(10)->Arg(20)->Arg(50)->UseRealTime();

// All of it with claims and the static encoder.
void MergeSequential(benchmark::State& state) {
  Run(state, Method::kClaims, false, true, 100);
}
BENCHMARK(MergeSequential)->Arg(5)->Arg(10)->Arg(20)->Arg(50)->UseRealTime();
void MergeParallel(benchmark::State& state) {
  Run(state, Method::kClaims, true, true, 100);
}
BENCHMARK(MergeParallel)->Arg(5)->Arg(10)->Arg(20)->Arg(50)->UseRealTime();

// Twenty experts whose answers have so many words: bytes a second.
void Words(benchmark::State& state) {
  const Panel panel(20, static_cast<std::size_t>(state.range(0)));
  const Merger merger = MergerBy(Method::kMedoid, false, false);
  for (auto _ : state) benchmark::DoNotOptimize(merger.Merge(panel.answers));
  state.SetBytesProcessed(state.iterations() * panel.size_bytes);
}
BENCHMARK(Words)->Arg(10)->Arg(50)->Arg(100)->Arg(500);

// What the Python twin does: no encoder, claims by their words and facts.
void EndToEnd(benchmark::State& state) {
  Run(state, Method::kClaims, false, false, 100);
}
BENCHMARK(EndToEnd)->Arg(20);

// 10,000 exchanges of so many kinds, with a daily rhythm.
void Patterns(benchmark::State& state) {
  assay::core::SeededRng rng(4);
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    names.push_back("question " + std::to_string(i));
  std::vector<Event> events;
  for (int i = 0; i < 10'000; ++i) {
    events.push_back({86400.0 * static_cast<double>(i % 30) + 3600 * rng.NextUnit(),
                      names[rng.Below(names.size())], rng.NextUnit()});
  }
  for (auto _ : state) benchmark::DoNotOptimize(AnalyzePatterns(events));
}
BENCHMARK(Patterns)->Arg(10)->Arg(50)->Arg(100)->Arg(200);

// Bytes of the heap that 1,000 experts take: their names, reliabilities, and 2,048 questions with
// the votes of 20 of them each.
void PrintMemory() {
  const std::size_t before = mallinfo2().uordblks;
  ReliabilityLearner learner;
  std::vector<std::string> names;
  for (int i = 0; i < 1000; ++i) names.push_back("a provider/an expert model " + std::to_string(i));
  assay::core::SeededRng rng(5);
  for (int question = 0; question < 2048; ++question) {
    std::vector<Vote> votes;
    for (int i = 0; i < 20; ++i) {
      votes.push_back({names[rng.Below(names.size())], static_cast<std::uint32_t>(rng.Below(4))});
    }
    learner.Observe(votes);
  }
  std::cout << "memory " << mallinfo2().uordblks - before << '\n';
}

// Equal answers first: who is the medoid, and what is merged, of 20 experts.
void PrintOutcome() {
  const Panel panel(20, 100);
  const auto outcome = MergerBy(Method::kClaims, false, false).Merge(panel.answers);
  std::cout << "medoid " << outcome->medoid << "\nmerged " << outcome->answer << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: consensus_bench ANSWERS MODELS [benchmark options]\n";
    return 2;
  }
  std::ifstream file(argv[1]);
  for (std::string line; std::getline(file, line);) {
    auto& sentences = g_sentences.emplace_back();
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t end = std::min(line.find('\t', at), line.size());
      sentences.push_back(line.substr(at, end - at));
      at = end + 1;
    }
  }
  const std::vector<std::string> folders = {argv[2]};
  auto& files = assay::core::FileSystem::Real();
  const auto folder = assay::embed::FindModel(files, folders, assay::embed::kStaticMiniLm);
  auto encoder =
      folder ? assay::embed::OpenStaticEncoder(files, *folder) : std::unexpected(folder.error());
  if (g_sentences.size() < 50 || !encoder) {
    std::cerr << "consensus_bench: needs the answers of 50 experts and the static encoder\n";
    return 2;
  }
  g_encoder = std::move(*encoder);
  PrintOutcome();
  PrintMemory();
  argc -= 2;
  argv += 2;
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
