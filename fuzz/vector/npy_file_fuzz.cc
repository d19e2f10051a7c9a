// An array that the reader accepts has as many values as its shape says.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/vector/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = assay::vector::NpyFile::FromBytes({reinterpret_cast<const char*>(data), size});
  if (!file) return 0;
  const std::size_t values = file->rows() * file->dim();
  const auto floats = file->ToFloats();
  const auto integers = file->ToIntegers();
  if (floats.has_value() == integers.has_value()) std::abort();
  if (floats && floats->size() != values) std::abort();
  if (integers && integers->size() != values) std::abort();
  return 0;
}
