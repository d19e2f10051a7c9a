// assay/vector/float_codec.h: float32 vectors in fewer bytes, bit for bit.
// Room: vector (uses core).  Threads: pure functions; a FloatBlock never changes and may be shared.
// Format: docs/formats/vector-block.md.
// Method: sign, exponent and the first mantissa bits of a value are one symbol with a prefix code
// that depends on the group of its dimension; what follows is noise and stays as it is. Time
// O(values).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::vector {

namespace internal {
class BlockDecoder;
}  // namespace internal

inline constexpr std::uint8_t kFloatBlockVersion = 1;
inline constexpr std::size_t kMaxBlockValues = std::size_t{1} << 28;  // 1 GB as float32

// What the values of a block turned out to be; each is narrower than the one before.
enum class Precision : std::uint8_t {
  kFloat32 = 0,   // bits are used that the others lack
  kFloat16 = 1,   // at most 10 bits of mantissa
  kBfloat16 = 2,  // at most 7 bits of mantissa
  kInt8 = 3,      // in each row, integers in [-128, 127] times, or divided by, one number
};

// "float32", "float16", "bfloat16", "int8".
[[nodiscard]] std::string_view NameOf(Precision precision);

// Encodes rows so that every bit comes back: NaN payloads, -0 and denormals too. The precision of
// the block is the widest of its rows. Never more than 32 bytes above 4 bytes a value.
// Shapes: rows [n * dim] row-major. Errors: kInvalidArgument if the shapes do not fit or there is
// no row; kOutOfRange if dim is 0 or above kMaxDim, or there are more than kMaxBlockValues values.
[[nodiscard]] Result<std::string> EncodeFloatBlock(std::span<const float> rows, std::size_t dim);

// An encoded block, ready to give out any of its rows. Holds at most 16 KB of decoding tables, 4
// bytes a row and 4 bytes a dimension. Copies share them.
class FloatBlock {
 public:
  // `bytes` must outlive the block. Nothing outside of them is read, whatever they are.
  // Errors: kDataLoss if they are no whole block; kFailedPrecondition for another version.
  [[nodiscard]] static Result<FloatBlock> Open(std::string_view bytes);

  [[nodiscard]] std::size_t dim() const;
  [[nodiscard]] std::size_t rows() const;
  [[nodiscard]] Precision precision() const;

  // Decodes rows first, first + 1, ... and nothing else. Shapes: out [n * dim()].
  // Errors: kInvalidArgument if out.size() is no multiple of dim(); kOutOfRange past the last row;
  // kDataLoss when a row's code does not end where it must.
  [[nodiscard]] Result<void> Decode(std::size_t first, std::span<float> out) const;

 private:
  explicit FloatBlock(std::shared_ptr<const internal::BlockDecoder> decoder)
      : decoder_(std::move(decoder)) {}
  std::shared_ptr<const internal::BlockDecoder> decoder_;
};

// out[i] = a[i] ^ b[i], bit by bit: the difference of two versions of a vector, and back again.
// Requires: all have the same size. `out` may be `a` or `b`.
void XorFloats(std::span<const float> a, std::span<const float> b, std::span<float> out);

}  // namespace assay::vector
