// The cached questions of one context and those nearest to a vector.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "assay/core/result.h"
#include "assay/vector/top_k.h"

#include "semantic/store/record_internal.h"

namespace assay::cache::internal {

// A vector as a row of 8 bits. Errors: those of vector::QuantizeRows.
[[nodiscard]] Result<StoredRow> Quantized(std::span<const float> vector);

// Unit vectors as 8-bit rows, searched exactly. Rows are numbered by place; erasing moves the last
// row into the gap.
class NearestRows {
 public:
  explicit NearestRows(std::size_t dim) : dim_(dim) {}

  [[nodiscard]] Result<void> Append(std::span<const float> vector);
  void Append(const StoredRow& row);
  [[nodiscard]] StoredRow Row(std::size_t row) const;
  void EraseBySwap(std::size_t row);
  // Nearest first. O(rows * dim).
  [[nodiscard]] Result<std::vector<vector::Hit>> Search(std::span<const float> query,
                                                        std::size_t k) const;
  [[nodiscard]] std::size_t size() const { return scales_.size(); }
  // The cosine of one row, as Search gives it.
  [[nodiscard]] Result<float> Score(std::span<const float> query, std::size_t row) const;

 private:
  std::size_t dim_;
  std::vector<std::int8_t> values_;
  std::vector<float> scales_;
};

}  // namespace assay::cache::internal
