// A block that the reader accepts gives the same rows one by one and at once; and whatever values
// are encoded come back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "assay/vector/float_codec.h"

namespace {

namespace vector = assay::vector;

constexpr std::size_t kMostValues = 1 << 16;  // a few bytes can stand for very many

void Decode(std::string_view bytes) {
  const auto block = vector::FloatBlock::Open(bytes);
  if (!block || block->rows() * block->dim() > kMostValues) return;
  std::vector<float> all(block->rows() * block->dim());
  const bool whole = block->Decode(0, all).has_value();
  std::vector<float> one(block->dim());
  bool each = true;
  for (std::size_t r = 0; r < block->rows(); ++r) {
    each = block->Decode(r, one).has_value() && each;
    if (std::memcmp(one.data(), all.data() + r * one.size(), one.size() * sizeof(float)) != 0) {
      std::abort();
    }
  }
  if (whole != each) std::abort();
}

void Encode(std::string_view bytes, std::size_t dim) {
  std::vector<float> rows(bytes.size() / sizeof(float) / dim * dim);
  if (rows.empty()) return;
  std::memcpy(rows.data(), bytes.data(), rows.size() * sizeof(float));
  const auto encoded = vector::EncodeFloatBlock(rows, dim);
  if (!encoded) std::abort();
  const auto block = vector::FloatBlock::Open(*encoded);
  std::vector<float> back(rows.size());
  if (!block || !block->Decode(0, back) ||
      std::memcmp(back.data(), rows.data(), rows.size() * sizeof(float)) != 0) {
    std::abort();
  }
}

}  // namespace

// The first byte chooses the direction, and the number of dimensions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 0) {
    Decode(rest);
  } else {
    Encode(rest, data[0]);
  }
  return 0;
}
