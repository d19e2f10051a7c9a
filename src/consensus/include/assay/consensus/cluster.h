// assay/consensus/cluster.h: groups of items by their pairwise agreement.
// Room: consensus.  Threads: pure functions.
// Method: agglomerative clustering along nearest-neighbour chains (Murtagh 1983; Müllner 2011, the
// generic form for reducible linkages), O(n^2) time and space.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "assay/core/result.h"

namespace assay::consensus {

inline constexpr std::size_t kMaxClusterItems = 8192;  // 512 MB of distances

// How near two groups are.
enum class Linkage : std::uint8_t {
  kSingle,    // their most agreeing pair
  kComplete,  // their least agreeing pair
  kAverage,   // the mean over all pairs (UPGMA)
};

struct Cluster {
  std::vector<std::uint32_t> members;  // rising
  double cohesion = 1;                 // mean agreement of its pairs; 1 for a single member
  // How long it holds when the threshold moves: 1 - (distance at which it was formed) / (distance
  // at which it would be merged), in [0, 1]; 1 where it is all there is.
  double stability = 1;
};

// Clusters of n items, each pair of which agrees by agreement[i * n + j] in [0, 1]. Groups are
// merged while their agreement is at least `threshold`. Larger clusters first, then by the first
// member. Ties between merges go to the lower numbers. Errors: kInvalidArgument if the size is no
// square, or a value is not in [0, 1] or not symmetric; kOutOfRange above kMaxClusterItems.
[[nodiscard]] Result<std::vector<Cluster>> ClusterByAgreement(std::span<const double> agreement,
                                                              Linkage linkage, double threshold);

}  // namespace assay::consensus
