#include <algorithm>

#include "semantic/nearest_internal.h"

namespace assay::cache::internal {

Result<StoredRow> Quantized(std::span<const float> vector) {
  StoredRow row;
  row.values.resize(vector.size());
  ASSAY_TRY(vector::QuantizeRows(vector, vector.size(), row.values, std::span(&row.scale, 1)));
  return row;
}

Result<void> NearestRows::Append(std::span<const float> vector) {
  ASSAY_ASSIGN(const StoredRow row, Quantized(vector));
  Append(row);
  return {};
}

void NearestRows::Append(const StoredRow& row) {
  values_.insert(values_.end(), row.values.begin(), row.values.end());
  scales_.push_back(row.scale);
}

StoredRow NearestRows::Row(std::size_t row) const {
  const auto begin = values_.begin() + static_cast<std::ptrdiff_t>(row * dim_);
  return {scales_[row], {begin, begin + static_cast<std::ptrdiff_t>(dim_)}};
}

void NearestRows::EraseBySwap(std::size_t row) {
  const std::size_t last = scales_.size() - 1;
  std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(last * dim_), dim_,
              values_.begin() + static_cast<std::ptrdiff_t>(row * dim_));
  scales_[row] = scales_[last];
  values_.resize(last * dim_);
  scales_.resize(last);
}

Result<std::vector<vector::Hit>> NearestRows::Search(std::span<const float> query,
                                                     std::size_t k) const {
  if (scales_.empty()) return std::vector<vector::Hit>();
  return vector::TopK(query, vector::Int8Rows{values_, scales_}, k);
}

Result<float> NearestRows::Score(std::span<const float> query, std::size_t row) const {
  const vector::Int8Rows one{std::span(values_).subspan(row * dim_, dim_),
                             std::span(scales_).subspan(row, 1)};
  ASSAY_ASSIGN(const auto hits, vector::TopK(query, one, 1));
  return hits.empty() ? 0.0F : hits[0].score;
}

}  // namespace assay::cache::internal
