#include <algorithm>
#include <string>
#include <string_view>

#include "semantic/facts/lexicon_internal.h"
#include "semantic/facts/matching_internal.h"

namespace assay::cache::internal {
namespace {

constexpr float kOrderFloor = 0.15F;  // what a function word counts in the common subsequence

std::string Bare(const Question& question, std::size_t begin, std::size_t end) {
  std::string bare;
  for (std::size_t i = begin; i < end; ++i) {
    for (const char c : question.words[i].lower) {
      if (c != '-' && c != ' ' && c != '\'') bare += c;
    }
  }
  return bare;
}

// Levenshtein distance, at most `limit + 1`. O(length squared) of short words.
std::size_t EditDistance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit) return limit + 1;
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

// One is a word and the other, which is none, is spelled nearly like it.
bool IsMisspelling(const QuestionWord& x, const QuestionWord& y) {
  constexpr float kUnknown = 3.05F;  // text::RarityOf of a word that is not in its list is 3.1
  if ((x.rarity >= kUnknown) == (y.rarity >= kUnknown)) return false;
  const std::string& first = x.lower;
  const std::string& second = y.lower;
  const std::size_t shorter = std::min(first.size(), second.size());
  if (shorter < 5 || first[0] != second[0]) return false;
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (!std::ranges::all_of(first, is_letter) || !std::ranges::all_of(second, is_letter)) {
    return false;
  }
  const std::size_t limit = shorter >= 9 ? 2 : 1;
  return EditDistance(first, second, limit) <= limit;
}

void Take(Matching& matching, std::size_t i, std::size_t j) {
  matching.of_a[i] = static_cast<std::uint32_t>(j);
  matching.of_b[j] = static_cast<std::uint32_t>(i);
}

template <typename IsPair>
void MatchBy(const Question& a, const Question& b, Matching& matching, IsPair is_pair) {
  for (std::size_t i = 0; i < a.words.size(); ++i) {
    if (matching.of_a[i] != kNoWord) continue;
    for (std::size_t j = 0; j < b.words.size(); ++j) {
      if (matching.of_b[j] != kNoWord || !is_pair(a.words[i], b.words[j])) continue;
      Take(matching, i, j);
      break;
    }
  }
}

// "pay slip" and "payslip"; `flip`: the two words stand in b.
void MatchCompounds(const Question& a, const Question& b, Matching& matching, bool flip) {
  auto& of_split = flip ? matching.of_b : matching.of_a;
  auto& of_whole = flip ? matching.of_a : matching.of_b;
  const Question& split = flip ? b : a;
  const Question& whole = flip ? a : b;
  for (std::size_t i = 0; i + 1 < split.words.size(); ++i) {
    if (of_split[i] != kNoWord || of_split[i + 1] != kNoWord) continue;
    const std::string joined = Bare(split, i, i + 2);
    for (std::size_t j = 0; j < whole.words.size(); ++j) {
      const std::string& lower = whole.words[j].lower;
      if (of_whole[j] != kNoWord || lower.empty() || lower[0] != joined[0] ||
          Bare(whole, j, j + 1) != joined) {
        continue;
      }
      of_split[i] = of_split[i + 1] = static_cast<std::uint32_t>(j);
      of_whole[j] = static_cast<std::uint32_t>(i);
      break;
    }
  }
}

void MatchBags(const Question& a, const Question& b, Matching& matching) {
  MatchBy(a, b, matching, [](const auto& x, const auto& y) { return x.stem == y.stem; });
  MatchBy(a, b, matching, [](const auto& x, const auto& y) { return Share(x.groups, y.groups); });
  MatchCompounds(a, b, matching, false);
  MatchCompounds(a, b, matching, true);
  MatchBy(a, b, matching,
          [](const auto& x, const auto& y) { return x.lower == y.lower || IsMisspelling(x, y); });
}

void Align(const Question& a, const Question& b, Matching& matching) {
  const std::size_t n = a.words.size();
  const std::size_t m = b.words.size();
  std::vector<float> best((n + 1) * (m + 1), 0);
  const auto at = [m](std::size_t i, std::size_t j) { return i * (m + 1) + j; };
  const auto gain = [&](std::size_t i, std::size_t j) {
    const bool same =
        Same(a.words[i], b.words[j]) || (matching.of_a[i] == j && matching.of_b[j] == i);
    return same ? std::min(a.words[i].weight, b.words[j].weight) + kOrderFloor : 0.0F;
  };
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      best[at(i, j)] = std::max(best[at(i + 1, j)], best[at(i, j + 1)]);
      if (const float g = gain(i, j); g > 0) {
        best[at(i, j)] = std::max(best[at(i, j)], best[at(i + 1, j + 1)] + g);
      }
    }
  }
  Gap gap;
  std::size_t i = 0;
  std::size_t j = 0;
  const auto close = [&] {
    gap.a_end = static_cast<std::uint32_t>(i);
    gap.b_end = static_cast<std::uint32_t>(j);
    if (gap.a_begin < gap.a_end || gap.b_begin < gap.b_end) matching.gaps.push_back(gap);
  };
  while (i < n && j < m) {
    const float g = gain(i, j);
    if (g > 0 && best[at(i, j)] <= best[at(i + 1, j + 1)] + g) {
      close();
      matching.in_order.emplace_back(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j));
      ++i;
      ++j;
      gap.a_begin = static_cast<std::uint32_t>(i);
      gap.b_begin = static_cast<std::uint32_t>(j);
    } else if (best[at(i + 1, j)] >= best[at(i, j + 1)]) {
      ++i;
    } else {
      ++j;
    }
  }
  i = n;
  j = m;
  close();
}

}  // namespace

bool Same(const QuestionWord& a, const QuestionWord& b) {
  return a.stem == b.stem || Share(a.groups, b.groups);
}

Matching Match(const Question& a, const Question& b) {
  Matching matching;
  matching.of_a.assign(a.words.size(), kNoWord);
  matching.of_b.assign(b.words.size(), kNoWord);
  MatchBags(a, b, matching);
  Align(a, b, matching);
  return matching;
}

}  // namespace assay::cache::internal
