// Quantities of 100,000 sentences (about 80 bytes each, a fifth with digits), one call a sentence.
// Floor: a byte loop that only counts runs of digits.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "assay/text/quantity.h"

namespace {

bool HasDigit(const std::string& line) {
  return line.find_first_of("0123456789") != line.npos;
}

// Lines of the benchmark text; `digits` 0: all, 1: only with, 2: only without.
const std::vector<std::string>& Lines(std::int64_t digits) {
  static std::vector<std::string> lines[3];
  std::vector<std::string>& chosen = lines[digits];
  if (!chosen.empty()) return chosen;
  const char* data = std::getenv("ASSAY_DATA");
  std::ifstream file(std::string(data != nullptr ? data : ".") + "/bench/sentences.txt");
  for (std::string line; std::getline(file, line);) {
    if (digits == 0 || HasDigit(line) == (digits == 1)) chosen.push_back(line);
  }
  return chosen;
}

void SetCounters(benchmark::State& state, const std::vector<std::string>& lines) {
  std::size_t bytes = 0;
  for (const std::string& line : lines) bytes += line.size();
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
  state.SetItemsProcessed(static_cast<std::int64_t>(lines.size()) * state.iterations());
}

void BM_ExtractQuantities(benchmark::State& state) {
  const auto& lines = Lines(state.range(0));
  if (lines.empty()) return state.SkipWithError("set ASSAY_DATA to the data sets' folder");
  std::vector<assay::text::Quantity> out;
  std::size_t found = 0;
  for (auto _ : state) {
    found = 0;
    for (const std::string& line : lines) {
      out.clear();
      assay::text::ExtractQuantities(line, out);
      found += out.size();
    }
    benchmark::DoNotOptimize(found);
  }
  SetCounters(state, lines);
  state.counters["quantities"] = static_cast<double>(found);
}
BENCHMARK(BM_ExtractQuantities)->ArgName("digits")->Arg(0)->Arg(1)->Arg(2);

void BM_CountDigitRuns(benchmark::State& state) {
  const auto& lines = Lines(state.range(0));
  if (lines.empty()) return state.SkipWithError("set ASSAY_DATA to the data sets' folder");
  for (auto _ : state) {
    std::size_t runs = 0;
    for (const std::string& line : lines) {
      bool inside = false;
      for (const char c : line) {
        const bool digit = c >= '0' && c <= '9';
        runs += digit && !inside ? 1U : 0U;
        inside = digit;
      }
    }
    benchmark::DoNotOptimize(runs);
  }
  SetCounters(state, lines);
}
BENCHMARK(BM_CountDigitRuns)->ArgName("digits")->Arg(0);

void BM_Compare(benchmark::State& state) {
  std::vector<assay::text::Quantity> out;
  assay::text::ExtractQuantities("The handbook says 30 days, the answer says 3 days.", out);
  for (auto _ : state) {
    benchmark::DoNotOptimize(assay::text::Compare(out[0], out[1]));
  }
}
BENCHMARK(BM_Compare);

}  // namespace

BENCHMARK_MAIN();
