// assay vector bench --base B.npy --queries Q.npy --truth T.npy
#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/file_system.h"

#include "json_output.h"
#include "vector_commands.h"

namespace assay::cli {
namespace {

constexpr std::size_t kNearest = 10;
constexpr int kPasses = 5;

struct Options {
  std::string base;
  std::string queries;
  std::string truth;
  std::string index;
  double recall = 0.99;
  bool reuse = false;
  bool json = false;
};

using SteadyClock = std::chrono::steady_clock;

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

// CLOCK_THREAD_CPUTIME_ID or CLOCK_PROCESS_CPUTIME_ID.
double CpuSeconds(clockid_t clock) {
  timespec now = {};
  (void)::clock_gettime(clock, &now);
  constexpr double kNsPerSecond = 1e9;
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / kNsPerSecond;
}

// Removed at the end unless the user named it.
class IndexPath {
 public:
  explicit IndexPath(const Options& options)
      : own_(options.index.empty()),
        path_(own_ ? fmt::format("/tmp/assay-vector-bench-{}.index", ::getpid()) : options.index) {}
  IndexPath(const IndexPath&) = delete;
  IndexPath& operator=(const IndexPath&) = delete;
  ~IndexPath() {
    if (own_) (void)core::FileSystem::Real().Remove(path_);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  bool own_;
  std::string path_;
};

struct Times {
  double recall = 0;
  double qps = 0;
  double qps_cpu = 0;  // in a second of CPU time of the thread
  double p50_us = 0;
  double p99_us = 0;
};

// One query at a time on this thread; the median pass counts.
Result<Times> Measure(const vector::Index& index, const NpyVectors& queries,
                      const TrueRows& truth) {
  Times times;
  std::vector<double> rates;
  std::vector<double> cpu_rates;
  std::vector<double> latencies;
  for (int pass = -1; pass < kPasses; ++pass) {  // the first warms up and counts the right ones
    std::size_t right = 0;
    const auto start = SteadyClock::now();
    const double cpu_start = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
    for (std::size_t q = 0; q < queries.rows; ++q) {
      const auto begin = SteadyClock::now();
      ASSAY_ASSIGN(const auto hits,
                   index.Search(queries.values.subspan(q * queries.dim, queries.dim), kNearest));
      if (pass >= 0) {
        latencies.push_back(SecondsSince(begin) * 1e6);
        continue;
      }
      const auto wanted = std::span(truth.rows).subspan(q * truth.columns, kNearest);
      for (const vector::Neighbor& hit : hits) {
        right += std::ranges::count(wanted, static_cast<std::int64_t>(hit.id)) > 0 ? 1U : 0U;
      }
    }
    if (pass >= 0) {
      const auto count = static_cast<double>(queries.rows);
      rates.push_back(count / SecondsSince(start));
      cpu_rates.push_back(count / (CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - cpu_start));
    } else {
      times.recall = static_cast<double>(right) / static_cast<double>(kNearest * queries.rows);
    }
  }
  std::ranges::sort(rates);
  std::ranges::sort(cpu_rates);
  std::ranges::sort(latencies);
  times.qps = rates[rates.size() / 2];
  times.qps_cpu = cpu_rates[cpu_rates.size() / 2];
  times.p50_us = latencies[latencies.size() / 2];
  times.p99_us = latencies[latencies.size() * 99 / 100];
  return times;
}

struct BuildTimes {
  double seconds = 0;
  double cpu_seconds = 0;  // of all threads
};

// Empty for an index that was there.
Result<std::optional<BuildTimes>> BuildUnlessThere(const Options& options, const NpyVectors& rows,
                                                   const std::string& path) {
  if (options.reuse) return std::nullopt;
  const auto start = SteadyClock::now();
  const double cpu_start = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
  ASSAY_ASSIGN(const auto index,
               BuildIndex(rows.values, {}, {.dim = rows.dim, .wanted_recall = options.recall}));
  ASSAY_TRY(index->Save(core::FileSystem::Real(), path));
  return BuildTimes{SecondsSince(start), CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start};
}

void Print(const boost::json::object& out, bool json) {
  if (json) {
    fmt::print("{}", PrettyJson(out));
    return;
  }
  for (const auto& [name, value] : out) {
    if (value.is_double()) fmt::print("{:<26} {:.4f}\n", std::string_view(name), value.as_double());
  }
}

Result<int> Run(const Options& options) {
  core::FileSystem& files = core::FileSystem::Real();
  if (options.reuse && options.index.empty()) {
    return Fail(Code::kInvalidArgument, "--reuse takes the index that --index names: name one");
  }
  ASSAY_ASSIGN(const NpyVectors rows, ReadVectors(options.base));
  ASSAY_ASSIGN(const NpyVectors queries, ReadVectors(options.queries));
  if (queries.dim != rows.dim || queries.rows == 0 || rows.rows < kNearest) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} queries of {} dimensions for {} rows of {}: at least one query and "
                            "{} rows of the same dimensions are needed",
                            queries.rows, queries.dim, rows.rows, rows.dim, kNearest));
  }
  ASSAY_ASSIGN(const TrueRows truth, ReadTruth(options.truth, queries, rows.rows, kNearest));
  const IndexPath path(options);
  ASSAY_ASSIGN(const std::optional<BuildTimes> build, BuildUnlessThere(options, rows, path.path()));
  ASSAY_ASSIGN(const auto index,
               vector::Index::Open(files, path.path(), "", vector::Verify::kHeaderOnly));
  const vector::IndexStats stats = index->Stats();
  if (stats.rows != rows.rows || stats.dim != rows.dim) {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("{}: {} rows of {} dimensions, {} has {} of {}: is it of other vectors?",
                    path.path(), stats.rows, stats.dim, options.base, rows.rows, rows.dim));
  }
  ASSAY_ASSIGN(const Times times, Measure(*index, queries, truth));
  ASSAY_ASSIGN(const core::FileStat file, files.Stat(path.path()));
  const auto per_row = [&](std::uint64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(rows.rows);
  };
  const auto or_null = [&](double value) {
    return build ? boost::json::value(value) : boost::json::value(nullptr);
  };
  Print({{"recall_at_10", times.recall},
         {"qps", times.qps},
         {"qps_cpu", times.qps_cpu},
         {"p50_us", times.p50_us},
         {"p99_us", times.p99_us},
         {"resident_bytes_per_vector", per_row(stats.resident_bytes)},
         {"disk_bytes_per_vector", per_row(file.size_bytes)},
         {"build_seconds", or_null(build ? build->seconds : 0)},
         {"build_cpu_seconds", or_null(build ? build->cpu_seconds : 0)}},
        options.json);
  return kExitSuccess;
}

}  // namespace

void AddVectorBench(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = group.add_subcommand(
      "bench", "Build an index, search it one query at a time on one thread, and measure");
  command->add_option("--base", options->base, "Vectors to index (.npy)")->required();
  command->add_option("--queries", options->queries, "Vectors to look for (.npy)")->required();
  command->add_option("--truth", options->truth, "Row numbers of the nearest, best first (.npy)")
      ->required();
  command->add_option("--recall", options->recall, "Wanted share of the 10 nearest (default 0.99)");
  command->add_option("--index", options->index, "Keep the index in this file");
  command->add_flag("--reuse", options->reuse, "Measure the index that --index names as it is");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Examples:\n  assay vector bench --base b.npy --queries q.npy --truth t.npy --json\n"
      "  assay vector bench --base b.npy --queries q.npy --truth t.npy --recall 0.95\n"
      "  assay vector bench --base b.npy --queries q.npy --truth t.npy --index b.index --reuse");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli
