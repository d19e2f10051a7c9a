// codec/huffman.h: prefix codes of at most 11 bits, decoded with one look-up a symbol.
// Room: vector, private.  Threads: pure functions.
// Method: package-merge (Larmore and Hirschberg 1990), canonical codes, low bit first as in RFC
// 1951.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::vector::internal {

inline constexpr unsigned kMaxCodeBits = 11;  // a table of 4 KB: four of them stay in L1
inline constexpr std::size_t kTableSlots = std::size_t{1} << kMaxCodeBits;
inline constexpr unsigned kLengthBits = 4;        // of a table slot; the symbol stands above them
inline constexpr std::size_t kMaxSymbols = 1536;  // of one code; beyond, 11 bits code badly

// Optimal lengths for the counts, 0 where the count is 0; 1 for a symbol that is alone.
// Requires: at most kMaxSymbols counts are not 0.
[[nodiscard]] std::vector<std::uint8_t> CodeLengths(std::span<const std::uint32_t> counts);

// The codes of those lengths, first bit lowest; 0 bits for a symbol that is alone.
[[nodiscard]] std::vector<std::uint16_t> CanonicalCodes(std::span<const std::uint8_t> lengths);

// Fills the kTableSlots slots with symbol << kLengthBits | length. A symbol that is alone takes no
// bits. False when the lengths are not those of a whole code.
[[nodiscard]] bool FillTable(std::span<const std::uint16_t> symbols,
                             std::span<const std::uint8_t> lengths, std::span<std::uint16_t> table);

}  // namespace assay::vector::internal
