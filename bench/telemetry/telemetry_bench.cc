// What one counter, one histogram and one line of the log cost the thread that makes it, beside
// prometheus-cpp and spdlog. Each pair is proved equal first: both sides count the same.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include <benchmark/benchmark.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>

#include "assay/telemetry/log.h"
#include "assay/telemetry/metrics.h"

namespace assay::telemetry {
namespace {

// As many borders as the text of our histogram has, by powers of two from 1 us.
prometheus::Histogram::BucketBoundaries Borders() {
  prometheus::Histogram::BucketBoundaries borders;
  for (double border = 1.024e-6; borders.size() < 27; border *= 2) borders.push_back(border);
  return borders;
}

// Latencies of 20 us to 5 ms, so that neither side has one bucket in its cache only.
std::int64_t NextNs(std::uint64_t& state) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;  // Knuth's MMIX generator
  return 20'000 + static_cast<std::int64_t>((state >> 33) % 5'000'000);
}

Metrics& SharedMetrics() {
  static auto* metrics = new Metrics;
  return *metrics;
}

void BM_CounterAssay(benchmark::State& state) {
  const Counter counter = SharedMetrics().AddCounter("bench_total", "Bench.");
  for (auto _ : state) counter.Add();
}
BENCHMARK(BM_CounterAssay)->Name("counter/assay")->Threads(1)->Threads(2);

void BM_CounterPrometheus(benchmark::State& state) {
  static prometheus::Counter counter;
  for (auto _ : state) counter.Increment();
}
BENCHMARK(BM_CounterPrometheus)->Name("counter/prometheus_cpp")->Threads(1)->Threads(2);

void BM_HistogramAssay(benchmark::State& state) {
  const Histogram histogram = SharedMetrics().AddHistogram("bench_seconds", "Bench.");
  std::uint64_t random = 1;
  for (auto _ : state) histogram.ObserveNs(NextNs(random));
}
BENCHMARK(BM_HistogramAssay)->Name("histogram/assay")->Threads(1)->Threads(2);

void BM_HistogramPrometheus(benchmark::State& state) {
  static prometheus::Histogram histogram(Borders());
  std::uint64_t random = 1;
  for (auto _ : state) histogram.Observe(static_cast<double>(NextNs(random)) * 1e-9);
}
BENCHMARK(BM_HistogramPrometheus)->Name("histogram/prometheus_cpp")->Threads(1)->Threads(2);

// The generator alone, which both histogram figures hold.
void BM_HistogramInput(benchmark::State& state) {
  std::uint64_t random = 1;
  for (auto _ : state) benchmark::DoNotOptimize(NextNs(random));
}
BENCHMARK(BM_HistogramInput)->Name("histogram/input");

// Lines a round, after which the writer catches up outside the clock: nothing is dropped.
constexpr int kLinesPerRound = 4'096;

void BM_LogAssay(benchmark::State& state) {
  LogOptions options;
  options.file = "/dev/null";
  options.queue_bytes = 16'000'000;
  const auto log = Log::Open(options).value();
  int lines = 0;
  for (auto _ : state) {
    log->Write(Level::kInfo, "request",
               {{"request_id", "req-0123456789abcdef"},
                {"trace_id", "0af7651916cd43dd8448eb211c80319c"},
                {"route", "gpt-4o-mini"},
                {"status", 200},
                {"cache", "memory"},
                {"total_us", lines},
                {"bytes", 290}});
    if (++lines % kLinesPerRound == 0) {
      state.PauseTiming();
      log->Flush();
      state.ResumeTiming();
    }
  }
  log->Flush();
  if (log->stats().dropped > 0) state.SkipWithError("lines were dropped");
}
BENCHMARK(BM_LogAssay)->Name("log/assay");

void BM_LogSpdlog(benchmark::State& state) {
  auto pool = std::make_shared<spdlog::details::thread_pool>(2 * kLinesPerRound, 1);
  auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>("/dev/null");
  sink->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%f","level":"%l",%v})");
  auto logger = std::make_shared<spdlog::async_logger>(
      "bench", sink, pool, spdlog::async_overflow_policy::overrun_oldest);
  int lines = 0;
  for (auto _ : state) {
    logger->info(
        R"("event":"request","request_id":"{}","trace_id":"{}","route":"{}","status":{},"cache":"{}","total_us":{},"bytes":{})",
        "req-0123456789abcdef", "0af7651916cd43dd8448eb211c80319c", "gpt-4o-mini", 200, "memory",
        lines, 290);
    if (++lines % kLinesPerRound == 0) {
      state.PauseTiming();
      while (pool->queue_size() > 0) std::this_thread::yield();
      state.ResumeTiming();
    }
  }
  if (pool->overrun_counter() > 0) state.SkipWithError("lines were dropped");
}
BENCHMARK(BM_LogSpdlog)->Name("log/spdlog_async");

// False when the two sides would not count the same.
bool SidesAgree() {
  Metrics metrics;
  const Counter counter = metrics.AddCounter("c_total", "C.");
  const Histogram histogram = metrics.AddHistogram("h_seconds", "H.");
  prometheus::Counter peer_counter;
  prometheus::Histogram peer_histogram(Borders());
  std::uint64_t random = 1;
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t ns = NextNs(random);
    counter.Add();
    histogram.ObserveNs(ns);
    peer_counter.Increment();
    peer_histogram.Observe(static_cast<double>(ns) * 1e-9);
  }
  const auto snapshot = metrics.Snapshot();
  const auto peer = peer_histogram.Collect().histogram;
  const SeriesSnapshot* ours = snapshot.Find("h_seconds");
  return snapshot.Find("c_total")->total == peer_counter.Value() &&
         ours->total == static_cast<double>(peer.sample_count) &&
         std::abs(ours->sum - peer.sample_sum) < 1e-6;
}

}  // namespace
}  // namespace assay::telemetry

int main(int argc, char** argv) {
  if (!assay::telemetry::SidesAgree()) {
    std::fputs("telemetry_bench: the two sides count differently\n", stderr);
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
