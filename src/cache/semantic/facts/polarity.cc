// Opposites, negation and who does what to whom.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/text/cues.h"

#include "semantic/facts/facts_internal.h"
#include "semantic/facts/lexicon_internal.h"

namespace assay::cache::internal {
namespace {

const std::string& LowerOf(const Question& question, std::size_t i) {
  return question.words[i].lower;
}

// What a word or phrase may be called: itself, its dictionary form, the heads of its groups.
std::vector<std::string> CallsOf(const QuestionWord& word) {
  std::vector<std::string> calls = {word.lower};
  if (std::string lemma = LemmaOf(word.lower); lemma != word.lower) {
    calls.push_back(std::move(lemma));
  }
  for (const std::uint16_t group : word.groups) {
    if (group != 0) calls.emplace_back(HeadOf(group));
  }
  return calls;
}

// A word that the other question lacks, read once for all that it is compared with.
struct Left {
  std::uint32_t word = 0;
  std::vector<std::string> calls;
  std::vector<Exclusions> exclusions;  // of the calls that exclude anything
  text::OppositeForms forms;
};

std::vector<Left> LeftOf(const Question& question, const std::vector<std::uint32_t>& matched) {
  std::vector<Left> left;
  for (std::uint32_t i = 0; i < question.words.size(); ++i) {
    const QuestionWord& word = question.words[i];
    if (matched[i] != kNoWord || word.quantity) continue;
    Left& one = left.emplace_back();
    one.word = i;
    one.calls = CallsOf(word);
    for (const std::string& call : one.calls) {
      if (const Exclusions found = ExclusionsOf(call); !found.word.empty()) {
        one.exclusions.push_back(found);
      }
    }
    one.forms = text::ReadOppositeForms(word.lower);
  }
  return left;
}

bool Excludes(const Left& a, const Left& b) {
  for (const Exclusions& x : a.exclusions) {
    for (const Exclusions& y : b.exclusions) {
      if (ExcludeEachOther(x, y)) return true;
    }
  }
  return text::AreAntonyms(a.forms, b.forms);
}

// The word next to `i` in the given direction, articles skipped; kNoWord at the ends.
std::uint32_t Neighbour(const Question& question, std::uint32_t i, int step) {
  auto k = static_cast<std::int64_t>(i) + step;
  while (k >= 0 && k < static_cast<std::int64_t>(question.words.size())) {
    const std::string lower = LowerOf(question, static_cast<std::size_t>(k));
    if (lower != "a" && lower != "an" && lower != "the") return static_cast<std::uint32_t>(k);
    k += step;
  }
  return kNoWord;
}

bool SameNeighbour(const Question& a, std::uint32_t i, const Question& b, std::uint32_t j,
                   int step) {
  const std::uint32_t x = Neighbour(a, i, step);
  const std::uint32_t y = Neighbour(b, j, step);
  if (x == kNoWord || y == kNoWord) return x == y;
  return Same(a.words[x], b.words[y]);
}

// Words of a span of a question that can be a party.
std::vector<std::uint32_t> Parties(const Question& question, std::uint32_t begin,
                                   std::uint32_t end) {
  std::vector<std::uint32_t> parties;
  for (std::uint32_t i = begin; i < end; ++i) {
    if (question.words[i].weight >= 0.5F) parties.push_back(i);
  }
  return parties;
}

// A word of `a` that has its like among `b`; kNoWord: none.
std::uint32_t Common(const Question& qa, const std::vector<std::uint32_t>& a, const Question& qb,
                     const std::vector<std::uint32_t>& b) {
  for (const std::uint32_t i : a) {
    for (const std::uint32_t j : b) {
      if (Same(qa.words[i], qb.words[j])) return i;
    }
  }
  return kNoWord;
}

bool Holds(const Question& question, std::string_view word) {
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    if (LowerOf(question, i) == word) return true;
  }
  return false;
}

// The word with weight behind a preposition, kNoWord where there is none.
std::uint32_t Behind(const Question& question, std::string_view preposition) {
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    if (LowerOf(question, i) != preposition) continue;
    for (std::size_t k = i + 1; k < question.words.size(); ++k) {
      if (question.words[k].weight >= 0.5F) return static_cast<std::uint32_t>(k);
    }
  }
  return kNoWord;
}

enum class Roles { kUnknown, kAgree, kExchanged };

Roles FromAndTo(const FactInput& input) {
  const auto& [a, b, matching] = input;
  const std::uint32_t a_from = Behind(a, "from");
  const std::uint32_t a_to = Behind(a, "to");
  const std::uint32_t b_from = Behind(b, "from");
  const std::uint32_t b_to = Behind(b, "to");
  if (a_from == kNoWord || a_to == kNoWord || b_from == kNoWord || b_to == kNoWord ||
      a_from == a_to || b_from == b_to) {
    return Roles::kUnknown;
  }
  const auto same = [&](std::uint32_t i, std::uint32_t j) { return Same(a.words[i], b.words[j]); };
  if (same(a_from, b_from) && same(a_to, b_to)) return Roles::kAgree;
  return same(a_from, b_to) && same(a_to, b_from) ? Roles::kExchanged : Roles::kUnknown;
}

// "tea and coffee", "the brain or the mind", "bonded leather and genuine leather": what is joined
// so may change places. At most one word more stands on either side of the joining word.
bool AreCoordinated(const Question& question, std::uint32_t first, std::uint32_t second) {
  constexpr std::array<std::string_view, 5> kJoins = {"and", "or", "vs", "versus", "&"};
  constexpr std::uint32_t kFarthest = 4;
  if (second <= first || second - first > kFarthest) return false;
  bool is_joined = false;
  int others = 0;
  for (std::uint32_t i = first + 1; i < second; ++i) {
    const QuestionWord& word = question.words[i];
    if (std::ranges::find(kJoins, word.lower) != kJoins.end()) {
      is_joined = true;
    } else if (word.weight > 0) {
      ++others;
    } else if (word.lower != "a" && word.lower != "an" && word.lower != "the") {
      return false;
    }
  }
  return is_joined && others <= 2;
}

// Two words of `asked` that stand at each other's place in `cached`: what stands before them, or
// behind them, is exchanged too ("convert JSON to XML", "convert XML to JSON").
std::pair<std::uint32_t, std::uint32_t> Exchanged(const FactInput& input) {
  const auto& [a, b, matching] = input;
  const auto is_party = [](const QuestionWord& word) {
    return word.weight >= 0.5F || word.pronoun;
  };
  for (std::uint32_t x = 0; x < a.words.size(); ++x) {
    const std::uint32_t x_there = matching.of_a[x];
    if (x_there == kNoWord || !is_party(a.words[x])) continue;
    for (std::uint32_t y = x + 1; y < a.words.size(); ++y) {
      const std::uint32_t y_there = matching.of_a[y];
      if (y_there == kNoWord || y_there >= x_there || !is_party(a.words[y])) continue;
      if (AreCoordinated(a, x, y) && AreCoordinated(b, y_there, x_there)) continue;
      const auto turned = [&](int step) {
        return SameNeighbour(a, x, b, y_there, step) && SameNeighbour(a, y, b, x_there, step) &&
               !SameNeighbour(a, x, b, x_there, step) && !SameNeighbour(a, y, b, y_there, step);
      };
      if (turned(-1) || turned(1)) return {x, y};
    }
  }
  return {kNoWord, kNoWord};
}

// Whether joined words changed places, which explains another order.
bool HasCoordinatedExchange(const FactInput& input) {
  const auto& [a, b, matching] = input;
  for (std::uint32_t x = 0; x < a.words.size(); ++x) {
    const std::uint32_t x_there = matching.of_a[x];
    if (x_there == kNoWord || a.words[x].weight < 0.5F) continue;
    for (std::uint32_t y = x + 1; y < a.words.size(); ++y) {
      const std::uint32_t y_there = matching.of_a[y];
      if (y_there == kNoWord || y_there >= x_there || a.words[y].weight < 0.5F) continue;
      if (AreCoordinated(a, x, y) && AreCoordinated(b, y_there, x_there)) return true;
    }
  }
  return false;
}

// Where the words that both hold stand in the other question, without those that only move when a
// question is asked ("how waves are formed").
std::vector<std::uint32_t> PlacesOfContent(const Question& question,
                                           const std::vector<std::uint32_t>& matched) {
  constexpr std::array<std::string_view, 17> kAuxiliaries = {
      "is",  "are", "was",   "were", "do",  "does", "did",  "can",   "could",
      "may", "has", "would", "will", "had", "have", "must", "should"};
  std::vector<std::uint32_t> places;
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    const std::string& lower = question.words[i].lower;
    if (matched[i] == kNoWord) continue;
    if (std::ranges::find(kAuxiliaries, lower) == kAuxiliaries.end()) places.push_back(matched[i]);
  }
  return places;
}

// The same words in another order, which is another question ("get a card to use", "use a card to
// get"), unless only a clause went from the front to the back.
bool IsReordered(const FactInput& input) {
  constexpr double kNearlyAll = 0.9;
  const auto& [a, b, matching] = input;
  const auto common = static_cast<std::size_t>(
      std::ranges::count_if(matching.of_a, [](std::uint32_t j) { return j != kNoWord; }));
  const std::size_t longer = std::max(a.words.size(), b.words.size());
  if (static_cast<double>(common) < kNearlyAll * static_cast<double>(longer) ||
      matching.in_order.size() >= common) {
    return false;
  }
  const std::vector<std::uint32_t> places = PlacesOfContent(a, matching.of_a);
  std::size_t descents = 0;
  for (std::size_t i = 0; i + 1 < places.size(); ++i) {
    descents += places[i + 1] < places[i] ? 1U : 0U;
  }
  return descents > 1 || (descents == 1 && places.back() > places.front());
}

// "In reverse order": a word that turns what it stands with into its opposite.
void AddTurningWords(const std::vector<Left>& left, bool is_asked, std::vector<Difference>& out) {
  constexpr std::array<std::string_view, 5> kTurning = {"reverse", "reversed", "opposite",
                                                        "inverse", "excluding"};
  for (const Left& one : left) {
    const bool turns = std::ranges::any_of(one.calls, [&kTurning](const std::string& call) {
      return std::ranges::find(kTurning, call) != kTurning.end();
    });
    if (turns) {
      out.push_back(
          {DifferenceKind::kOpposite, is_asked ? one.calls[0] : "", is_asked ? "" : one.calls[0]});
    }
  }
}

// "Apart from X, what helps?": what is named is not asked about. Empty: nothing is left out so.
std::string_view ExclusionOf(const Question& question) {
  struct Phrase {
    std::string_view first, second, written;
  };
  constexpr std::array<Phrase, 5> kPhrases = {{{"apart", "from", "apart from"},
                                               {"aside", "from", "aside from"},
                                               {"other", "than", "other than"},
                                               {"besides", "", "besides"},
                                               {"except", "", "except"}}};
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    for (const Phrase& phrase : kPhrases) {
      if (LowerOf(question, i) != phrase.first) continue;
      if (phrase.second.empty()) return phrase.written;
      if (i + 1 < question.words.size() && LowerOf(question, i + 1) == phrase.second) {
        return phrase.written;
      }
    }
  }
  return "";
}

}  // namespace

void CompareOpposites(const FactInput& input, std::vector<Difference>& out) {
  const auto& [a, b, matching] = input;
  bool explains_negation = false;
  const std::vector<Left> left_a = LeftOf(a, matching.of_a);
  const std::vector<Left> left_b = LeftOf(b, matching.of_b);
  for (const Left& first : left_a) {
    for (const Left& second : left_b) {
      if (!Excludes(first, second)) continue;
      if (a.words[first.word].negated != b.words[second.word].negated) {
        explains_negation = true;
        continue;
      }
      out.push_back({DifferenceKind::kOpposite, first.calls[0], second.calls[0]});
    }
  }
  AddTurningWords(left_a, true, out);
  AddTurningWords(left_b, false, out);
  const std::string_view apart_a = ExclusionOf(a);
  const std::string_view apart_b = ExclusionOf(b);
  if (apart_a.empty() != apart_b.empty()) {
    out.push_back({DifferenceKind::kOpposite, std::string(apart_a), std::string(apart_b)});
  }
  if (explains_negation || a.negations % 2 == b.negations % 2) return;
  const auto negation = [](const Question& q) -> std::string {
    for (const text::Cue& cue : q.cues) {
      if (cue.kind == text::CueKind::kNegation && q.negations > 0) return "not";
    }
    return "";
  };
  const bool here = a.negations % 2 == 1;
  out.push_back({DifferenceKind::kNegation, here ? negation(a) : "", here ? "" : negation(b)});
}

void CompareOrder(const FactInput& input, std::vector<Difference>& out) {
  const auto& [a, b, matching] = input;
  const Roles roles = FromAndTo(input);
  if (roles == Roles::kExchanged) {
    out.push_back({DifferenceKind::kOrder, std::string(a.words[Behind(a, "from")].span.of(a.text)),
                   std::string(a.words[Behind(a, "to")].span.of(a.text))});
  }
  // The passive turns the parties round and keeps their roles.
  if (roles != Roles::kUnknown || Holds(a, "by") != Holds(b, "by")) return;
  if (const auto exchanged = Exchanged(input); exchanged.first != kNoWord) {
    out.push_back({DifferenceKind::kOrder, std::string(a.words[exchanged.first].span.of(a.text)),
                   std::string(a.words[exchanged.second].span.of(a.text))});
    return;
  }
  for (std::size_t s = 0; s < matching.gaps.size(); ++s) {
    const Gap& first = matching.gaps[s];
    for (std::size_t t = s + 1; t < matching.gaps.size(); ++t) {
      const Gap& second = matching.gaps[t];
      const auto a1 = Parties(a, first.a_begin, first.a_end);
      const auto b1 = Parties(b, first.b_begin, first.b_end);
      const auto a2 = Parties(a, second.a_begin, second.a_end);
      const auto b2 = Parties(b, second.b_begin, second.b_end);
      const std::uint32_t forth = Common(a, a1, b, b2);
      const std::uint32_t back = Common(a, a2, b, b1);
      if (forth == kNoWord || back == kNoWord || Common(a, a1, b, b1) != kNoWord) continue;
      if (AreCoordinated(a, forth, back)) continue;
      out.push_back({DifferenceKind::kOrder, std::string(a.words[forth].span.of(a.text)),
                     std::string(a.words[back].span.of(a.text))});
      return;
    }
  }
  if (IsReordered(input) && !HasCoordinatedExchange(input))
    out.push_back({DifferenceKind::kOrder, "", ""});
}

}  // namespace assay::cache::internal
