// Finds out how far a search has to look for a wanted recall.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lists_internal.h"

namespace assay::vector::internal {

// Rows held back as queries, each with the slots and scores of its nearest rows but itself.
struct HeldBack {
  std::vector<std::uint32_t> slots;       // [m]
  std::vector<float> queries;             // [m * dim]
  std::vector<std::vector<Hit>> nearest;  // [m], at most kEffortRows each
};

// The cheapest effort whose recall on the queries is `wanted`, or the one that has the most.
[[nodiscard]] Effort ChooseEffort(const Lists& lists, const HeldBack& held, std::size_t dim,
                                  double wanted);

// The share of the queries' nearest rows among `found`, which holds each query's hits.
[[nodiscard]] double RecallOf(const HeldBack& held, std::span<const std::vector<Hit>> found);

}  // namespace assay::vector::internal
