// Scans of 1,000 ports of this machine, 20 of which listen, and the look-up of a kept result.
//
//   scan_bench [--ports=FIRST,COUNT]
//
// Without --ports it listens itself; with them bench/peers/scan.py does.
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/scan/result_cache.h"
#include "assay/scan/scanner.h"

namespace assay::scan {
namespace {

constexpr std::size_t kListeners = 20;

struct Ports {
  std::vector<std::uint16_t> all;
  std::size_t open = 0;
};

// Whether that port of 127.0.0.1 listens from now on, until the program ends.
bool Listens(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  const bool good =
      ::bind(descriptor, generic, sizeof(address)) == 0 && ::listen(descriptor, 4'096) == 0;
  if (!good) ::close(descriptor);
  return good;
}

TargetSet Targets(const Ports& ports) {
  return *TargetSet::Create({.hosts = {"127.0.0.1"}, .ports = ports.all});
}

void BM_Scan(benchmark::State& state, const Ports& ports) {
  const TargetSet targets = Targets(ports);
  for (auto _ : state) {
    const auto report = Scan(targets);
    if (!report || report->open.size() < ports.open) {
      state.SkipWithError("a listener was missed");
      return;
    }
  }
}

void BM_Cached(benchmark::State& state, const Ports& ports) {
  const std::string folder = fmt::format(
      "{}/assay-scan-bench-{}", std::filesystem::temp_directory_path().string(), ::getpid());
  const ResultCache cache(core::FileSystem::Real(), folder + "/scan.results");
  const TargetSet targets = Targets(ports);
  Findings findings;
  findings.targets = targets.size();
  findings.begun_ms = core::Clock::Real().wall_ns() / 1'000'000;
  for (std::uint16_t i = 0; i < kListeners; ++i) {
    Service& service = findings.services.emplace_back();
    service.address = targets.address(0);
    service.port = static_cast<std::uint16_t>(8'000 + i);
    service.kind = ServiceKind::kVllm;
    service.models = {{fmt::format("model-{}", i), 32'768}};
  }
  (void)cache.Store(ResultKey(targets, {}, std::nullopt), findings);
  for (auto _ : state) {
    const auto found = cache.Find(ResultKey(targets, {}, std::nullopt), 3'600'000);
    if (!found || !*found || (*found)->findings.services.size() != kListeners) {
      state.SkipWithError("the result was not found");
      break;
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

bool ReadNumbers(std::string_view text, unsigned& first, unsigned& second) {
  const std::size_t comma = text.find(',');
  const auto read = [](std::string_view part, unsigned& into) {
    return std::from_chars(part.data(), part.data() + part.size(), into).ec == std::errc();
  };
  return comma != std::string_view::npos && read(text.substr(0, comma), first) &&
         read(text.substr(comma + 1), second);
}

// Takes what is ours from the arguments.
Ports PortsOf(std::vector<char*>& arguments) {
  unsigned first = 20'000;
  unsigned count = 1'000;
  unsigned open = 0;
  bool given = false;
  std::erase_if(arguments, [&](std::string_view argument) {
    constexpr std::string_view kPorts = "--ports=";
    if (!argument.starts_with(kPorts)) return false;
    given = ReadNumbers(argument.substr(kPorts.size()), first, count);
    return true;
  });
  Ports ports;
  for (unsigned i = 0; i < count; ++i) {
    const auto port = static_cast<std::uint16_t>(first + i);
    ports.all.push_back(port);
    if (i % (count / kListeners) == 7 && (given || Listens(port))) ++open;
  }
  ports.open = open;
  return ports;
}

int Main(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  const Ports ports = PortsOf(arguments);
  benchmark::RegisterBenchmark("scan/1000", [&](benchmark::State& state) { BM_Scan(state, ports); })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
  benchmark::RegisterBenchmark("cached", [&](benchmark::State& state) { BM_Cached(state, ports); })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return EXIT_FAILURE;
  benchmark::RunSpecifiedBenchmarks();
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace assay::scan

int main(int argc, char** argv) {
  return assay::scan::Main(argc, argv);
}
