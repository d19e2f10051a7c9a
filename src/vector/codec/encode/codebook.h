// codec/encode/codebook.h: the prefix codes of a block, chosen from counts alone.
// Room: vector, private.  Threads: pure functions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "codec/block_format.h"
#include "codec/encode/encode_kernels.h"

namespace assay::vector::internal {

// How often each symbol occurs in each group of dimensions.
struct SymbolCounts {
  std::size_t contexts = 1;
  unsigned symbol_bits = 0;
  std::vector<std::uint32_t> counts;  // [contexts << symbol_bits]

  [[nodiscard]] std::size_t range() const { return std::size_t{1} << symbol_bits; }
  [[nodiscard]] std::span<const std::uint32_t> Of(std::size_t context) const {
    return std::span(counts).subspan(context * range(), range());
  }
};

// Shapes: symbols [n * dim], each below 2^symbol_bits; groups [dim], numbered without gaps.
[[nodiscard]] SymbolCounts CountSymbols(std::span<const std::uint16_t> symbols,
                                        std::span<const std::uint8_t> groups, unsigned symbol_bits);
// The counts without the last bits of every symbol.
[[nodiscard]] SymbolCounts Narrowed(const SymbolCounts& counts, unsigned dropped_bits);
// The counts of all groups as one.
[[nodiscard]] SymbolCounts Together(const SymbolCounts& counts);

// One code for each group of dimensions.
struct Codebook {
  std::size_t contexts = 1;
  std::vector<SymbolRun> runs;
  std::vector<std::uint16_t> symbols;              // that have a code, rising
  std::vector<std::vector<std::uint8_t>> lengths;  // [contexts][symbols]
  std::uint16_t escape = kNoEscape;
  double bits = 0;  // of all codes and escaped symbols

  // In a block of vectors of `dim` dimensions.
  [[nodiscard]] std::size_t TableBytes(std::size_t dim) const {
    return runs.size() * sizeof(SymbolRun) + (symbols.size() * contexts + 1) / 2 +
           (contexts > 1 ? (dim + 3) / 4 : 0);
  }
  [[nodiscard]] double Bytes(std::size_t dim) const {
    return bits / 8 + static_cast<double>(TableBytes(dim));
  }
};

// The shortest code that takes less than `below` bytes, of several ways to escape what is rare;
// nullopt when there is none. Time: none to speak of where even the entropy is above `below`.
[[nodiscard]] std::optional<Codebook> BestCodebook(const SymbolCounts& counts, std::size_t dim,
                                                   double below);

// What WriteRowCodes() looks up: [contexts << symbol_bits].
[[nodiscard]] std::vector<CodeWord> WordsOf(const Codebook& book, unsigned symbol_bits);

}  // namespace assay::vector::internal
