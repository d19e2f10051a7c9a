// provider/bulk/batch_plan.h: which texts go into which call.
// Room: embed (private).  Threads: pure function.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "assay/embed/provider.h"

namespace assay::embed::internal {

struct Batch {
  std::size_t begin = 0;  // of the given texts
  std::size_t end = 0;
  std::uint64_t tokens = 0;
};

// Consecutive texts fill a call up to texts_per_call and tokens_per_call; a text above
// tokens_per_call goes alone. tokens[i]: of text i.
[[nodiscard]] std::vector<Batch> PlanBatches(std::span<const std::size_t> tokens,
                                             const ProviderLimits& limits);

}  // namespace assay::embed::internal
