#include "provider/bulk/batch_plan.h"

#include <algorithm>

namespace assay::embed::internal {

std::vector<Batch> PlanBatches(std::span<const std::size_t> tokens, const ProviderLimits& limits) {
  const std::size_t most_texts = std::max<std::size_t>(1, limits.texts_per_call);
  std::vector<Batch> batches;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool full =
        batches.empty() || i - batches.back().begin >= most_texts ||
        (limits.tokens_per_call > 0 && batches.back().tokens + tokens[i] > limits.tokens_per_call);
    if (full) batches.push_back({.begin = i, .end = i, .tokens = 0});
    batches.back().end = i + 1;
    batches.back().tokens += tokens[i];
  }
  return batches;
}

}  // namespace assay::embed::internal
