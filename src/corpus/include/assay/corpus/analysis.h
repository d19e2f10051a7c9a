// assay/corpus/analysis.h: text to index terms.
// Room: corpus (uses core, text).  Threads: pure functions; an Analyzer is used by one thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::corpus {

// Named in every index; raised when terms change, so that an old index is rebuilt.
inline constexpr std::uint32_t kAnalysisVersion = 1;

// Terms are runs of letters and digits, case-folded, Latin accents removed, English inflection
// removed by Stem(); a number keeps its decimal point and loses its grouping commas ("1,234.50" ->
// "1234.50"); every CJK ideograph is a term. Stop words are left out.
class Analyzer {
 public:
  // Appends the terms of `text` to `terms`; the views are valid until the next call. Invalid UTF-8
  // separates words. O(n) time; no allocation after warm-up.
  void Analyze(std::string_view text, std::vector<std::string_view>& terms);

 private:
  std::string buffer_;
};

// Strips English inflection from a lower-case ASCII word in place and returns the new length; words
// with other bytes, digits or fewer than 4 letters stay as they are.
[[nodiscard]] std::size_t Stem(char* word, std::size_t length);

// Articles, prepositions, pronouns and auxiliaries that carry no topic. "no", "not" are no stop
// words.
[[nodiscard]] bool IsStopWord(std::string_view lower_case);

}  // namespace assay::corpus
