// assay scan
#include <algorithm>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/clock.h"
#include "assay/scan/services.h"

#include "command.h"
#include "json_output.h"

namespace assay::cli {
namespace {

constexpr double kNsPerMs = 1e6;

struct Options {
  scan::TargetOptions targets;
  std::string ports;
  scan::ScanOptions scan;
  scan::IdentifyOptions identify;
  bool upstreams = false;
  bool json = false;
};

struct Found {
  std::vector<scan::Service> services;
  scan::ScanReport report;
  std::uint64_t targets = 0;
  double seconds = 0;
};

boost::json::object ToJson(const scan::Service& service) {
  boost::json::array models;
  for (const scan::ServedModel& model : service.models) {
    boost::json::object one{{"id", model.id}};
    if (model.context_tokens != 0) one["context_tokens"] = model.context_tokens;
    models.push_back(std::move(one));
  }
  boost::json::object out{{"address", service.address.Text()},
                          {"port", service.port},
                          {"service", scan::ServiceName(service.kind)},
                          {"tls", service.tls},
                          {"openai_compatible", service.openai},
                          {"needs_key", service.needs_key},
                          {"connect_ms", static_cast<double>(service.connect_ns) / kNsPerMs}};
  if (!service.version.empty()) out["version"] = service.version;
  if (service.openai) {
    out["base_url"] = service.BaseUrl();
    out["models"] = std::move(models);
  }
  return out;
}

void PrintJson(const Found& found) {
  boost::json::array services;
  for (const scan::Service& service : found.services) services.push_back(ToJson(service));
  fmt::print("{}", PrettyJson({{"services", std::move(services)},
                               {"targets", found.targets},
                               {"open", found.report.open.size()},
                               {"refused", found.report.refused},
                               {"silent", found.report.silent},
                               {"unreachable", found.report.unreachable},
                               {"seconds", found.seconds}}));
}

std::string Details(const scan::Service& service) {
  std::string details;
  for (const scan::ServedModel& model : service.models) {
    if (!details.empty()) details += ", ";
    details += model.id;
    if (model.context_tokens != 0) details += fmt::format(" ({} tokens)", model.context_tokens);
  }
  if (service.needs_key) details = "asks for a key";
  return details;
}

void PrintTable(const Found& found, const Painter& paint) {
  std::size_t width = 7;
  for (const scan::Service& one : found.services) {
    width = std::max(width, scan::EndpointText(one.address, one.port).size());
  }
  if (!found.services.empty()) {
    fmt::print("{:<{}}  {:<10}  {:<10}  {:>9}  {}\n", "address", width, "service", "version",
               "connect", "models");
  }
  for (const scan::Service& one : found.services) {
    // Padded before it is coloured: the codes have no width.
    const std::string name = fmt::format("{:<10}", scan::ServiceName(one.kind));
    fmt::print("{:<{}}  {}  {:<10}  {:>6.2f} ms  {}\n", scan::EndpointText(one.address, one.port),
               width, one.openai ? paint.Green(name) : name, one.version,
               static_cast<double>(one.connect_ns) / kNsPerMs, Details(one));
  }
  fmt::print("{}\n", paint.Dim(fmt::format(
                         "{} targets in {:.3f} s: {} open, {} refused, {} silent, {} unreachable",
                         found.targets, found.seconds, found.report.open.size(),
                         found.report.refused, found.report.silent, found.report.unreachable)));
}

Result<Found> Look(const Options& options) {
  ASSAY_ASSIGN(const scan::TargetSet targets, scan::TargetSet::Create(options.targets));
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  Found found;
  found.targets = targets.size();
  ProgressBar progress("scanning");
  ASSAY_ASSIGN(found.report,
               scan::Scan(targets, options.scan, [&](std::uint64_t done, std::uint64_t of) {
                 progress.Update("ports", done, of);
               }));
  ASSAY_ASSIGN(found.services, scan::Identify(found.report.open, options.identify));
  found.seconds =
      static_cast<double>(core::Clock::Real().monotonic_ns() - begin_ns) / kNsPerMs / 1e3;
  return found;
}

Result<int> Run(Options& options, ColorMode color) {
  const auto defaults = scan::DefaultPorts();
  options.targets.ports.assign(defaults.begin(), defaults.end());
  if (!options.ports.empty()) {
    ASSAY_ASSIGN(options.targets.ports, scan::ParsePorts(options.ports));
  }
  ASSAY_ASSIGN(const Found found, Look(options));
  if (options.json) {
    PrintJson(found);
  } else if (options.upstreams) {
    const std::string yaml = scan::UpstreamsYaml(found.services);
    if (yaml.empty()) {
      fmt::print(stderr,
                 "no server with the OpenAI interface was found; name more hosts, or more "
                 "ports with --ports\n");
    }
    fmt::print("{}", yaml);
  } else {
    PrintTable(found, Painter(color, STDOUT_FILENO));
  }
  return kExitSuccess;
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
  auto* const upstreams = command.add_flag("--upstreams", options.upstreams,
                                           "Print the upstreams of assay.yaml for what was found");
  command.add_flag("--json", options.json, "Print one JSON object")->excludes(upstreams);
}

}  // namespace

void AddScanCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "scan", "Find servers of models, Redis and PostgreSQL on the machines that you name");
  AddOptions(*command, *options);
  command->footer(
      "Examples:\n  assay scan localhost\n  assay scan 192.168.1.0/24 --upstreams > assay.yaml\n"
      "  assay scan gpu-1 gpu-2 --ports 8000-8100 --json");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
