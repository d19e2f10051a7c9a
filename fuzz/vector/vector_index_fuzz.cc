// An index that the reader accepts can be searched and changed. The checksums are made right first,
// so that what stands behind them is reached.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "assay/core/hash.h"
#include "assay/vector/index.h"

namespace {

// Offsets of docs/formats/vector-index.md.
constexpr std::size_t kCodeHashAt = 80;
constexpr std::size_t kCodeBytesAt = 88;
constexpr std::size_t kHeaderHashAt = 176;
constexpr std::size_t kRowsBegin = 192;

void MakeChecksumsRight(char* bytes, std::size_t size) {
  if (size < kRowsBegin) return;
  std::uint64_t code_bytes = 0;
  std::memcpy(&code_bytes, bytes + kCodeBytesAt, sizeof(code_bytes));
  const std::size_t count = std::min<std::uint64_t>(code_bytes, size - kRowsBegin);
  const std::uint64_t code_hash = assay::core::HashBytes64({bytes + size - count, count});
  std::memcpy(bytes + kCodeHashAt, &code_hash, sizeof(code_hash));
  const std::uint64_t header_hash = assay::core::HashBytes64({bytes, kHeaderHashAt});
  std::memcpy(bytes + kHeaderHashAt, &header_hash, sizeof(header_hash));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint64_t> aligned(size / 8 + 1);
  if (size > 0) std::memcpy(aligned.data(), data, size);
  char* bytes = reinterpret_cast<char*>(aligned.data());
  MakeChecksumsRight(bytes, size);
  const auto index =
      assay::vector::Index::FromBytes({bytes, size}, "", assay::vector::Verify::kHeaderOnly);
  if (!index) return 0;
  const std::vector<float> row((*index)->options().dim, 0.5F);
  const auto hits = (*index)->Search(row, 3);
  if (!hits || hits->size() > 3) std::abort();
  if (!(*index)->Insert(7, row) || !(*index)->Contains(7) || !(*index)->Erase(7)) std::abort();
  if ((*index)->Contains(7)) std::abort();
  return 0;
}
