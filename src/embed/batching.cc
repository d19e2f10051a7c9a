#include "batching.h"

#include <algorithm>
#include <functional>

namespace assay::embed::internal {

std::size_t PaddedLength(std::size_t length) {
  const std::size_t step = length <= 16 ? 2 : length <= 32 ? 4 : length <= 64 ? 8 : 16;
  return (length + step - 1) / step * step;
}

Plan PlanRuns(std::span<const std::uint32_t> lengths, std::size_t max_length) {
  Plan plan;
  for (std::uint32_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > 0) plan.order.push_back(i);
  }
  const auto padded = [&](std::uint32_t text) {
    return std::min(PaddedLength(lengths[text]), max_length);
  };
  std::ranges::stable_sort(plan.order, std::ranges::greater(), padded);
  for (std::size_t i = 0; i < plan.order.size(); ++i) {
    const std::size_t length = padded(plan.order[i]);
    const std::size_t most = std::clamp<std::size_t>(kMaxRunTokens / length, 1, kMaxRunRows);
    if (plan.runs.empty() || plan.runs.back().length != length || plan.runs.back().rows == most) {
      plan.runs.push_back({i, 0, length});
    }
    ++plan.runs.back().rows;
  }
  return plan;
}

}  // namespace assay::embed::internal
