// Analysis of logs in memory on one core. The log is named by ASSAY_LOG (plain text); items are
// lines.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string_view>

#include <benchmark/benchmark.h>

#include "assay/core/parallel.h"
#include "assay/logs/analysis.h"

namespace {

namespace logs = assay::logs;

const std::string& Log() {
  static const std::string log = [] {
    const char* path = std::getenv("ASSAY_LOG");
    std::ostringstream out;
    if (path != nullptr) out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
  }();
  return log;
}

class Memory final : public logs::ByteSource {
 public:
  [[nodiscard]] assay::Result<std::size_t> Read(std::span<char> into) override {
    const std::size_t size = std::min(into.size(), Log().size() - at_);
    std::copy_n(Log().data() + at_, size, into.data());
    at_ += size;
    return size;
  }

 private:
  std::size_t at_ = 0;
};

void Analyze(benchmark::State& state, const logs::AnalysisOptions& options) {
  if (Log().empty()) {
    state.SkipWithError("name a log by ASSAY_LOG");
    return;
  }
  const assay::core::ThreadLimit limit(1);
  std::uint64_t lines = 0;
  for (auto _ : state) {
    logs::LogReader reader(std::make_unique<Memory>(), "log");
    const auto found = logs::Analyze(reader, options);
    if (!found) {
      state.SkipWithError("the log could not be analysed");
      return;
    }
    lines += found->lines;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(lines));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(Log().size()));
}

void LevelsTimesSources(benchmark::State& state) {
  Analyze(state, {});
}
BENCHMARK(LevelsTimesSources)->Unit(benchmark::kMillisecond);

void FivePatterns(benchmark::State& state) {
  logs::AnalysisOptions options;
  for (const char* text :
       {"terminating", "Failed password", "Got exception", "error state", "addStoredBlock"}) {
    options.patterns.push_back({.text = text, .ignore_case = false});
  }
  Analyze(state, options);
}
BENCHMARK(FivePatterns)->Unit(benchmark::kMillisecond);

void LinesAlone(benchmark::State& state) {
  std::vector<assay::text::Span> spans;
  std::uint64_t lines = 0;
  for (auto _ : state) {
    logs::LogReader reader(std::make_unique<Memory>(), "log");
    logs::LogBlock block;
    while (reader.Next(block)) {
      logs::SplitLines(block.lines, spans);
      lines += spans.size();
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(lines));
}
BENCHMARK(LinesAlone)->Unit(benchmark::kMillisecond);

// --levels: the levels of the log as one JSON object, for the comparison with a peer's.
int PrintLevels() {
  logs::LogReader reader(std::make_unique<Memory>(), "log");
  const auto found = logs::Analyze(reader);
  if (!found) return 1;
  const char* join = "{";
  for (std::size_t i = 0; i < logs::kLogLevels; ++i) {
    if (found->by_level[i] == 0) continue;
    std::cout << join << '"' << logs::LevelName(static_cast<logs::LogLevel>(i))
              << "\": " << found->by_level[i];
    join = ", ";
  }
  std::cout << "}\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--levels") return PrintLevels();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
