// The index behind assay/vector/index.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "assay/vector/index.h"

#include "gated_lock_internal.h"
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
  [[nodiscard]] IndexStats Stats() const override;
  [[nodiscard]] const IndexOptions& options() const override { return options_; }

 private:
  [[nodiscard]] std::vector<Neighbor> SearchLocked(std::span<const float> query,
                                                   std::size_t k) const;

  const IndexOptions options_;
  mutable GatedLock lock_;  // guards all below
  RowStore rows_;
  std::uint64_t version_ = 0;
};

}  // namespace assay::vector::internal
