#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "row_store_internal.h"

namespace assay::vector::internal {

void RowStore::SetBase(std::span<const float> base, std::vector<std::uint64_t> ids,
                       std::shared_ptr<const void> keep) {
  base_ = base;
  keep_ = std::move(keep);
  base_ids_ = std::move(ids);
  base_rows_ = base.size() / dim_;
  slot_of_.reserve(base_ids_.size());
  for (std::uint32_t slot = 0; slot < base_ids_.size(); ++slot) slot_of_[base_ids_[slot]] = slot;
  live_.assign(base_rows_, true);
  live_count_ = base_rows_;
}

std::uint32_t RowStore::Add(std::uint64_t id, std::span<const float> row) {
  std::uint32_t slot = 0;
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
    live_[slot] = true;
    ids_[slot - base_rows_] = id;
  } else {
    slot = static_cast<std::uint32_t>(live_.size());
    if ((slot - base_rows_) % kChunkRows == 0) {
      chunks_.push_back(std::make_unique_for_overwrite<float[]>(kChunkRows * dim_));
    }
    live_.push_back(true);
    ids_.push_back(id);
  }
  const std::size_t late = slot - base_rows_;
  std::ranges::copy(row, chunks_[late / kChunkRows].get() + late % kChunkRows * dim_);
  slot_of_[id] = slot;
  ++live_count_;
  return slot;
}

void RowStore::Remove(std::uint32_t slot) {
  live_[slot] = false;
  --live_count_;
  if (slot < base_rows_) {
    if (!base_ids_.empty()) slot_of_.erase(base_ids_[slot]);
    return;
  }
  const std::size_t late = slot - base_rows_;
  std::fill_n(chunks_[late / kChunkRows].get() + late % kChunkRows * dim_, dim_,
              std::numeric_limits<float>::quiet_NaN());
  slot_of_.erase(ids_[late]);
  free_.push_back(slot);
}

std::uint32_t RowStore::Find(std::uint64_t id) const {
  const auto late = slot_of_.find(id);
  if (late != slot_of_.end()) return late->second;
  return base_ids_.empty() && id < base_rows_ && live_[id] ? static_cast<std::uint32_t>(id)
                                                           : kNoSlot;
}

std::vector<Hit> RowStore::Nearest(std::span<const float> query, std::size_t k) const {
  std::vector<Hit> best;
  const auto search = [&](std::span<const float> rows, std::size_t first) {
    // The shapes were checked by the caller, so there is a result.
    const auto hits = TopK(query, rows, k);
    if (!hits) return;
    for (const Hit& hit : *hits) {
      const auto slot = static_cast<std::uint32_t>(hit.row + first);
      if (live_[slot]) best.push_back({slot, hit.score});
    }
  };
  // Erased rows of the base cannot be overwritten, so ranges between them are searched.
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= base_rows_; ++i) {
    if (i < base_rows_ && live_[i]) continue;
    if (i > begin) search(base_.subspan(begin * dim_, (i - begin) * dim_), begin);
    begin = i + 1;
  }
  const std::size_t late = live_.size() - base_rows_;
  for (std::size_t c = 0; c < chunks_.size(); ++c) {
    const std::size_t rows = std::min(kChunkRows, late - c * kChunkRows);
    search({chunks_[c].get(), rows * dim_}, base_rows_ + c * kChunkRows);
    if (best.size() < 8 * k) continue;
    std::ranges::nth_element(best, best.begin() + static_cast<std::ptrdiff_t>(k), std::greater(),
                             &Hit::score);
    best.resize(k);
  }
  return best;
}

std::size_t RowStore::resident_bytes() const {
  constexpr std::size_t kMapNodeBytes = 32;  // of libstdc++: link, key, value, malloc's word
  return (live_.size() - base_rows_) * dim_ * sizeof(float) +
         (ids_.capacity() + base_ids_.capacity()) * sizeof(ids_[0]) +
         slot_of_.size() * kMapNodeBytes + slot_of_.bucket_count() * sizeof(void*) +
         free_.capacity() * sizeof(free_[0]) + live_.capacity() / 8;
}

}  // namespace assay::vector::internal
