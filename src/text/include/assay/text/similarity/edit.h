// assay/text/similarity/edit.h: how alike two strings are, character by character.
// Room: text (uses core).  Threads: pure functions.
// Strings are UTF-8 and compared by Unicode code points; each ill-formed part counts as one U+FFFD.
// Values are those of rapidfuzz 3 (tests/text/similarity_peer_test.py compares them).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::text {

// The code points of `text`. O(n).
[[nodiscard]] std::u32string ToCodePoints(std::string_view text);

// Fewest insertions, deletions and substitutions of one code point that turn a into b.
// Method: bit-parallel columns of the distance matrix (Myers 1999; Hyyrö 2003, section 5, for
// blocks of 64 rows). O(min * ceil(max / 64)) with the common ends left out; O(max) space.
[[nodiscard]] std::size_t LevenshteinDistance(std::u32string_view a, std::u32string_view b);

// Length of the longest common subsequence. Method: bit-parallel (Hyyrö 2004). Same cost.
[[nodiscard]] std::size_t LcsLength(std::u32string_view a, std::u32string_view b);

// Jaro 1989: m matches within half the longer length, t of them out of order, give
// (m/|a| + m/|b| + (m-t)/m) / 3 in [0, 1]; two empty strings are equal. Not symmetric in rare
// cases.
[[nodiscard]] double JaroSimilarity(std::u32string_view a, std::u32string_view b);

// Winkler 1990: what two strings with a Jaro similarity above 0.7 share in their first four code
// points brings them nearer, by 0.1 a code point.
[[nodiscard]] double JaroWinklerSimilarity(std::u32string_view a, std::u32string_view b);

// Similarities in [0, 1]; 1 for two equal strings, also for two empty ones.
enum class EditMeasure : std::uint8_t {
  kLevenshtein,  // 1 - LevenshteinDistance / longer length
  kIndel,        // 1 - (|a| + |b| - 2 LcsLength) / (|a| + |b|); rapidfuzz's fuzz.ratio / 100
  kLcs,          // LcsLength / longer length
  kJaro,
  kJaroWinkler,
};

[[nodiscard]] double EditSimilarity(std::string_view a, std::string_view b, EditMeasure measure);

// All pairs of n texts. Returns [n * n] row-major, symmetric, 1 on the diagonal; the value of a
// pair is that of EditSimilarity(texts[i], texts[j]) for i < j, to the last bit and on every CPU.
// kLevenshtein, kIndel and kLcs take several pairs at a time, one in each 64-bit SIMD lane.
// `threads`: 1 runs in the calling thread, 0 on all cores. Space O(n^2 + total length).
[[nodiscard]] std::vector<double> EditMatrix(std::span<const std::string_view> texts,
                                             EditMeasure measure, unsigned threads = 1);

// One text against many, in their order: EditSimilarity(text, others[i]).
[[nodiscard]] std::vector<double> EditRow(std::string_view text,
                                          std::span<const std::string_view> others,
                                          EditMeasure measure);

}  // namespace assay::text
