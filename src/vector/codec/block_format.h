// codec/block_format.h: what encoder and decoder of a block share. Format:
// docs/formats/vector-block.md.
// Room: vector, private.  Threads: pure functions.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace assay::vector::internal {

enum class BlockKind : std::uint8_t { kStored = 0, kCoded = 1, kScaled = 2, kDivided = 3 };

inline constexpr std::array<char, 4> kBlockMagic = {'A', 'V', 'F', 'B'};
inline constexpr unsigned kMaxSymbolBits = 12;
inline constexpr unsigned kMaxContexts = 4;
inline constexpr std::uint16_t kNoEscape = 0xffff;
inline constexpr std::size_t kChunkValues = 320;  // of a row: their slots and floats stay in L1
inline constexpr std::size_t kReadSlack = 8;      // bytes behind the codes that may be read

struct BlockHeader {
  std::array<char, 4> magic;
  std::uint8_t version;
  BlockKind kind;
  std::uint8_t symbol_bits;
  std::uint8_t raw_nibbles;
  std::uint32_t dim;
  std::uint32_t rows;
  std::uint8_t contexts;
  std::uint8_t length_bytes;  // of each row's code length: 0, 1, 2 or 4
  std::uint8_t precision;
  std::uint8_t reserved;     // 0
  std::uint32_t least_code;  // bytes of the shortest row's code
  std::uint16_t runs;        // of consecutive symbols
  std::uint16_t escape;      // the symbol that stands for rare ones; kNoEscape
  std::uint32_t code_bytes;  // of all rows
};
static_assert(sizeof(BlockHeader) == 32);

// A stretch of symbols that occur.
struct SymbolRun {
  std::uint16_t first;
  std::uint16_t count;
};
static_assert(sizeof(SymbolRun) == 4);

// How a value's 32 bits are divided.
struct ValueLayout {
  unsigned symbol_bits = 0;
  unsigned raw_nibbles = 0;

  [[nodiscard]] constexpr bool has16() const { return (raw_nibbles & 4U) != 0; }
  [[nodiscard]] constexpr bool has8() const { return (raw_nibbles & 2U) != 0; }
  [[nodiscard]] constexpr bool has4() const { return (raw_nibbles & 1U) != 0; }
  [[nodiscard]] constexpr unsigned raw_bits() const { return 4 * raw_nibbles; }
  [[nodiscard]] constexpr unsigned symbol_shift() const { return 32 - symbol_bits; }
  [[nodiscard]] constexpr unsigned zeros() const { return symbol_shift() - raw_bits(); }
  // Of the raw bits of `values` values in rows of `dim`.
  [[nodiscard]] constexpr std::uint64_t PlaneBytes(std::uint64_t rows, std::uint64_t dim) const {
    return rows * ((has16() ? 2 * dim : 0) + (has8() ? dim : 0) + (has4() ? (dim + 1) / 2 : 0));
  }
};

// Padding that lets eight bytes be read wherever a code begins.
[[nodiscard]] constexpr std::uint64_t SlackBytes(std::uint64_t plane_bytes) {
  return plane_bytes >= kReadSlack ? 0 : kReadSlack - plane_bytes;
}

}  // namespace assay::vector::internal
