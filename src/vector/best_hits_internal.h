// The k best of many rows that come in ascending order.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "assay/vector/top_k.h"

namespace assay::vector::internal {

inline bool IsBetter(const Hit& a, const Hit& b) {
  return a.score > b.score || (a.score == b.score && a.row < b.row);
}

// The k best hits so far of one query; the worst of them lies on top of the heap.
class BestHits {
 public:
  explicit BestHits(std::span<Hit> storage) : storage_(storage) {}

  void Add(std::uint32_t first_row, std::span<const float> scores) {
    std::size_t i = 0;
    for (; i < scores.size() && size_ < storage_.size(); ++i) {
      if (std::isnan(scores[i])) continue;
      storage_[size_++] = {first_row + static_cast<std::uint32_t>(i), scores[i]};
      std::push_heap(storage_.begin(), End(), IsBetter);
    }
    // Rows come in ascending order, so a row that only equals the worst never replaces it.
    for (; i < scores.size(); ++i) {
      if (!(scores[i] > storage_.front().score)) continue;
      std::pop_heap(storage_.begin(), End(), IsBetter);
      storage_[size_ - 1] = {first_row + static_cast<std::uint32_t>(i), scores[i]};
      std::push_heap(storage_.begin(), End(), IsBetter);
    }
  }

  // All places, best first; those that no row filled hold kNoRow.
  [[nodiscard]] std::span<const Hit> Sorted() {
    std::sort_heap(storage_.begin(), End(), IsBetter);
    std::fill(End(), storage_.end(), Hit{kNoRow, -std::numeric_limits<float>::infinity()});
    return storage_;
  }

 private:
  [[nodiscard]] std::span<Hit>::iterator End() const {
    return storage_.begin() + static_cast<std::ptrdiff_t>(size_);
  }

  std::span<Hit> storage_;
  std::size_t size_ = 0;
};

}  // namespace assay::vector::internal
