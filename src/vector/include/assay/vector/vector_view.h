// assay/vector/vector_view.h: a set of vectors with ids that never changes, wherever it is kept.
// Room: vector (uses core).  Threads: a view may be shared; every call is safe from many threads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "assay/core/result.h"

namespace assay::vector {

// What an index is built from and re-ranks with. Rows are numbered from 0 in rising order of their
// ids, so a row number is valid for this view only, an id for all versions of a store.
class VectorView {
 public:
  virtual ~VectorView() = default;

  [[nodiscard]] virtual std::size_t dim() const = 0;
  [[nodiscard]] virtual std::size_t rows() const = 0;
  // Of the store that the view shows; rises with every change. 0 where there is none.
  [[nodiscard]] virtual std::uint64_t version() const = 0;
  // Name of the encoder that made the vectors; empty when it is not known. Lives as long as the
  // view.
  [[nodiscard]] virtual std::string_view encoder() const = 0;

  // Requires: row < rows().
  [[nodiscard]] virtual std::uint64_t IdOf(std::size_t row) const = 0;
  // The row of an id; nullopt when it is not there. Time O(log rows) at most.
  [[nodiscard]] virtual std::optional<std::size_t> RowOf(std::uint64_t id) const = 0;

  // Copies rows first, first + 1, ... into `out`, bit for bit. Shapes: out [n * dim()].
  // Errors: kInvalidArgument if out.size() is no multiple of dim(); kOutOfRange past the last row;
  // kDataLoss where what is stored is damaged (file and offset are named).
  [[nodiscard]] virtual Result<void> Read(std::size_t first, std::span<float> out) const = 0;
};

}  // namespace assay::vector
