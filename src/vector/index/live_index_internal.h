// The index behind assay/vector/index.h.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "assay/vector/index.h"

#include "gated_lock_internal.h"
#include "lists_internal.h"
#include "row_store_internal.h"

namespace assay::vector::internal {

// Below this many rows comparing all of them is as fast as lists, and never wrong.
inline constexpr std::size_t kExactBelow = 4096;

class LiveIndex final : public Index {
 public:
  explicit LiveIndex(IndexOptions options);

  [[nodiscard]] Result<void> Insert(std::uint64_t id, std::span<const float> row) override;
  bool Erase(std::uint64_t id) override;
  [[nodiscard]] bool Contains(std::uint64_t id) const override;
  [[nodiscard]] Result<std::vector<Neighbor>> Search(std::span<const float> query,
                                                     std::size_t k) const override;
  [[nodiscard]] Result<std::vector<std::vector<Neighbor>>> SearchBatch(
      std::span<const float> queries, std::size_t k) const override;
  [[nodiscard]] Result<void> Optimize(const OnIndexProgress& on_progress) override;
  [[nodiscard]] Result<void> Save(core::FileSystem& files, const std::string& path) const override;
  [[nodiscard]] IndexStats Stats() const override;
  [[nodiscard]] std::uint64_t version() const override {
    return version_.load(std::memory_order_acquire);
  }
  [[nodiscard]] const IndexOptions& options() const override { return options_; }

  // What a file holds, besides the rows.
  struct Loaded {
    std::vector<std::uint64_t> ids;  // empty: the row's number
    std::unique_ptr<Lists> lists;    // null: every row is compared
    Effort effort;
    double calibrated_recall = 0;
  };
  // Requires: a new index; as RowStore::SetBase and Lists::Restore.
  void Restore(Loaded loaded, std::span<const float> rows, std::shared_ptr<const void> keep);

 private:
  class Optimizer;  // optimize.cc

  [[nodiscard]] std::shared_ptr<const Coder> CurrentCoder() const;
  void GrowVersion() { version_.fetch_add(1, std::memory_order_release); }
  void RemoveLocked(std::uint32_t slot);
  [[nodiscard]] std::vector<Neighbor> SearchLocked(std::span<const float> query,
                                                   std::size_t k) const;

  const IndexOptions options_;
  mutable GatedLock lock_;  // guards all below
  RowStore rows_;
  std::unique_ptr<Lists> lists_;  // null: every row is compared
  Effort effort_;
  double calibrated_recall_ = 0;
  std::size_t optimized_rows_ = 0;
  // Grows under the lock, released there; version() acquires it without the lock.
  std::atomic<std::uint64_t> version_ = 0;
  bool optimizing_ = false;
  std::vector<std::uint32_t> touched_;  // slots that changed while optimizing_
};

// Index::Open for bytes that `keep` holds and that start at a multiple of 4.
[[nodiscard]] Result<std::unique_ptr<Index>> OpenIndexBytes(std::string_view bytes,
                                                            std::string_view label, Verify verify,
                                                            std::shared_ptr<const void> keep);

}  // namespace assay::vector::internal
