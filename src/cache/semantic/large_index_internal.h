// Inverted lists over the questions of one context, once they are too many to compare with all.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "assay/core/result.h"
#include "assay/vector/index.h"

#include "semantic/store/record_internal.h"

namespace assay::cache::internal {

// Rows under the numbers of their entries. The two indexes may be searched without any lock; what
// else stands here is guarded by the cache's.
struct LargeIndex {
  std::unique_ptr<vector::Index> fast;
  std::unique_ptr<vector::Index> precise;
  bool filled = false;      // it holds every question of its context
  bool ready = false;       // and has its lists: it is searched
  bool busy = false;        // somebody makes its lists
  std::size_t changes = 0;  // questions that came since its lists were made
  std::size_t rows = 0;     // questions when they were made

  // Errors: those of vector::Index::Create.
  [[nodiscard]] static Result<std::shared_ptr<LargeIndex>> Create(std::size_t fast_dim,
                                                                  std::size_t precise_dim);
  // Errors: those of vector::Index::Insert.
  [[nodiscard]] Result<void> Insert(std::uint64_t id, const StoredRow& fast_row,
                                    const StoredRow& precise_row);
  void Erase(std::uint64_t id);
  // Whether lists made now would be much better than those that there are.
  [[nodiscard]] bool NeedsLists() const { return !busy && (!ready || changes > rows); }
};

}  // namespace assay::cache::internal
