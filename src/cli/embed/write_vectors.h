// Vectors and their ids as files.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "assay/core/result.h"

#include "embed/jsonl_texts.h"

namespace assay::cli {

// A NumPy array (.npy, format 1.0, '<f4', [rows, dim]) where the name ends so, else a matrix file
// with `label`, which is shortened to what fits. The file is replaced in one step. Errors: those of
// the disk.
[[nodiscard]] Result<void> WriteVectors(const std::string& path, std::span<const float> rows,
                                        std::size_t dim, std::string_view label);

// {"row": 0, "id": "..."} a line.
[[nodiscard]] Result<void> WriteIds(const std::string& path, std::span<const TextLine> texts);

}  // namespace assay::cli
