// assay/vector/npy.h: matrices of NumPy's .npy files, used in place.
// Room: vector (uses core).  Threads: an NpyFile never changes and may be shared.
// Format: numpy.lib.format, versions 1.0 to 3.0; little-endian, C order, one or two dimensions.
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

namespace assay::vector {

enum class NpyElement : std::uint8_t { kFloat16, kFloat32, kFloat64, kInt32, kInt64 };

class NpyFile {
 public:
  // Maps `path`. Errors: kNotFound, kPermissionDenied; kInvalidArgument for a file that is no .npy
  // file or of a kind that is not read here (the message says which); kDataLoss for one that is
  // shorter or longer than its header says.
  [[nodiscard]] static Result<NpyFile> Open(core::FileSystem& files, const std::string& path);
  // The same for bytes in memory, which must outlive the object.
  [[nodiscard]] static Result<NpyFile> FromBytes(std::string_view bytes);

  [[nodiscard]] NpyElement element() const { return element_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t dim() const { return dim_; }  // 1 for an array of one dimension

  // The values as they stand, [rows() * dim()]; empty where they are of another kind or not at a
  // multiple of 4 bytes. Lives as long as the object and its copies.
  [[nodiscard]] std::span<const float> float_values() const;
  // The values converted. Errors: kInvalidArgument for integers.
  [[nodiscard]] Result<std::vector<float>> ToFloats() const;
  // Errors: kInvalidArgument for floats.
  [[nodiscard]] Result<std::vector<std::int64_t>> ToIntegers() const;

 private:
  NpyFile() = default;

  std::shared_ptr<core::MappedFile> mapped_;  // empty for FromBytes
  NpyElement element_ = NpyElement::kFloat32;
  std::size_t rows_ = 0;
  std::size_t dim_ = 1;
  std::string_view values_;
};

// The first row with a value that is not finite, described; kInvalidArgument if there is one.
// Shape: values [n * dim].
[[nodiscard]] Result<void> CheckFinite(std::span<const float> values, std::size_t dim);

}  // namespace assay::vector
