// Eviction policies over caches of equal entries, for the comparison of hit ratios. Ours is the
// shipped MemoryCache itself; the others are the published algorithms, written for clarity.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace assay::bench {

using TraceKey = std::uint32_t;  // dense: 0 to distinct - 1

// One access a call, in the order of the trace.
class Policy {
 public:
  virtual ~Policy() = default;
  // True for a hit; a miss loads the key.
  virtual bool Access(TraceKey key) = 0;
};

struct PolicyKind {
  std::string_view name;
  std::unique_ptr<Policy> (*make)(std::size_t entries, std::size_t distinct);
};

// assay first, then those that it must beat (LRU, LFU, ARC), then others for orientation.
[[nodiscard]] std::span<const PolicyKind> Policies();
inline constexpr std::size_t kRivals = 3;  // Policies()[1] to Policies()[kRivals]

// Hits of the best possible choices, which need to know the future (Belady 1966).
[[nodiscard]] std::uint64_t BeladyHits(std::span<const TraceKey> trace, std::size_t entries,
                                       std::size_t distinct);

}  // namespace assay::bench
