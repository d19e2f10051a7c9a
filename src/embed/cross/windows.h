// From a pair of texts to the token sequences that a cross-encoder reads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "assay/text/span.h"
#include "assay/text/wordpiece.h"

namespace assay::embed::internal {

inline constexpr std::size_t kPairSpecialTokens = 3;  // [CLS] and two [SEP]

// A claim as pieces, and the word to which each piece belongs.
struct ClaimPieces {
  std::vector<std::int32_t> ids;
  std::vector<std::uint32_t> word_of;  // [ids]
  std::vector<text::Span> words;       // bytes of the claim; may be empty: only punctuation
};

// Splits at ASCII white space, which the tokenizer never joins again: the pieces are those of the
// whole text. A word's span leaves out ASCII punctuation at its ends, unless it is nothing else.
[[nodiscard]] ClaimPieces SplitClaim(const text::WordPiece& tokenizer, std::string_view claim);

// Pieces [begin, begin + size) of a longer sequence.
struct Cut {
  std::size_t begin = 0;
  std::size_t size = 0;
  friend bool operator==(const Cut&, const Cut&) = default;
};

// Parts of at most `most` pieces that cover `size` pieces without overlap, as even as can be.
// Nothing for nothing. Requires: most >= 1.
[[nodiscard]] std::vector<Cut> CutParts(std::size_t size, std::size_t most);

// Windows of at most `room` pieces that cover `size` pieces and overlap by a quarter of `room`; the
// last one is moved back so that it is full. One (empty) window for nothing. Requires: room >= 1.
[[nodiscard]] std::vector<Cut> CutWindows(std::size_t size, std::size_t room);

}  // namespace assay::embed::internal
