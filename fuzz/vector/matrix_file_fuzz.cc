// A matrix that the reader accepts can be searched.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "assay/vector/matrix_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint64_t> aligned(size / 8 + 1);
  if (size > 0) std::memcpy(aligned.data(), data, size);
  const auto file = assay::vector::MatrixFile::FromBytes(
      {reinterpret_cast<const char*>(aligned.data()), size}, assay::vector::Verify::kHeaderOnly);
  if (!file) return 0;
  const std::vector<float> query(file->dim(), 0.5F);
  const auto hits = file->Search(query, 3);
  if (!hits || hits->size() != std::min<std::size_t>(3, file->rows())) std::abort();
  return 0;
}
