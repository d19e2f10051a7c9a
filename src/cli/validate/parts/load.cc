#include "validate/parts/load.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include <fmt/format.h>

#include "assay/core/clock.h"
#include "assay/experiments/resample.h"

#include "validate/parts/wire.h"

namespace assay::cli::validate {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kShownBytes = 200;

double SecondsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

}  // namespace

Result<LoadResult> SendLoad(std::uint16_t port, std::span<const std::string> requests,
                            std::span<const std::uint32_t> order, std::size_t connections,
                            int timeout_s) {
  std::vector<Connection> lines;
  for (std::size_t i = 0; i < std::min(connections, order.size()); ++i) {
    ASSAY_ASSIGN(Connection line, Connection::Open(port, timeout_s));
    lines.push_back(std::move(line));
  }
  LoadResult out;
  std::vector<double> times;
  times.reserve(order.size());
  std::vector<SteadyClock::time_point> sent(lines.size());
  const auto begin = SteadyClock::now();
  for (std::size_t first = 0; first < order.size(); first += lines.size()) {
    const std::size_t round = std::min(lines.size(), order.size() - first);
    for (std::size_t i = 0; i < round; ++i) {
      sent[i] = SteadyClock::now();
      ASSAY_TRY(lines[i].Send(requests[order[first + i]]));
    }
    for (std::size_t i = 0; i < round; ++i) {
      ASSAY_ASSIGN(const Message answer, lines[i].Receive());
      times.push_back(SecondsSince(sent[i]));
      if (answer.status() == 200) continue;
      if (out.failed++ == 0) {
        out.first_failure = fmt::format("{}: {}", answer.start, answer.body.substr(0, kShownBytes));
      }
    }
  }
  out.seconds = SecondsSince(begin);
  out.requests = order.size();
  std::ranges::sort(times);
  out.mean_s = std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
  out.p99_s = experiments::QuantileOfSorted(times, 0.99);
  return out;
}

std::vector<std::uint32_t> ZipfOrder(std::size_t universe, std::size_t count, std::uint64_t seed) {
  std::vector<double> cumulative(universe);
  double total = 0;
  for (std::size_t i = 0; i < universe; ++i) {
    total += 1 / static_cast<double>(i + 1);
    cumulative[i] = total;
  }
  core::SeededRng rng(seed);
  std::vector<std::uint32_t> out(count);
  for (std::uint32_t& one : out) {
    const auto at = std::ranges::lower_bound(cumulative, rng.NextUnit() * total);
    one = static_cast<std::uint32_t>(
        std::min<std::size_t>(static_cast<std::size_t>(at - cumulative.begin()), universe - 1));
  }
  return out;
}

}  // namespace assay::cli::validate
