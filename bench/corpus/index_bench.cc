// Making and opening an index: `index_bench DOCS MODELS_FOLDER [benchmark options]`.
// DOCS is a folder of documents (examples/handbook); where $ASSAY_DATA is set, the 100,000 lines of
// bench/sentences.txt become a large index, one passage each, and the first 15,000 another one,
// just below the size up to which opening checks every byte. All carry static vectors. Opening is
// from the page cache and includes closing. Times are wall time: files are synced.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "assay/corpus/index.h"
#include "assay/corpus/update.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"

namespace {

namespace corpus = assay::corpus;
namespace embed = assay::embed;

constexpr std::size_t kCheckedPassages = 15'000;  // just below Index::kFullCheckBytes

assay::core::FileSystem& Files() {
  return assay::core::FileSystem::Real();
}

// A folder that goes away with the program.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "assay-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string operator/(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::vector<std::string> ReadLines(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

void Build(benchmark::State& state, const std::string& docs, const corpus::UpdateOptions& options) {
  for (auto _ : state) {
    const auto report = corpus::BuildOrUpdate(Files(), docs, options);
    if (!report) {
      state.SkipWithError(report.error().message.c_str());
      break;
    }
    state.counters["passages"] = report->index->passage_count();
  }
}

void BuildSentences(benchmark::State& state, const std::vector<std::string>& lines,
                    const embed::Encoder& encoder) {
  const std::vector<std::string_view> texts(lines.begin(), lines.end());
  for (auto _ : state) {
    const auto index = corpus::Index::FromSentences(texts, &encoder);
    if (!index) {
      state.SkipWithError(index.error().message.c_str());
      break;
    }
    state.counters["passages"] = (*index)->passage_count();
  }
}

void Open(benchmark::State& state, const std::string& path) {
  for (auto _ : state) {
    const auto index = corpus::Index::Open(Files(), path);
    if (!index) {
      state.SkipWithError(index.error().message.c_str());
      break;
    }
    state.counters["passages"] = (*index)->passage_count();
    state.counters["bytes"] = static_cast<double>((*index)->image().size());
  }
}

// Writes the index of `lines` to `path`. Returns false when it cannot.
bool WriteSentenceIndex(std::span<const std::string> lines, const embed::Encoder& encoder,
                        const std::string& path) {
  const std::vector<std::string_view> texts(lines.begin(), lines.end());
  const auto index = corpus::Index::FromSentences(texts, &encoder);
  if (!index) return false;
  std::ofstream out(path, std::ios::binary);
  const std::string_view image = (*index)->image();
  out.write(image.data(), static_cast<std::streamsize>(image.size()));
  return bool(out.flush());
}

int Fail(const std::string& message) {
  std::fprintf(stderr, "index_bench: %s\n", message.c_str());
  return 1;
}

int Run(const std::string& docs, const std::string& models) {
  const auto model = embed::FindModel(Files(), std::span(&models, 1), embed::kStaticMiniLm);
  if (!model) return Fail(model.error().message);
  const auto encoder = embed::OpenStaticEncoder(Files(), *model);
  if (!encoder) return Fail(encoder.error().message);
  const Scratch scratch;
  const corpus::UpdateOptions small{.index_folder = scratch / "docs",
                                    .encoder = encoder->get(),
                                    .rebuild = true,
                                    .on_progress = {}};
  const auto built = corpus::BuildOrUpdate(Files(), docs, small);
  if (!built) return Fail(built.error().message);
  const auto add = [](const char* name, const auto& run) {
    benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  const std::string small_path = corpus::IndexPath(small.index_folder);
  add("open/docs", [&](benchmark::State& state) { Open(state, small_path); });
  add("build/docs", [&](benchmark::State& state) { Build(state, docs, small); });

  const char* data = std::getenv("ASSAY_DATA");
  const std::string large_path = scratch / "sentences.assay";
  const std::string checked_path = scratch / "checked.assay";
  std::vector<std::string> lines;
  if (data != nullptr) lines = ReadLines(std::string(data) + "/bench/sentences.txt");
  if (lines.empty()) {
    std::fprintf(stderr, "index_bench: no sentences under ASSAY_DATA; only %s\n", docs.c_str());
  } else {
    const auto checked = std::span(lines).first(std::min(lines.size(), kCheckedPassages));
    if (!WriteSentenceIndex(lines, **encoder, large_path) ||
        !WriteSentenceIndex(checked, **encoder, checked_path)) {
      return Fail("cannot write " + large_path);
    }
    if (std::filesystem::file_size(checked_path) > corpus::Index::kFullCheckBytes) {
      return Fail("the index of 15,000 passages is not checked whole: lower kCheckedPassages");
    }
    add("open/checked", [&](benchmark::State& state) { Open(state, checked_path); });
    add("open/sentences", [&](benchmark::State& state) { Open(state, large_path); });
    add("build/sentences",
        [&](benchmark::State& state) { BuildSentences(state, lines, **encoder); });
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s DOCS MODELS_FOLDER [benchmark options]\n", argv[0]);
    return 2;
  }
  const std::string docs = argv[1];
  const std::string models = argv[2];
  argv[2] = argv[0];
  argv += 2;
  argc -= 2;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  return Run(docs, models);
}
