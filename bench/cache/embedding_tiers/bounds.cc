#include "bounds.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <utility>

#include "assay/core/clock.h"

namespace assay::bench {

std::vector<std::uint32_t> ZipfTrace(std::size_t lookups, std::size_t keys, double exponent,
                                     std::uint64_t seed) {
  std::vector<double> cumulative(keys);
  double sum = 0;
  for (std::size_t i = 0; i < keys; ++i) {
    sum += std::pow(static_cast<double>(i + 1), -exponent);
    cumulative[i] = sum;
  }
  core::SeededRng rng(seed);
  std::vector<std::uint32_t> trace(lookups);
  for (std::uint32_t& key : trace) {
    const double at = rng.NextUnit() * sum;
    const auto place = std::ranges::upper_bound(cumulative, at);
    key = static_cast<std::uint32_t>(std::min<std::ptrdiff_t>(
        place - cumulative.begin(), static_cast<std::ptrdiff_t>(keys) - 1));
  }
  return trace;
}

double BestFixedShare(std::span<const std::uint32_t> trace, std::size_t keys, std::size_t rows) {
  std::vector<std::uint64_t> counts(keys);
  for (const std::uint32_t key : trace) ++counts[key];
  std::ranges::sort(counts, std::greater<>());
  std::uint64_t held = 0;
  for (std::size_t i = 0; i < std::min(rows, keys); ++i) held += counts[i];
  return static_cast<double>(held) / static_cast<double>(trace.size());
}

double BeladyShare(std::span<const std::uint32_t> trace, std::size_t keys, std::size_t rows) {
  constexpr auto kNever = std::numeric_limits<std::uint32_t>::max();
  std::vector<std::uint32_t> next(trace.size());
  std::vector<std::uint32_t> seen(keys, kNever);
  for (std::size_t i = trace.size(); i-- > 0;) {
    next[i] = seen[trace[i]];
    seen[trace[i]] = static_cast<std::uint32_t>(i);
  }
  std::set<std::pair<std::uint32_t, std::uint32_t>> held;  // next use, key
  std::vector<std::uint32_t> use_of(keys, kNever);
  std::vector<bool> inside(keys);
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    const std::uint32_t key = trace[i];
    if (inside[key]) {
      ++hits;
      held.erase({use_of[key], key});
      inside[key] = false;
    }
    if (next[i] == kNever) continue;
    if (held.size() >= rows) {
      const auto last = std::prev(held.end());
      if (last->first <= next[i]) continue;
      inside[last->second] = false;
      held.erase(last);
    }
    held.emplace(next[i], key);
    use_of[key] = next[i];
    inside[key] = true;
  }
  return static_cast<double>(hits) / static_cast<double>(trace.size());
}

}  // namespace assay::bench
