// Sentences a second of each encoder, on the lines of a text file:
//   embed_bench MODELS_FOLDER SENTENCES.txt [--vectors=FILE | benchmark options]
// --vectors writes the int8 transformer's vectors as float32 rows instead, for the peer to compare.
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

// One sentence a call, which is what the peer's vectors are made by.
int WriteVectors(const std::string& path, const embed::Encoder& encoder,
                 const std::vector<std::string>& lines) {
  std::vector<float> row(encoder.dim());
  std::ofstream out(path, std::ios::binary);
  for (const std::string& line : lines) {
    const std::string_view text = line;
    if (!encoder.Encode({&text, 1}, row)) return 1;
    out.write(reinterpret_cast<const char*>(row.data()),
              static_cast<std::streamsize>(row.size() * sizeof(float)));
  }
  return out.flush() ? 0 : 1;
}

assay::Result<std::unique_ptr<embed::Encoder>> Open(const std::string& models,
                                                    std::string_view name) {
  auto& files = assay::core::FileSystem::Real();
  ASSAY_ASSIGN(const auto model, embed::FindModel(files, std::span(&models, 1), name));
  if (name == embed::kStaticMiniLm) return embed::OpenStaticEncoder(files, model);
  return embed::OpenTransformerEncoder(files, model, {.runtime_folders = {}, .threads = 1});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MODELS_FOLDER SENTENCES.txt [benchmark options]\n", argv[0]);
    return 2;
  }
  std::vector<std::string> lines;
  std::ifstream stream(argv[2]);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  const std::string_view option = argc > 3 ? argv[3] : "";
  constexpr std::string_view kVectors = "--vectors=";
  std::vector<std::unique_ptr<embed::Encoder>> encoders;
  for (const std::string_view name :
       {embed::kMiniLmInt8, embed::kStaticMiniLm, embed::kMiniLmF32}) {
    auto encoder = Open(argv[1], name);
    if (!encoder) {
      std::fprintf(stderr, "%s\n", encoder.error().message.c_str());
      return 1;
    }
    if (option.starts_with(kVectors)) {
      return WriteVectors(std::string(option.substr(kVectors.size())), **encoder, lines);
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
