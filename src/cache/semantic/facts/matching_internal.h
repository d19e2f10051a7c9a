// The words of two questions laid against each other.
#pragma once
#include <cstdint>
#include <utility>
#include <vector>

#include "assay/cache/semantic/question.h"

namespace assay::cache::internal {

inline constexpr std::uint32_t kNoWord = 0xFFFFFFFF;

// What stands between two neighbouring pairs of words in the same order, on both sides.
struct Gap {
  std::uint32_t a_begin = 0, a_end = 0;
  std::uint32_t b_begin = 0, b_end = 0;
};

struct Matching {
  std::vector<std::uint32_t> of_a;  // the word of b that a word of a is matched with, or kNoWord
  std::vector<std::uint32_t> of_b;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> in_order;  // both indices rise
  std::vector<Gap> gaps;                                          // at least one side holds a word
};

// The same stem, or words that mean the same.
[[nodiscard]] bool Same(const QuestionWord& a, const QuestionWord& b);

// Words are matched whatever their place (`of_a`, `of_b`), each once; compounds ("pay slip",
// "payslip") and misspelled words too. `in_order` is the heaviest common subsequence (Needleman and
// Wunsch 1970 without gap cost). O(words squared).
[[nodiscard]] Matching Match(const Question& a, const Question& b);

}  // namespace assay::cache::internal
