// store/state.h: one version of a store in memory, and how rows are found and read in it.
// Room: vector, private.  Threads: a State never changes; everything it points to lives with it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/vector/vector_view.h"

#include "store/base_file.h"
#include "store/row/delta.h"

namespace assay::vector::internal {

// A log that rows are read from; it may still grow.
struct LogFile {
  std::string path;
  std::unique_ptr<const core::ReadableFile> reader;
};

// Where the log has the newest change of an id.
struct Entry {
  std::uint64_t id = 0;
  std::uint64_t offset = 0;  // of the stored row in the file
  const LogFile* log = nullptr;
  std::uint32_t size_bytes = 0;
  std::uint32_t crc = 0;
  RowForm form = RowForm::kErased;
};

// Entries with rising ids.
using Run = std::vector<Entry>;

// Sorts entries that came one after the other; of each id the last one stays.
[[nodiscard]] Run MakeRun(Run entries);

struct State {
  std::uint64_t version = 0;
  std::size_t dim = 0;
  std::string encoder;
  std::shared_ptr<const Base> base;  // null: empty; differences are against it
  std::vector<std::shared_ptr<const LogFile>> logs;
  std::vector<std::shared_ptr<const Run>> runs;  // older and larger ones first

  // The same with newer changes. Runs of like size are merged, so that there are few (O(log n)).
  [[nodiscard]] State With(std::shared_ptr<const Run> run, std::uint64_t new_version) const;
  // The newest change of an id since the base; null when there is none.
  [[nodiscard]] const Entry* Find(std::uint64_t id) const;
  // Requires: not erased. Errors: kDataLoss, naming file and offset.
  [[nodiscard]] Result<void> ReadEntry(const Entry& entry, std::span<float> out) const;
  // Errors: kNotFound; kDataLoss.
  [[nodiscard]] Result<void> Get(std::uint64_t id, std::span<float> out) const;
};

// All rows of a state, in the order of their ids.
class StateView final : public VectorView {
 public:
  explicit StateView(std::shared_ptr<const State> state);

  [[nodiscard]] std::size_t dim() const override { return state_->dim; }
  [[nodiscard]] std::size_t rows() const override { return items_.size(); }
  [[nodiscard]] std::uint64_t version() const override { return state_->version; }
  [[nodiscard]] std::string_view encoder() const override { return state_->encoder; }
  [[nodiscard]] std::uint64_t IdOf(std::size_t row) const override { return items_[row].id; }
  [[nodiscard]] std::optional<std::size_t> RowOf(std::uint64_t id) const override;
  [[nodiscard]] Result<void> Read(std::size_t first, std::span<float> out) const override;

  // Whether both rows are the very same bytes of a file, so that they need not be compared.
  [[nodiscard]] bool SameStorage(std::size_t row, const StateView& other,
                                 std::size_t other_row) const;

 private:
  struct Item {
    std::uint64_t id;
    const Entry* entry;    // null: in the base
    std::size_t base_row;  // where entry is null
  };
  std::shared_ptr<const State> state_;
  std::vector<Item> items_;
};

}  // namespace assay::vector::internal
