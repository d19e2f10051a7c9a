#include "scan/scan_look.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/scan/result_cache.h"
#include "assay/scan/watcher.h"

namespace assay::cli {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr double kNsPerSecond = 1e9;

// NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment
std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

Result<std::string> CacheFile(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  // A relative path is to be ignored (XDG Base Directory Specification 0.8).
  if (const std::string cache = Variable("XDG_CACHE_HOME"); cache.starts_with('/')) {
    return cache + "/assay/scan.results";
  }
  if (const std::string home = Variable("HOME"); !home.empty()) {
    return home + "/.cache/assay/scan.results";
  }
  return Fail(Code::kInvalidArgument, "neither XDG_CACHE_HOME nor HOME is set; name --cache FILE");
}

Result<scan::Findings> Look(const scan::TargetSet& targets, const ScanCommandOptions& options) {
  const core::Clock& clock = core::Clock::Real();
  scan::Findings findings;
  findings.begun_ms = clock.wall_ns() / kNsPerMs;
  const std::int64_t begin_ns = clock.monotonic_ns();
  ProgressBar progress("scanning");
  ASSAY_ASSIGN(const scan::ScanReport report,
               scan::Scan(targets, options.scan, [&](std::uint64_t done, std::uint64_t of) {
                 progress.Update("ports", done, of);
               }));
  if (options.open_only) {
    for (const scan::OpenPort& one : report.open) {
      scan::Service& service = findings.services.emplace_back();
      service.address = one.address;
      service.port = one.port;
      service.connect_ns = one.connect_ns;
    }
  } else {
    ASSAY_ASSIGN(findings.services, scan::Identify(report.open, options.identify));
  }
  findings.targets = targets.size();
  findings.refused = report.refused;
  findings.silent = report.silent;
  findings.unreachable = report.unreachable;
  findings.tries = report.tries;
  findings.most_at_once = report.most_at_once;
  findings.took_ns = clock.monotonic_ns() - begin_ns;
  return findings;
}

double SecondsSince(std::int64_t begin_ns) {
  return static_cast<double>(core::Clock::Real().monotonic_ns() - begin_ns) / kNsPerSecond;
}

}  // namespace

Result<ScanOutput> LookOrRecall(const ScanCommandOptions& options) {
  ASSAY_ASSIGN(const scan::TargetSet targets, scan::TargetSet::Create(options.targets));
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  ScanOutput output;
  if (options.max_age_ms == 0) {
    ASSAY_ASSIGN(output.findings, Look(targets, options));
    output.seconds = SecondsSince(begin_ns);
    return output;
  }
  ASSAY_ASSIGN(std::string path, CacheFile(options.cache));
  const scan::ResultCache cache(core::FileSystem::Real(), std::move(path));
  const core::Hash128 key = scan::ResultKey(
      targets, options.scan, options.open_only ? std::nullopt : std::optional(options.identify));
  auto found = cache.Find(key, options.max_age_ms);
  if (found && *found) {
    output.findings = std::move((*found)->findings);
    output.age_ms = (*found)->age_ms;
    output.seconds = SecondsSince(begin_ns);
    return output;
  }
  if (!found) fmt::print(stderr, "warning: {}; scanning anew\n", found.error().message);
  ASSAY_ASSIGN(output.findings, Look(targets, options));
  output.seconds = SecondsSince(begin_ns);
  if (const auto stored = cache.Store(key, output.findings); !stored && found) {
    fmt::print(stderr, "warning: the result is not kept: {}\n", stored.error().message);
  }
  return output;
}

Result<int> WatchServices(const ScanCommandOptions& options, const Painter& paint) {
  using Steady = std::chrono::steady_clock;
  scan::Watcher watcher;
  std::string last_error;
  for (bool first = true;; first = false) {
    const Steady::time_point next = Steady::now() + std::chrono::milliseconds(options.watch_ms);
    const auto look = [&]() -> Result<scan::Findings> {
      // Names are resolved each time: a service may have moved.
      ASSAY_ASSIGN(const scan::TargetSet targets, scan::TargetSet::Create(options.targets));
      return Look(targets, options);
    };
    const Result<scan::Findings> findings = look();
    if (!findings && first) return std::unexpected(findings.error());
    const std::string error = findings ? std::string() : findings.error().message;
    if (!error.empty() && error != last_error) fmt::print(stderr, "warning: {}\n", error);
    last_error = error;
    if (findings) {
      const std::int64_t wall_ns = core::Clock::Real().wall_ns();
      for (const scan::Change& change : watcher.Take(findings->services)) {
        fmt::print("{}",
                   options.json ? ChangeJson(change, wall_ns) : ChangeText(change, wall_ns, paint));
      }
      std::fflush(stdout);
    }
    std::this_thread::sleep_until(next);
  }
}

}  // namespace assay::cli
