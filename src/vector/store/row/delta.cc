#include "store/row/delta.h"

#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "assay/vector/float_codec.h"

#include "store/row/packed_delta.h"

namespace assay::vector::internal {
namespace {

std::string SparseOf(std::span<const float> delta) {
  std::string bytes((delta.size() + 7) / 8, '\0');
  for (std::size_t i = 0; i < delta.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(delta[i]);
    if (bits == 0) continue;
    bytes[i / 8] = static_cast<char>(static_cast<unsigned char>(bytes[i / 8]) | 1U << i % 8);
    bytes.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
  return bytes;
}

std::unexpected<Error> Damaged() {
  return Fail(Code::kDataLoss, "a stored vector does not have its form");
}

Result<void> RestoreSparse(std::string_view bytes, std::span<float> out) {
  const std::size_t map_bytes = (out.size() + 7) / 8;
  if (bytes.size() < map_bytes) return Damaged();
  std::size_t at = map_bytes;
  for (std::size_t byte = 0; byte < map_bytes; ++byte) {
    for (unsigned map = static_cast<unsigned char>(bytes[byte]); map != 0; map &= map - 1) {
      const std::size_t i = byte * 8 + static_cast<std::size_t>(std::countr_zero(map));
      if (i >= out.size() || bytes.size() - at < sizeof(std::uint32_t)) return Damaged();
      std::uint32_t bits = 0;
      std::memcpy(&bits, bytes.data() + at, sizeof(bits));
      at += sizeof(bits);
      bits ^= std::bit_cast<std::uint32_t>(out[i]);
      std::memcpy(&out[i], &bits, sizeof(bits));
    }
  }
  return at == bytes.size() ? Result<void>() : Damaged();
}

}  // namespace

StoredRow StoreRow(std::span<const float> vector, std::span<const float> base) {
  StoredRow plain{.form = RowForm::kPlain,
                  .bytes = {reinterpret_cast<const char*>(vector.data()), vector.size_bytes()}};
  if (base.empty()) return plain;
  std::vector<float> delta(vector.size());
  XorFloats(vector, base, delta);
  StoredRow best{.form = RowForm::kSparseDelta, .bytes = SparseOf(delta)};
  if (std::string packed = PackDelta(delta); packed.size() < best.bytes.size()) {
    best = {.form = RowForm::kPackedDelta, .bytes = std::move(packed)};
  }
  return best.bytes.size() <= plain.bytes.size() / 4 * 3 ? best : plain;
}

Result<void> RestoreRow(RowForm form, std::string_view bytes, std::span<float> out) {
  switch (form) {
    case RowForm::kPlain:
      if (bytes.size() != out.size_bytes()) return Damaged();
      std::memcpy(out.data(), bytes.data(), bytes.size());
      return {};
    case RowForm::kSparseDelta:
      return RestoreSparse(bytes, out);
    case RowForm::kBlockDelta: {
      ASSAY_ASSIGN(const FloatBlock block, FloatBlock::Open(bytes));
      if (block.dim() != out.size() || block.rows() != 1) return Damaged();
      std::vector<float> delta(out.size());
      ASSAY_TRY(block.Decode(0, delta));
      XorFloats(out, delta, out);
      return {};
    }
    case RowForm::kPackedDelta:
      return XorPackedDelta(bytes, out) ? Result<void>() : Damaged();
    case RowForm::kErased:
      break;
  }
  return Damaged();
}

}  // namespace assay::vector::internal
