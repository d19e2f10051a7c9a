// The rows of an index with their ids, by slot: a number that a row keeps while it is in.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/vector/top_k.h"

namespace assay::vector::internal {

inline constexpr std::uint32_t kNoSlot = 0xFFFFFFFF;

// The first slots may be rows of a mapped file; the others are in memory.
// Rows in memory never move; one that is erased becomes not-a-number, so that no search returns it.
// Threads: const calls beside each other; the others alone.
class RowStore {
 public:
  explicit RowStore(std::size_t dim) : dim_(dim) {}

  // Requires: no rows yet; base [n * dim] lives as long as `keep`; ids [n], each once, or empty
  // where each row's id is its number.
  void SetBase(std::span<const float> base, std::vector<std::uint64_t> ids,
               std::shared_ptr<const void> keep);

  // Requires: Find(id) == kNoSlot, size() < kMaxIndexRows and row [dim].
  std::uint32_t Add(std::uint64_t id, std::span<const float> row);
  // Requires: a slot that is in use.
  void Remove(std::uint32_t slot);

  [[nodiscard]] std::uint32_t Find(std::uint64_t id) const;
  [[nodiscard]] bool IsLive(std::uint32_t slot) const { return live_[slot]; }
  [[nodiscard]] std::uint64_t IdOf(std::uint32_t slot) const {
    if (slot >= base_rows_) return ids_[slot - base_rows_];
    return base_ids_.empty() ? slot : base_ids_[slot];
  }
  [[nodiscard]] const float* Row(std::uint32_t slot) const {
    if (slot < base_rows_) return base_.data() + std::size_t{slot} * dim_;
    const std::size_t late = slot - base_rows_;
    return chunks_[late / kChunkRows].get() + late % kChunkRows * dim_;
  }
  // The exact k nearest by comparing every row; hits name slots. Requires: query [dim], valid k.
  [[nodiscard]] std::vector<Hit> Nearest(std::span<const float> query, std::size_t k) const;

  [[nodiscard]] std::size_t dim() const { return dim_; }
  [[nodiscard]] std::size_t size() const { return live_count_; }    // rows in use
  [[nodiscard]] std::size_t slots() const { return live_.size(); }  // in use or not
  [[nodiscard]] std::size_t resident_bytes() const;
  [[nodiscard]] std::size_t mapped_bytes() const { return base_.size_bytes(); }

 private:
  static constexpr std::size_t kChunkRows = 1024;

  std::size_t dim_;
  std::span<const float> base_;
  std::shared_ptr<const void> keep_;
  std::size_t base_rows_ = 0;
  std::vector<std::uint64_t> base_ids_;  // empty: the row's number
  std::vector<std::unique_ptr<float[]>> chunks_;
  std::vector<std::uint64_t> ids_;                            // of slots behind the base
  std::unordered_map<std::uint64_t, std::uint32_t> slot_of_;  // but of a base without ids
  std::vector<std::uint32_t> free_;                           // behind the base only
  std::vector<bool> live_;
  std::size_t live_count_ = 0;
};

}  // namespace assay::vector::internal
