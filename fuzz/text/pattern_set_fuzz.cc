// Compiles the patterns that the input holds and compares every answer with the naive matcher.
//
// Input: lines, the first ones patterns: "L" or "l" literals (with, without case), "W" whole words,
// "R" or "r" expressions; a line that begins otherwise ends them, and the rest is text.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "patterns/naive_matcher.h"

using assay::text::Pattern;
using assay::text::PatternKind;
using assay::text::PatternMatch;
using assay::text::PatternSet;
using assay::text::Span;

namespace {

constexpr std::size_t kMaxInput = 512;  // the naive matcher is exponential in nested repetitions
constexpr std::size_t kMaxExpression = 24;
constexpr std::size_t kMaxText = 160;
constexpr std::size_t kMaxRepetitions = 3;  // of '*', '+', '?', '{' in one expression: as above
constexpr std::size_t kMaxStates = 300;

std::string_view TakeLine(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

bool IsCheap(std::string_view expression) {
  const auto repetitions = std::ranges::count_if(
      expression, [](char c) { return c == '*' || c == '+' || c == '?' || c == '{'; });
  // A bound of two digits or more makes the naive matcher's recursion deep.
  const auto digits_in_bounds =
      expression.find('{') == std::string_view::npos
          ? 0
          : std::ranges::count_if(expression, [](char c) { return c >= '0' && c <= '9'; });
  return expression.size() <= kMaxExpression &&
         static_cast<std::size_t>(repetitions) <= kMaxRepetitions && digits_in_bounds <= 2;
}

void Check(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > kMaxInput) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<Pattern> patterns;
  while (!rest.empty() && std::string_view("LlWRr").find(rest.front()) != std::string_view::npos) {
    const std::string_view line = TakeLine(rest);
    const char kind = line.front();
    const bool regex = kind == 'R' || kind == 'r';
    if (regex && !IsCheap(line.substr(1))) return 0;
    patterns.push_back({std::string(line.substr(1)),
                        regex ? PatternKind::kRegex : PatternKind::kLiteral,
                        kind == 'l' || kind == 'r' || kind == 'W', kind == 'W'});
  }
  const auto set = PatternSet::Compile(patterns, {.max_dfa_states = kMaxStates});
  if (!set) return 0;
  const std::string_view text = rest.substr(0, kMaxText);
  const assay::text::patterns::NaiveMatcher naive(patterns);

  const std::vector<PatternMatch> expected = naive.FindAll(text);
  std::vector<PatternMatch> found;
  set->FindAll(text, found);
  Check(found == expected);

  // As one piece, and cut in three with the middle third left out.
  const auto end = static_cast<std::uint32_t>(text.size());
  const std::vector<Span> pieces = {{0, end / 3}, {end - end / 3, end}};
  const std::size_t words = set->words_per_text();
  std::vector<std::uint64_t> bits(words * 2, ~std::uint64_t{0});
  set->Match(text, std::span(bits).first(words));
  Check(std::ranges::equal(std::span(bits).first(words), naive.Match(text)));
  set->MatchBatch(text, pieces, bits);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Check(std::ranges::equal(std::span(bits).subspan(i * words, words),
                             naive.Match(pieces[i].of(text))));
  }
  return 0;
}
