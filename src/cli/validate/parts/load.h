// Load on a gateway of this machine, from requests made beforehand.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "assay/core/result.h"

namespace assay::cli::validate {

struct LoadResult {
  std::uint64_t requests = 0;
  std::uint64_t failed = 0;   // other than 200
  std::string first_failure;  // in words
  double seconds = 0;         // from the first byte sent to the last answer read
  double mean_s = 0;          // of a request, from its bytes sent to its answer read
  double p99_s = 0;

  [[nodiscard]] double rate() const { return static_cast<double>(requests) / seconds; }
};

// Sends requests[i] for each i of `order`, on `connections` kept connections of one thread: one on
// each, then the answers are read, then the next round. With as many connections as requests all
// are in flight at once. Errors: kUnavailable when a connection breaks.
[[nodiscard]] Result<LoadResult> SendLoad(std::uint16_t port, std::span<const std::string> requests,
                                          std::span<const std::uint32_t> order,
                                          std::size_t connections, int timeout_s);

// `count` numbers of [0, universe), i with probability proportional to 1 / (i + 1): Zipf's law with
// exponent 1. The same for the same seed.
[[nodiscard]] std::vector<std::uint32_t> ZipfOrder(std::size_t universe, std::size_t count,
                                                   std::uint64_t seed);

}  // namespace assay::cli::validate
