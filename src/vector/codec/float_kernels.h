// codec/float_kernels.h: the loops over values that run on vectors of the processor.
// Room: vector, private.  Threads: pure functions.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "codec/block_format.h"

namespace assay::vector::internal {

// Where the parts of a value stand, from the top: symbol, 4 raw bits, 8 raw bits, 16 raw bits,
// zeros. A plane that a block lacks is null.
struct ValueParts {
  const std::uint16_t* slots = nullptr;   // symbol << 4 | length, as the tables hold them
  const std::uint8_t* plane16 = nullptr;  // 2 bytes a value, any alignment
  const std::uint8_t* plane8 = nullptr;
  const std::uint8_t* plane4 = nullptr;  // one byte a value, of which one half counts
  unsigned half_shift = 0;               // 0: the low half of plane4's bytes, 4: the high one
  unsigned symbol_shift = 0;             // 32 - bits of the symbol
  unsigned zeros = 0;                    // bits at the end that are 0
};

// out[i] = the value that the parts at i make, i < count.
void AssembleFloats(const ValueParts& parts, std::size_t count, float* out);

// out[i] = (symbol[i] - 128) * scale, or / scale; -0 for the symbol kMinusZero.
inline constexpr unsigned kMinusZero = 256;
void AssembleScaled(const std::uint16_t* slots, std::size_t count, float scale, bool divide,
                    float* out);

// The codes of a block, and where each dimension finds its table.
struct CodeStreams {
  const char* codes = nullptr;
  std::uint64_t last_word = 0;  // the last place at which eight bytes can be read
  const std::uint16_t* const* table_of_dim = nullptr;  // from the first value to decode on
};

inline constexpr std::size_t kGroupRows = 8;  // decoded side by side, so that look-ups overlap
using SlotRow = std::array<std::uint16_t, kChunkValues>;

// Decodes the next `count` values of one row or of kGroupRows rows, whose codes go on at the bits
// `bit` of the streams; moves those on. A place past the last readable word, which only damage
// leads to, is moved back.
void DecodeSlots(const CodeStreams& streams, std::size_t rows, std::size_t count,
                 std::uint64_t* bit, SlotRow* slots);

// Where the symbol stands: writes the places, rising, and returns how many there are.
// Requires: room for `count`.
[[nodiscard]] std::size_t FindSymbol(const std::uint16_t* slots, std::size_t count,
                                     std::uint16_t symbol, std::uint16_t* places);

// The bits that any value has.
[[nodiscard]] std::uint32_t OrOfBits(const float* values, std::size_t count);

void XorBits(const float* a, const float* b, std::size_t count, float* out);

}  // namespace assay::vector::internal
