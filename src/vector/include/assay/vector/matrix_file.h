// assay/vector/matrix_file.h: a matrix of vectors on disk, used in place.
// Room: vector (uses core).  Threads: a MatrixFile never changes and may be shared.
// Format: docs/formats/matrix.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/vector/top_k.h"

namespace assay::vector {

inline constexpr std::uint32_t kMatrixFormatVersion = 1;

enum class Element : std::uint32_t { kFloat32 = 1, kInt8 = 2 };

// Whether the content is compared with its checksum on opening: about 0.1 s a gigabyte.
enum class Verify : std::uint8_t { kHeaderOnly, kContent };

// A read-only matrix in mapped (or any other) memory.
class MatrixFile {
 public:
  // Maps `path`. Errors: kNotFound, kPermissionDenied; kDataLoss for a file that is no matrix, is
  // cut, or whose checksums are wrong; kFailedPrecondition for another version or byte order.
  [[nodiscard]] static Result<MatrixFile> Open(core::FileSystem& files, const std::string& path,
                                               Verify verify);
  // The same for a matrix inside other memory, which must outlive the object and start at a
  // multiple of 4 bytes.
  [[nodiscard]] static Result<MatrixFile> FromBytes(std::string_view bytes, Verify verify);

  [[nodiscard]] Element element() const { return element_; }
  [[nodiscard]] std::size_t dim() const { return dim_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  // What the rows mean, e.g. the encoder's name; chosen by the writer.
  [[nodiscard]] std::string_view label() const { return label_; }

  // Empty for the other kind of element.
  [[nodiscard]] std::span<const float> float_rows() const { return float_rows_; }
  [[nodiscard]] Int8Rows int8_rows() const { return int8_rows_; }

  // The k nearest rows of each query, over whichever element the matrix has; see TopKBatch.
  [[nodiscard]] Result<std::vector<Hit>> Search(std::span<const float> queries,
                                                std::size_t k) const;

 private:
  MatrixFile() = default;

  std::shared_ptr<core::MappedFile> mapped_;  // empty for FromBytes
  Element element_ = Element::kFloat32;
  std::size_t dim_ = 0;
  std::size_t rows_ = 0;
  std::string_view label_;
  std::span<const float> float_rows_;
  Int8Rows int8_rows_;
};

inline constexpr std::size_t kMaxLabelBytes = 64;

// The bytes of a matrix file. Errors: kInvalidArgument if shapes do not fit or the label is too
// long; kOutOfRange as TopK.
[[nodiscard]] Result<std::string> EncodeMatrix(std::span<const float> rows, std::size_t dim,
                                               std::string_view label);
[[nodiscard]] Result<std::string> EncodeMatrix(const Int8Rows& rows, std::size_t dim,
                                               std::string_view label);

}  // namespace assay::vector
