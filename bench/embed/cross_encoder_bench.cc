// Pairs a second of a cross-encoder, on the pairs of a text file:
//   cross_encoder_bench MODEL_FOLDER PAIRS.tsv [--scores=FILE | benchmark options]
// A line is evidence, a tab, and a claim. --scores writes what the model says of each instead, as
// float32 rows of supported, contradicted and same answer, for the peer to compare.
// batch/N gives N pairs to a call, on one thread; callers/C/streams/S lets C threads call at once,
// each with all pairs, and is timed by the wall.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "assay/embed/cross/cross_encoder.h"

namespace {

namespace embed = assay::embed;

constexpr std::size_t kBatch = 16;

struct Pairs {
  std::vector<std::string> lines;
  std::vector<embed::TextPair> views;
};

Pairs ReadPairs(const std::string& path) {
  Pairs pairs;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) pairs.lines.push_back(line);
  for (const std::string_view line : pairs.lines) {
    const std::size_t tab = line.find('\t');
    if (tab == std::string_view::npos) return {};
    pairs.views.push_back({line.substr(0, tab), line.substr(tab + 1)});
  }
  return pairs;
}

assay::Result<std::unique_ptr<embed::CrossEncoder>> Open(const std::string& folder,
                                                         std::size_t streams) {
  return embed::CrossEncoder::Open(assay::core::FileSystem::Real(), folder,
                                   {.runtime_folders = {}, .threads = 1, .streams = streams});
}

bool ScoreAll(const embed::CrossEncoder& model, std::span<const embed::TextPair> pairs,
              std::size_t batch, std::span<embed::PairScore> out) {
  for (std::size_t i = 0; i < pairs.size(); i += batch) {
    const std::size_t count = std::min(batch, pairs.size() - i);
    if (!model.Score(pairs.subspan(i, count), out.subspan(i, count))) return false;
  }
  return true;
}

void RunBatch(benchmark::State& state, const embed::CrossEncoder& model, const Pairs& pairs,
              std::size_t batch) {
  std::vector<embed::PairScore> out(pairs.views.size());
  for (auto _ : state) {
    if (!ScoreAll(model, pairs.views, batch, out)) state.SkipWithError("Score failed");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(pairs.views.size()));
}

void RunCallers(benchmark::State& state, const std::string& folder, const Pairs& pairs,
                std::size_t callers, std::size_t streams) {
  const auto model = Open(folder, streams);
  if (!model) return state.SkipWithError(model.error().message.c_str());
  for (auto _ : state) {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < callers; ++i) {
      threads.emplace_back([&] {
        std::vector<embed::PairScore> out(pairs.views.size());
        if (!ScoreAll(**model, pairs.views, kBatch, out)) std::fputs("Score failed\n", stderr);
      });
    }
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(callers * pairs.views.size()));
}

int WriteScores(const std::string& path, const embed::CrossEncoder& model, const Pairs& pairs) {
  std::vector<embed::PairScore> scores(pairs.views.size());
  if (!ScoreAll(model, pairs.views, kBatch, scores)) return 1;
  std::ofstream out(path, std::ios::binary);
  for (const embed::PairScore& score : scores) {
    const float row[] = {score.supported, score.contradicted, score.same};
    out.write(reinterpret_cast<const char*>(row), sizeof(row));
  }
  return out.flush() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODEL_FOLDER PAIRS.tsv [benchmark options]\n", argv[0]);
    return 2;
  }
  const std::string folder = argv[1];
  const Pairs pairs = ReadPairs(argv[2]);
  const auto model = Open(folder, 1);
  if (!model || pairs.views.empty()) {
    std::fprintf(stderr, "%s\n", model ? "no pairs" : model.error().message.c_str());
    return 1;
  }
  constexpr std::string_view kScores = "--scores=";
  const std::string_view option = argc > 3 ? argv[3] : "";
  if (option.starts_with(kScores)) {
    return WriteScores(std::string(option.substr(kScores.size())), **model, pairs);
  }
  for (const std::size_t batch : {kBatch, 2 * kBatch}) {
    const std::string title = "batch/" + std::to_string(batch);
    benchmark::RegisterBenchmark(title.c_str(), [&, batch](benchmark::State& state) {
      RunBatch(state, **model, pairs, batch);
    })->MeasureProcessCPUTime();
  }
  for (const std::size_t streams : {1U, 2U}) {
    const std::string title = "callers/2/streams/" + std::to_string(streams);
    benchmark::RegisterBenchmark(title.c_str(), [&, streams](benchmark::State& state) {
      RunCallers(state, folder, pairs, 2, streams);
    })->UseRealTime();
  }
  argc -= 2;
  argv[2] = argv[0];
  argv += 2;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
