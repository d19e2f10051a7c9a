// The static encoder's inner loop, by the widest instructions of this CPU.
#pragma once
#include <cstdint>
#include <span>

#include "token_table.h"

namespace assay::embed::internal {

// out = the sum of the rows of `ids`, scaled to length 1; zeros if the sum is zero.
// Requires: 0 <= id < table.rows; out [table.dim].
void SumRows(const TokenTable& table, std::span<const std::int32_t> ids, std::span<float> out);

}  // namespace assay::embed::internal
