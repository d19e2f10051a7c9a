// Mining the templates of a log in memory, from whole lines (time, level and source are cut off)
// and from contents alone; the lines are those of the file that is named first. One thread.
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "assay/core/parallel.h"
#include "assay/logs/log_format.h"
#include "assay/logs/log_reader.h"
#include "assay/logs/template_miner.h"

namespace {

namespace logs = assay::logs;

std::string g_text;
std::vector<std::string_view> g_contents;
std::size_t g_templates = 0;  // after all lines

constexpr std::size_t kBlockLines = 8'192;

void SetRates(benchmark::State& state, std::size_t lines) {
  state.counters["per_line"] =
      benchmark::Counter(static_cast<double>(lines), benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
}

void AddAll(logs::TemplateMiner& miner, std::span<const std::string_view> contents) {
  std::vector<std::uint64_t> ids(kBlockLines);
  for (std::size_t begin = 0; begin < contents.size(); begin += kBlockLines) {
    const auto block = contents.subspan(begin, std::min(kBlockLines, contents.size() - begin));
    miner.AddLines(block, std::span(ids).first(block.size()));
  }
}

void Contents(benchmark::State& state) {
  for (auto _ : state) {
    auto miner = logs::TemplateMiner::Create();
    AddAll(*miner, g_contents);
    benchmark::DoNotOptimize(miner->template_count());
  }
  SetRates(state, g_contents.size());
}
BENCHMARK(Contents)->Unit(benchmark::kMillisecond);

void Lines(benchmark::State& state) {
  std::vector<assay::text::Span> spans;
  std::vector<std::string_view> contents;
  for (auto _ : state) {
    auto miner = logs::TemplateMiner::Create();
    const auto parser = logs::LineParser::Detect(g_text);
    constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
    for (std::size_t begin = 0; begin < g_text.size();) {
      const std::size_t last = g_text.find('\n', begin + kBlockBytes);
      const std::size_t end = last == std::string::npos ? g_text.size() : last + 1;
      const std::string_view block(g_text.data() + begin, end - begin);
      logs::SplitLines(block, spans);
      contents.clear();
      for (const auto& span : spans) contents.push_back(parser.Parse(span.of(block)).content);
      AddAll(*miner, contents);
      begin = end;
    }
    g_templates = miner->template_count();
  }
  SetRates(state, g_contents.size());
}
BENCHMARK(Lines)->Unit(benchmark::kMillisecond);

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: log_templates_bench FILE [benchmark options]\n";
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  g_text.assign(std::istreambuf_iterator<char>(file), {});
  const auto parser = logs::LineParser::Detect(g_text);
  std::vector<assay::text::Span> spans;
  logs::SplitLines(g_text, spans);
  for (const auto& span : spans) g_contents.push_back(parser.Parse(span.of(g_text)).content);
  const assay::core::ThreadLimit one_thread(1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  std::cout << "lines " << g_contents.size() << " templates " << g_templates << '\n';
  return 0;
}
