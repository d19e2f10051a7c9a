#include "upstream/policy/choice.h"

#include <algorithm>
#include <tuple>

namespace assay::gateway {
namespace {

// Smaller is better; balance decides among equals. A weight of 0 is a spare under kWeighted.
auto RankOf(Balance balance, const Candidate& candidate) {
  const bool spare = balance == Balance::kWeighted && candidate.weight == 0;
  return std::tuple(candidate.wait_ns, candidate.tried, spare);
}

}  // namespace

std::optional<std::size_t> ChooseTarget(Balance balance, std::span<const Candidate> candidates,
                                        core::Rng& rng) {
  std::optional<std::size_t> best;
  std::uint64_t weights = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!candidates[i].usable) continue;
    if (!best || RankOf(balance, candidates[i]) < RankOf(balance, candidates[*best])) {
      best = i;
      weights = 0;
    }
    if (RankOf(balance, candidates[i]) == RankOf(balance, candidates[*best]))
      weights += candidates[i].weight;
  }
  if (!best || balance == Balance::kFailover || weights == 0) return best;
  std::uint64_t drawn = weights > candidates[*best].weight ? rng.Below(weights) : 0;
  for (std::size_t i = *best; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (!candidate.usable || RankOf(balance, candidate) != RankOf(balance, candidates[*best]))
      continue;
    if (drawn < candidate.weight) return i;
    drawn -= candidate.weight;
  }
  return best;
}

std::int64_t FullJitterMs(std::uint32_t retry, std::int64_t base_ms, std::int64_t max_ms,
                          core::Rng& rng) {
  constexpr std::uint32_t kMaxDoublings = 20;  // beyond any sensible maximum
  std::int64_t bound_ms = base_ms;
  for (std::uint32_t i = 0; i < std::min(retry, kMaxDoublings) && bound_ms < max_ms; ++i)
    bound_ms *= 2;
  bound_ms = std::min(bound_ms, max_ms);
  return static_cast<std::int64_t>(rng.Below(static_cast<std::uint64_t>(bound_ms) + 1));
}

}  // namespace assay::gateway
