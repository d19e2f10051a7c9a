// codec/encode/contexts.h: which dimensions share a code.
// Room: vector, private.  Threads: pure functions.
// Method: clustering by Kullback-Leibler divergence (Dhillon, Mallela and Kumar 2003): each
// dimension goes to the group whose code makes it shortest, and the codes follow.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::vector::internal {

// A group number below kMaxContexts for each dimension; all 0 where groups do not pay.
// Shapes: symbols [n * dim], each below 2^symbol_bits. Groups are numbered without gaps.
[[nodiscard]] std::vector<std::uint8_t> GroupDimensions(std::span<const std::uint16_t> symbols,
                                                        std::size_t dim, unsigned symbol_bits);

}  // namespace assay::vector::internal
