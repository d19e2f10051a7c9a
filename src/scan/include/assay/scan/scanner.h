// assay/scan/scanner.h: which ports are open.
// Room: scan (uses core).  Threads: one scan runs on its caller's thread; several may run at once.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "assay/core/result.h"
#include "assay/scan/targets.h"

namespace assay::scan {

struct ScanOptions {
  std::uint32_t timeout_ms = 1'000;  // for one try to connect, 1 to 60,000
  std::uint32_t retries = 1;         // after a try without any answer, 0 to 10
  std::uint32_t in_flight = 512;  // tries at once, 1 to 65,536; fewer where descriptors are short
  std::uint32_t per_second = 0;   // tries a second; 0: no bound
};

struct OpenPort {
  Address address;
  std::uint16_t port = 0;
  std::int64_t connect_ns = 0;  // from the first packet to the connection
};

struct ScanReport {
  std::vector<OpenPort> open;     // by address, then port
  std::uint64_t refused = 0;      // somebody is there, nobody listens
  std::uint64_t silent = 0;       // no answer to any try
  std::uint64_t unreachable = 0;  // no way there
  std::uint64_t tries = 0;
  std::uint64_t most_at_once = 0;  // tries that waited for an answer
};

// Targets that are decided, of all.
using ScanProgress = std::function<void(std::uint64_t done, std::uint64_t of)>;

// Connects to every target (TCP, three-way, as any client does; needs no privilege) and closes the
// connection at once. Method: non-blocking connects under one epoll; a try that hears nothing is
// made again behind the others. Time: about the targets' own answers, for there are as many tries
// at once as in_flight; nothing waits for one slow host. Errors: kInvalidArgument for options out
// of range; kResourceExhausted where not even one socket can be opened.
[[nodiscard]] Result<ScanReport> Scan(const TargetSet& targets, const ScanOptions& options = {},
                                      const ScanProgress& progress = {});

}  // namespace assay::scan
