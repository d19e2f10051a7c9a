// For each symbol of a pattern the places at which it stands, as bits.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "similarity/symbols_internal.h"

namespace assay::text::internal {

inline constexpr std::size_t kBits = 64;

class PatternMasks {
 public:
  explicit PatternMasks(std::u32string_view pattern)
      : blocks_((pattern.size() + kBits - 1) / kBits), rows_(blocks_) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const std::size_t symbol = symbols_.Add(pattern[i]);
      if ((symbol + 2) * blocks_ > rows_.size()) rows_.resize((symbol + 2) * blocks_);
      rows_[(symbol + 1) * blocks_ + i / kBits] |= std::uint64_t{1} << (i % kBits);
    }
  }

  [[nodiscard]] std::size_t blocks() const { return blocks_; }
  // [blocks()]; zeros for a code point that the pattern lacks.
  [[nodiscard]] const std::uint64_t* Row(char32_t c) const {
    const std::uint32_t symbol = symbols_.Find(c);
    return rows_.data() + (symbol == kNoSymbol ? 0 : (symbol + 1) * blocks_);
  }

 private:
  std::size_t blocks_;
  Symbols symbols_;
  std::vector<std::uint64_t> rows_;  // [1 + symbols][blocks]; the first is empty
};

}  // namespace assay::text::internal
