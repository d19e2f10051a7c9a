// experiments_bench FILE ROUNDS: times the analysis of an experiment, a bootstrap and the search
// for opportunities on the data that bench/peers/experiments.py wrote, and prints one JSON object.
// FILE: doubles, 10 variants x 8 metrics x 1,000 values, then 8 series and their drivers of 1,000
// values each.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/experiments/analysis.h"
#include "assay/experiments/opportunities.h"
#include "assay/experiments/resample.h"

namespace {

using namespace assay::experiments;  // NOLINT: a program of one file

constexpr std::size_t kVariants = 10;
constexpr std::size_t kMetrics = 8;
constexpr std::size_t kValues = 1000;
constexpr std::size_t kDoubles = (kVariants * kMetrics + 2 * kMetrics) * kValues;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Wall seconds of one call in each round of `calls` calls; a round before is not counted.
template <typename F>
std::vector<double> Time(int rounds, int calls, const F& call) {
  std::vector<double> out;
  for (int round = -1; round < rounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) call();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (round >= 0) out.push_back(took.count() / calls);
  }
  return out;
}

ExperimentData DataOf(const std::vector<double>& values) {
  ExperimentData data;
  for (std::size_t m = 0; m < kMetrics; ++m)
    data.metrics.push_back({.name = fmt::format("m{}", m)});
  for (std::size_t v = 0; v < kVariants; ++v) {
    VariantData variant{.name = fmt::format("v{}", v)};
    for (std::size_t m = 0; m < kMetrics; ++m) {
      MetricValues of;
      of.values = std::span(values).subspan((v * kMetrics + m) * kValues, kValues);
      variant.metrics.push_back(of);
    }
    data.variants.push_back(std::move(variant));
  }
  return data;
}

std::vector<MetricSeries> SeriesOf(const std::vector<double>& values) {
  std::vector<MetricSeries> out;
  for (std::size_t m = 0; m < kMetrics; ++m) {
    const std::size_t at = (kVariants * kMetrics + 2 * m) * kValues;
    MetricSeries metric{.name = fmt::format("m{}", m)};
    metric.values = std::span(values).subspan(at, kValues);
    metric.target = 101;
    metric.period = 24;
    metric.drivers.push_back({"driver", std::span(values).subspan(at + kValues, kValues)});
    out.push_back(std::move(metric));
  }
  return out;
}

int Fail(const char* what) {
  std::fprintf(stderr, "experiments_bench: %s\n", what);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return Fail("usage: experiments_bench FILE ROUNDS");
  std::vector<double> values(kDoubles);
  std::ifstream file(argv[1], std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(values.data()),
                 static_cast<std::streamsize>(kDoubles * sizeof(double)))) {
    return Fail("the file is too short");
  }
  const int rounds = std::atoi(argv[2]);  // NOLINT: a wrong number gives no rounds
  const ExperimentData data = DataOf(values);
  const std::vector<MetricSeries> series = SeriesOf(values);
  const auto analysis = AnalyzeExperimentResults(data, 0.95, 0.05);
  if (!analysis) return Fail(analysis.error().message.c_str());
  double sum = 0;
  for (const Comparison& one : analysis->comparisons) sum += one.test.p;
  const auto found = IdentifyImprovementOpportunities(series);
  if (!found) return Fail(found.error().message.c_str());

  const auto analyze = Time(rounds, 200, [&] { (void)AnalyzeExperimentResults(data, 0.95, 0.05); });
  const auto& control = data.variants[0].metrics[0].values;
  const auto& treatment = data.variants[9].metrics[0].values;
  const double cpu = CpuSeconds();
  const auto bootstrap = Time(rounds, 3, [&] { (void)Bootstrap(control, treatment, {}); });
  const double cpu_each = (CpuSeconds() - cpu) / (3.0 * (rounds + 1));
  const auto search = Time(rounds, 20, [&] { (void)IdentifyImprovementOpportunities(series); });
  const auto interval = Bootstrap(control, treatment, {})->percentile;
  fmt::print(
      R"({{"sum_p": {:.15g}, "opportunities": {}, "interval": [{}, {}], "bootstrap_cpu_s": {}, "runs_s": )"
      R"({{"analyze": [{}], "bootstrap": [{}], "opportunities": [{}]}}}})"
      "\n",
      sum, found->size(), interval.low, interval.high, cpu_each, fmt::join(analyze, ", "),
      fmt::join(bootstrap, ", "), fmt::join(search, ", "));
  return 0;
}
