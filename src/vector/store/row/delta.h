// store/row/delta.h: one vector as the log keeps it. Format: docs/formats/vector-store.md.
// Room: vector, private.  Threads: pure functions.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::vector::internal {

enum class RowForm : std::uint8_t {
  kErased = 0,
  kPlain = 1,        // the values
  kSparseDelta = 2,  // XOR against the base: a bit for each dimension, then the values not 0
  kBlockDelta = 3,   // XOR against the base, as a block of one row; read, no longer written
  kPackedDelta = 4,  // XOR against the base, each value in one of four widths
};

struct StoredRow {
  RowForm form = RowForm::kPlain;
  std::string bytes;
};

// The shortest form, but a difference only where it saves a quarter: plain rows are read fastest.
// Shapes: vector [dim]; base [dim] or empty.
[[nodiscard]] StoredRow StoreRow(std::span<const float> vector, std::span<const float> base);

// Shapes: out [dim], which holds the base's vector where the form is a difference.
// Errors: kDataLoss.
[[nodiscard]] Result<void> RestoreRow(RowForm form, std::string_view bytes, std::span<float> out);

[[nodiscard]] constexpr bool IsDelta(RowForm form) {
  return form == RowForm::kSparseDelta || form == RowForm::kBlockDelta ||
         form == RowForm::kPackedDelta;
}

}  // namespace assay::vector::internal
