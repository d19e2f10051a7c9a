// assay scan
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "command.h"
#include "scan/scan_look.h"

namespace assay::cli {
namespace {

using Options = ScanCommandOptions;

constexpr double kShortestWatchMs = 100;
constexpr double kLongestMs = 30.0 * 24 * 3600 * 1000;

// "250ms", "10s", "5m", "2h", "7d" to milliseconds; a bare number has no unit and is refused.
CLI::Validator DurationMs() {
  const std::map<std::string, std::int64_t> units = {
      {"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  return CLI::AsNumberWithUnit(
      units, static_cast<CLI::AsNumberWithUnit::Options>(CLI::AsNumberWithUnit::CASE_SENSITIVE |
                                                         CLI::AsNumberWithUnit::UNIT_REQUIRED));
}

Result<int> Run(Options& options, ColorMode color) {
  const auto defaults = scan::DefaultPorts();
  options.targets.ports.assign(defaults.begin(), defaults.end());
  if (!options.ports.empty()) {
    ASSAY_ASSIGN(options.targets.ports, scan::ParsePorts(options.ports));
  }
  const Painter paint(color, STDOUT_FILENO);
  if (options.watch_ms != 0) return WatchServices(options, paint);
  ASSAY_ASSIGN(const ScanOutput output, LookOrRecall(options));
  if (options.json) {
    fmt::print("{}", ScanJson(output));
  } else if (options.upstreams) {
    const std::string yaml = scan::UpstreamsYaml(output.findings.services);
    if (yaml.empty()) {
      fmt::print(stderr,
                 "no server with the OpenAI interface was found; name more hosts, or more "
                 "ports with --ports\n");
    }
    fmt::print("{}", yaml);
  } else {
    fmt::print("{}", ScanTable(output, paint));
  }
  return kExitSuccess;
}

void AddCacheOptions(CLI::App& command, Options& options) {
  auto* const age =
      command
          .add_option("--max-age", options.max_age_ms,
                      "Answer from the result of an equal scan that began at most so long ago, and "
                      "keep new results (30s, 5m, 2h)")
          ->transform(DurationMs())
          ->check(CLI::Range(1.0, kLongestMs))
          ->option_text("DURATION");
  command
      .add_option("--cache", options.cache,
                  "File of those results (default: $XDG_CACHE_HOME/assay/scan.results, else "
                  "~/.cache/assay/scan.results)")
      ->needs(age)
      ->option_text("FILE");
  command
      .add_option("--watch", options.watch_ms,
                  "Look again each INTERVAL (10s, 5m) and print only what changed, until it is "
                  "ended; with --json one object a line")
      ->transform(DurationMs())
      ->check(CLI::Range(kShortestWatchMs, kLongestMs))
      ->excludes(age)
      ->option_text("INTERVAL");
}

void AddOptions(CLI::App& command, Options& options) {
  command
      .add_option("hosts", options.targets.hosts,
                  "Addresses, networks (10.0.0.0/24), ranges (10.0.0.1-20) and names")
      ->required()
      ->option_text("HOST...");
  command
      .add_option("--ports", options.ports,
                  "Ports and ranges, such as 80,8000-8100 (default: those of model servers, Redis "
                  "and PostgreSQL)")
      ->option_text("LIST");
  command.add_option("--exclude", options.targets.exclude, "What to leave out; forms as HOST")
      ->option_text("HOST...");
  command.add_flag("--public", options.targets.allow_public,
                   "Also scan addresses that are not private; only with their owner's leave");
  command.add_option("--timeout", options.scan.timeout_ms, "Milliseconds for one try to connect")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  command.add_option("--retries", options.scan.retries, "Tries more where nothing answers")
      ->check(CLI::Range(0, 10))
      ->capture_default_str();
  command.add_option("--rate", options.scan.per_second, "Tries a second (default: no bound)")
      ->check(CLI::Range(1, 1'000'000));
  command.add_option("--in-flight", options.scan.in_flight, "Tries at once")
      ->check(CLI::Range(1, 65'536))
      ->capture_default_str();
  AddCacheOptions(command, options);
  auto* const open_only = command.add_flag("--open-only", options.open_only,
                                           "Only say which ports are open; ask nothing");
  auto* const upstreams = command.add_flag("--upstreams", options.upstreams,
                                           "Print the upstreams of assay.yaml for what was found");
  command.add_flag("--json", options.json, "Print one JSON object")->excludes(upstreams);
  upstreams->excludes(open_only);
  command.get_option("--watch")->excludes(upstreams);
}

}  // namespace

void AddScanCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "scan", "Find servers of models, Redis and PostgreSQL on the machines that you name");
  AddOptions(*command, *options);
  command->footer(
      "Examples:\n  assay scan localhost\n  assay scan 192.168.1.0/24 --upstreams > assay.yaml\n"
      "  assay scan gpu-1 gpu-2 --ports 8000-8100 --json\n"
      "  assay scan 192.168.1.0/24 --max-age 5m\n"
      "  assay scan gpu-1 gpu-2 --watch 10s --json");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
