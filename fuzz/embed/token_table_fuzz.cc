// A table that the reader accepts can be summed over any of its rows.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "static_kernels.h"
#include "token_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint64_t> aligned(size / 8 + 1);
  if (size > 0) std::memcpy(aligned.data(), data, size);
  const auto table =
      assay::embed::internal::ReadTokenTable({reinterpret_cast<const char*>(aligned.data()), size});
  if (!table) return 0;
  const std::vector<std::int32_t> ids = {0, static_cast<std::int32_t>(table->rows - 1),
                                         static_cast<std::int32_t>(table->rows / 2)};
  std::vector<float> out(table->dim);
  assay::embed::internal::SumRows(*table, ids, out);
  return 0;
}
