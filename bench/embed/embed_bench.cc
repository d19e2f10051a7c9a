// Sentences a second of each encoder, on the lines of a text file:
//   embed_bench MODELS_FOLDER SENTENCES.txt [benchmark options]
// One thread; items_per_second counts sentences of CPU time. bench/peers/openvino_minilm.py runs
// the same sentences through OpenVINO's Python interface.
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

namespace {

namespace embed = assay::embed;

void Run(benchmark::State& state, const embed::Encoder& encoder,
         const std::vector<std::string>& lines, bool batch) {
  const std::vector<std::string_view> texts(lines.begin(), lines.end());
  const std::size_t dim = encoder.dim();
  std::vector<float> out(texts.size() * dim);
  for (auto _ : state) {
    if (batch) {
      if (!encoder.Encode(texts, out)) state.SkipWithError("Encode failed");
      continue;
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
      if (!encoder.Encode({&texts[i], 1}, std::span(out).subspan(i * dim, dim))) {
        state.SkipWithError("Encode failed");
      }
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(texts.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODELS_FOLDER SENTENCES.txt [benchmark options]\n", argv[0]);
    return 2;
  }
  auto& files = assay::core::FileSystem::Real();
  const std::vector<std::string> folders = {argv[1]};
  std::vector<std::string> lines;
  std::ifstream stream(argv[2]);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::vector<std::unique_ptr<embed::Encoder>> encoders;
  for (const std::string_view name :
       {embed::kStaticMiniLm, embed::kMiniLmInt8, embed::kMiniLmF32}) {
    const auto model = embed::FindModel(files, folders, name);
    if (!model) {
      std::fprintf(stderr, "%s\n", model.error().message.c_str());
      return 1;
    }
    auto encoder =
        name == embed::kStaticMiniLm
            ? embed::OpenStaticEncoder(files, *model)
            : embed::OpenTransformerEncoder(files, *model, {.runtime_folders = {}, .threads = 1});
    if (!encoder) {
      std::fprintf(stderr, "%s\n", encoder.error().message.c_str());
      return 1;
    }
    encoders.push_back(*std::move(encoder));
    for (const bool batch : {false, true}) {
      const std::string title = std::string(name) + (batch ? "/batch" : "/single");
      benchmark::RegisterBenchmark(
          title.c_str(), [&, batch, encoder = encoders.back().get()](
                             benchmark::State& state) { Run(state, *encoder, lines, batch); })
          ->Unit(benchmark::kMillisecond)
          ->MeasureProcessCPUTime();
    }
  }
  argc -= 2;
  argv[2] = argv[0];
  argv += 2;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
