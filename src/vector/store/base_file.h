// store/base_file.h: the packed state of one version. Format: docs/formats/vector-store.md.
// Room: vector, private.  Threads: a Base never changes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/record_file.h"
#include "assay/core/result.h"
#include "assay/vector/float_codec.h"
#include "assay/vector/vector_view.h"

namespace assay::vector::internal {

inline constexpr core::RecordFileKind kBaseKind = {.tag = "vecbase", .version = 1};

class Base {
 public:
  // Maps the file and compares every checksum. Errors: kDataLoss, naming file and offset.
  [[nodiscard]] static Result<std::shared_ptr<const Base>> Open(core::FileSystem& files,
                                                                const std::string& path,
                                                                std::size_t dim);
  // Errors: those of the view and of the disk; a half-written file is left behind then.
  [[nodiscard]] static Result<void> Write(core::FileSystem& files, const std::string& path,
                                          const VectorView& view);

  [[nodiscard]] std::uint64_t version() const { return version_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] std::uint64_t IdOf(std::size_t row) const;
  [[nodiscard]] std::optional<std::size_t> RowOf(std::uint64_t id) const;
  // Shapes: out [n * dim].
  [[nodiscard]] Result<void> Read(std::size_t first, std::span<float> out) const;

 private:
  struct Chunk {
    std::uint64_t offset;  // of its record in the file
    std::span<const std::uint64_t> ids;
    FloatBlock block;
  };

  explicit Base(core::RecordReader reader) : reader_(std::move(reader)) {}
  Result<void> AddChunk(const core::Record& record, std::size_t dim);

  core::RecordReader reader_;  // holds the mapping
  std::string path_;
  std::uint64_t version_ = 0;
  std::size_t dim_ = 0;
  std::size_t rows_ = 0;
  std::size_t chunk_rows_ = 0;
  std::uint64_t size_bytes_ = 0;
  std::vector<Chunk> chunks_;
};

}  // namespace assay::vector::internal
