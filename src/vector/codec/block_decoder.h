// codec/block_decoder.h: the working part of FloatBlock.
// Room: vector, private.  Threads: const calls from many.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/vector/float_codec.h"

#include "codec/block_format.h"

namespace assay::vector::internal {

class BlockDecoder {
 public:
  BlockDecoder() = default;
  BlockDecoder(const BlockDecoder&) = delete;  // points into itself
  BlockDecoder& operator=(const BlockDecoder&) = delete;
  [[nodiscard]] Result<void> Open(std::string_view bytes);
  [[nodiscard]] Result<void> Decode(std::size_t first, std::span<float> out) const;

  [[nodiscard]] std::size_t dim() const { return dim_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] Precision precision() const { return precision_; }

 private:
  // Takes sections off the front of the bytes.
  class Sections;

  [[nodiscard]] Result<void> CheckHeader(const BlockHeader& header, std::size_t size_bytes);
  [[nodiscard]] Result<void> ReadTables(const BlockHeader& header, Sections& sections);
  [[nodiscard]] Result<void> ReadRowStarts(const BlockHeader& header, Sections& sections);
  // `count` is 1 or kGroupRows. False where a row's code does not end where it must.
  [[nodiscard]] bool DecodeGroup(std::size_t first, std::size_t count, float* out) const;
  // Puts the escaped symbols of a chunk in their places; they stand behind its codes, at `bit`.
  void Unescape(std::size_t values, std::uint16_t* slots, std::uint64_t& bit) const;
  void Assemble(std::size_t row, std::size_t begin, std::size_t count, const std::uint16_t* slots,
                float* out) const;

  std::size_t dim_ = 0;
  std::size_t rows_ = 0;
  BlockKind kind_ = BlockKind::kStored;
  Precision precision_ = Precision::kFloat32;
  ValueLayout layout_;
  std::uint16_t escape_ = kNoEscape;
  std::vector<std::uint16_t> tables_;               // [contexts * kTableSlots]
  std::vector<const std::uint16_t*> table_of_dim_;  // [dim] into tables_
  std::vector<std::uint32_t> row_starts_;           // [rows + 1] bytes from the first code
  std::string_view codes_;                          // and at least kReadSlack bytes behind them
  const std::uint8_t* scales_ = nullptr;            // [rows] float32
  const std::uint8_t* stored_ = nullptr;            // [rows * dim] float32
  const std::uint8_t* plane16_ = nullptr;           // [rows * dim] u16
  const std::uint8_t* plane8_ = nullptr;            // [rows * dim]
  const std::uint8_t* plane4_ = nullptr;            // [rows * ceil(dim / 2)]
};

}  // namespace assay::vector::internal
