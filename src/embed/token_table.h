// The table of the static encoder: docs/formats/token-table.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "assay/core/result.h"

namespace assay::embed::internal {

// A view into memory that outlives it. Row r is values[r * dim ..] * scales[r]; a scale of 0 marks
// a token without a vector.
struct TokenTable {
  std::size_t rows = 0;
  std::size_t dim = 0;
  std::span<const float> scales;
  std::span<const std::int8_t> values;
};

inline constexpr std::uint32_t kTokenTableVersion = 1;

// Requires: bytes start at a multiple of 4. Errors: kDataLoss for damage, kFailedPrecondition for
// another version or byte order.
[[nodiscard]] Result<TokenTable> ReadTokenTable(std::string_view bytes);

}  // namespace assay::embed::internal
