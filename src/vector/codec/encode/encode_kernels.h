// codec/encode/encode_kernels.h: the loops over values of the encoder.
// Room: vector, private.  Threads: pure functions.
#pragma once
#include <cstddef>
#include <cstdint>

#include "codec/block_format.h"

namespace assay::vector::internal {

// symbols[i] = the bits of values[i] from `shift` on. Requires: shift >= 16.
void SplitSymbols(const float* values, std::size_t count, unsigned shift, std::uint16_t* symbols);

// Where the raw bits of a row go; a plane that a block lacks is null.
struct RowPlanes {
  char* plane16 = nullptr;  // 2 bytes a value, any alignment
  char* plane8 = nullptr;
  char* plane4 = nullptr;  // ceil(dim / 2) bytes
};
void SplitRawBits(const float* row, std::size_t dim, const ValueLayout& layout,
                  const RowPlanes& planes);

// A code as the writer looks it up: its bits, their number above them, and whether the symbol
// itself follows.
using CodeWord = std::uint16_t;
inline constexpr unsigned kCodeLengthShift = 11;
inline constexpr CodeWord kEscapedWord = 0x8000;

struct CodeWords {
  const CodeWord* words = nullptr;         // [contexts << word_bits]
  const std::uint8_t* groups = nullptr;    // [dim]
  unsigned word_bits = 0;                  // of a symbol that `words` is indexed by
  const std::uint16_t* symbols = nullptr;  // [dim] of the row
  unsigned dropped = 0;                    // bits at the end of `symbols` that are no part of them
};
// The codes of a row, chunk by chunk, and behind each chunk the symbols that are escaped in it;
// returns how many bytes they take. Requires: 4 bytes a value + kReadSlack at `out`.
[[nodiscard]] std::size_t WriteRowCodes(const CodeWords& codes, std::size_t dim, char* out);

// Whether (value / scale), or (value * scale) where `divided`, are integers in [-128, 127] that
// restore every bit of the row; symbols[i] is then the integer + 128, or kMinusZero.
[[nodiscard]] bool FitsScale(const float* row, std::size_t dim, float scale, bool divided,
                             std::uint16_t* symbols);

// The smallest magnitude above 0 (FLT_MAX where there is none) and the largest one of a row.
struct Magnitudes {
  float least = 0;
  float most = 0;  // a NaN or infinity where the row has one
};
[[nodiscard]] Magnitudes MagnitudesOf(const float* row, std::size_t dim);

// out[j] = the dot product of values and rows[j * count...], j < row_count.
// Requires: count is a multiple of kDotStep.
inline constexpr std::size_t kDotStep = 16;
void DotWithEach(const float* values, const float* rows, std::size_t count, std::size_t row_count,
                 float* out);

}  // namespace assay::vector::internal
