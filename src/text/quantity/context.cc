#include <array>

#include "quantity/context_internal.h"
#include "quantity/number_internal.h"

namespace assay::text::quantity {
namespace {

struct Phrase {
  std::string_view first;   // "" if the phrase has two words
  std::string_view second;  // the word right before the number
  Bound bound;
};

// Longer phrases stand before their own endings.
constexpr auto kPhrases = std::to_array<Phrase>({
    {"at", "least", Bound::kAtLeast},      {"at", "most", Bound::kAtMost},
    {"up", "to", Bound::kAtMost},          {"more", "than", Bound::kMoreThan},
    {"greater", "than", Bound::kMoreThan}, {"higher", "than", Bound::kMoreThan},
    {"longer", "than", Bound::kMoreThan},  {"older", "than", Bound::kMoreThan},
    {"less", "than", Bound::kLessThan},    {"fewer", "than", Bound::kLessThan},
    {"lower", "than", Bound::kLessThan},   {"younger", "than", Bound::kLessThan},
    {"shorter", "than", Bound::kLessThan}, {"just", "under", Bound::kNearly},
    {"close", "to", Bound::kAbout},        {"minimum", "of", Bound::kAtLeast},
    {"maximum", "of", Bound::kAtMost},     {"many", "as", Bound::kAtMost},
    {"much", "as", Bound::kAtMost},        {"few", "as", Bound::kAtLeast},
    {"little", "as", Bound::kAtLeast},     {"or", "so", Bound::kAbout},
    {"", "about", Bound::kAbout},          {"", "around", Bound::kAbout},
    {"", "approximately", Bound::kAbout},  {"", "roughly", Bound::kAbout},
    {"", "approx", Bound::kAbout},         {"", "circa", Bound::kAbout},
    {"", "some", Bound::kAbout},           {"", "estimated", Bound::kAbout},
    {"", "nearly", Bound::kNearly},        {"", "almost", Bound::kNearly},
    {"", "over", Bound::kMoreThan},        {"", "above", Bound::kMoreThan},
    {"", "exceeding", Bound::kMoreThan},   {"", "exceeds", Bound::kMoreThan},
    {"", "exceed", Bound::kMoreThan},      {"", "under", Bound::kLessThan},
    {"", "below", Bound::kLessThan},       {"", "within", Bound::kAtMost},
    {"", "minimum", Bound::kAtLeast},      {"", "maximum", Bound::kAtMost},
});

Bound BoundBefore(const Reader& r, std::uint32_t begin) {
  std::uint32_t at = r.SkipSpaceBack(begin);
  if (r.EndsBefore(at, "~") || r.EndsBefore(at, "\xE2\x89\x88")) return Bound::kAbout;
  if (r.EndsBefore(at, ">=") || r.EndsBefore(at, "\xE2\x89\xA5")) return Bound::kAtLeast;
  if (r.EndsBefore(at, "<=") || r.EndsBefore(at, "\xE2\x89\xA4")) return Bound::kAtMost;
  if (r.EndsBefore(at, ">")) return at > 1 ? Bound::kMoreThan : Bound::kExact;
  if (r.EndsBefore(at, "<")) return Bound::kLessThan;
  if (r.EndsBefore(at, "approx.") || r.EndsBefore(at, "ca.")) --at;
  const Word last = r.WordBefore(at);
  if (last.empty()) return Bound::kExact;
  const Word first = r.WordBefore(last.begin);
  for (const Phrase& phrase : kPhrases) {
    if (!r.Equals(last, phrase.second)) continue;
    if (!phrase.first.empty() && !r.Equals(first, phrase.first)) continue;
    const bool strict = phrase.bound == Bound::kMoreThan || phrase.bound == Bound::kLessThan;
    const Word before = phrase.first.empty() ? first : r.WordBefore(first.begin);
    if (strict && (r.Equals(before, "no") || r.Equals(before, "not"))) {
      return phrase.bound == Bound::kMoreThan ? Bound::kAtMost : Bound::kAtLeast;
    }
    return phrase.bound;
  }
  return Bound::kExact;
}

Bound BoundAfter(const Reader& r, std::uint32_t& end) {
  if (r.At(end) == '+' && !IsAlnum(r.At(end + 1))) {
    ++end;
    return Bound::kAtLeast;
  }
  const Word conjunction = r.NextWord(end);
  if (!r.Equals(conjunction, "or") && !r.Equals(conjunction, "and")) return Bound::kExact;
  const Word word = r.NextWord(conjunction.end);
  for (const std::string_view up :
       {"more", "above", "higher", "longer", "greater", "older", "over", "up"}) {
    if (r.Equals(word, up)) return Bound::kAtLeast;
  }
  if (r.Equals(conjunction, "and")) return Bound::kExact;
  for (const std::string_view down : {"less", "fewer", "lower", "below", "younger", "under"}) {
    if (r.Equals(word, down)) return Bound::kAtMost;
  }
  return r.Equals(word, "so") ? Bound::kAbout : Bound::kExact;
}

bool EndsWith(const Reader& r, const Word& word, std::string_view ending) {
  return word.end - word.begin > ending.size() + 1 && r.EndsBefore(word.end, ending);
}

bool IsPluralNoun(const Reader& r, const Word& word) {
  if (word.Is(kPlural)) return true;
  if (word.Is(kFunctionWord) || word.end - word.begin < 4) return false;
  return r.At(word.end - 1) == 's' && r.At(word.end - 2) != 's' && !EndsWith(r, word, "ous") &&
         !EndsWith(r, word, "us");
}

bool IsAdjective(const Reader& r, const Word& word) {
  for (const std::string_view ending : {"al", "ive", "ous", "ic", "ful", "able", "ible", "ed",
                                        "ant", "ary", "less", "ish", "ian"}) {
    if (EndsWith(r, word, ending)) return true;
  }
  for (const std::string_view common : {"new", "big", "small", "large", "more", "main", "major",
                                        "single", "young", "old", "key", "full", "time", "good"}) {
    if (r.Equals(word, common)) return true;
  }
  return false;
}

}  // namespace

Bound ReadBound(const Reader& r, std::uint32_t begin, std::uint32_t& end) {
  const Bound after = BoundAfter(r, end);
  return after != Bound::kExact ? after : BoundBefore(r, begin);
}

Span ReadCountedNoun(const Reader& r, std::uint32_t at, double value) {
  constexpr int kReach = 5;  // words after the number in which its noun is looked for
  Word first;
  std::uint32_t p = r.At(at) == '-' ? at + 1 : r.SkipSpace(at);
  const bool hyphen = r.At(at) == '-';
  for (int i = 0; i < kReach; ++i) {
    Word word = r.WordAt(p);
    if (word.empty() || word.Is(kFunctionWord | kCardinal | kScale | kUnitWord)) break;
    if (first.empty() || (i == 1 && IsAdjective(r, first))) first = word;
    if (value != 1 && IsPluralNoun(r, word)) {
      const Word next = r.NextWord(word.end);
      return IsPluralNoun(r, next) && r.At(word.end) == ' ' ? Span{next.begin, next.end}
                                                            : Span{word.begin, word.end};
    }
    if (r.At(word.end) == '-' && r.LetterBytes(word.end + 1) > 0) {
      p = word.end + 1;
      continue;
    }
    p = r.SkipSpace(word.end);
    if (p == word.end) break;  // punctuation ends the phrase
  }
  if ((value == 1 || hyphen) && !first.empty()) return {first.begin, first.end};
  return {};
}

Word ReadLabel(const Reader& r, std::uint32_t at) {
  std::uint32_t p = r.SkipSpaceBack(at);
  if (r.Before(p) == '#') return {p - 1, p, nullptr};
  if (r.EndsBefore(p, "No.") || r.EndsBefore(p, "no.")) --p;
  const Word word = r.WordBefore(p);
  if (!word.Is(kLabelWord) || at - word.end > 2) return {};
  const bool capital = IsUpper(r.At(word.begin));
  const bool weak = word.Is(kUnitWord | kFunctionWord) || r.Equals(word, "war") ||
                    r.Equals(word, "line") || r.Equals(word, "unit") || r.Equals(word, "class") ||
                    r.Equals(word, "book") || r.Equals(word, "part") || r.Equals(word, "act") ||
                    r.Equals(word, "volume") || r.Equals(word, "windows") ||
                    r.Equals(word, "title");
  return weak && !capital ? Word{} : word;
}

int ReadRomanName(const Reader& r, const Word& word, Word& name) {
  constexpr int kMaxOfNames = 39;  // I, V and X only: "DC", "MC", "CD" are no numbers
  const std::string_view letters = r.Slice(word.begin, word.end);
  if (IsAlnum(r.At(word.end)) || r.At(word.end) == '\'' || r.At(word.end) == '-') return 0;
  if (r.Before(word.begin) != ' ' || r.LetterBytesBefore(word.begin - 1) == 0) return 0;
  name = r.WordBefore(word.begin);
  if (!IsUpper(r.At(name.begin))) return 0;
  const int value = RomanValue(letters);
  if (value == 0) return 0;
  if (name.Is(kLabelWord) && !name.Is(kUnitWord | kFunctionWord)) return value;
  if (name.Is(kFunctionWord) || value > kMaxOfNames) return 0;
  return letters.size() > 1 || name.Is(kMonarch) ? value : 0;
}

bool IsPronoun(const Reader& r, const Word& word) {
  const Word before = r.WordBefore(word.begin);
  const bool tight = r.At(word.end) == '-' || r.Before(word.begin) == '-';
  const Word next = r.At(word.end) == '-' ? r.WordAt(word.end + 1) : r.NextWord(word.end);
  if (r.Equals(word, "one")) {
    if (r.At(word.end) == '\'' || r.Has(word.end, "\xE2\x80\x99")) return true;
    for (const std::string_view owner : {"no", "any", "every", "some", "each", "this", "that",
                                         "the", "which", "another", "such", "it", "s", "new"}) {
      if (r.Equals(before, owner)) return true;
    }
    if (tight) return !next.Is(kUnitWord | kPart | kScale | kHundred);
    if (next.empty()) {
      return r.At(r.SkipSpace(word.end)) != '(';
    }
    return next.Is(kFunctionWord) && !r.Equals(next, "and") && !r.Equals(next, "percent") &&
           !r.Equals(next, "per") && !r.Equals(next, "more") && !r.Equals(next, "to");
  }
  if (word.Is(kOrdinal) && word.entry->number <= 3) {
    if (r.Equals(before, "at") || r.Equals(before, "a") || r.Equals(before, "split")) return true;
    if (tight) return !r.Equals(next, "year") && !r.Equals(next, "floor");
    if (word.entry->number < 3 && (next.empty() || next.Is(kFunctionWord))) {
      return !r.Equals(before, "the");
    }
  }
  return false;
}

bool IsListMarker(const Reader& r, std::uint32_t at) {
  std::uint32_t end = at;
  while (IsDigit(r.At(end))) ++end;
  if (end - at > 3 || (r.At(end) != '.' && r.At(end) != ')')) return false;
  if (r.At(end + 1) != ' ' && r.At(end + 1) != '\t') return false;
  std::uint32_t begin = at;
  while (begin > 0 &&
         (r.Before(begin) == ' ' || r.Before(begin) == '\t' || r.Before(begin) == '#' ||
          r.Before(begin) == '*' || r.Before(begin) == '(' || r.Before(begin) == '>')) {
    --begin;
  }
  return r.Before(begin) == '\n' || begin == 0;
}

std::uint64_t IdentityOf(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
  for (const char c : text) {
    if (!IsAlnum(c) && c != '.') continue;
    const char lower = IsUpper(c) ? static_cast<char>(c + ('a' - 'A')) : c;
    hash = (hash ^ static_cast<unsigned char>(lower)) * 1099511628211ULL;
  }
  return hash | 1U;  // 0 means none
}

namespace {

// Groups of digits and the signs between them, from one position on.
struct Groups {
  static constexpr std::size_t kMost = 8;
  std::array<std::uint32_t, kMost> length{};
  std::array<char, kMost> separator{};  // before the group
  std::size_t count = 0;
  std::uint32_t digits = 0;
  std::uint32_t end = 0;
};

Groups GroupsAt(const Reader& r, std::uint32_t at) {
  Groups g;
  char separator = '\0';
  while (g.count < Groups::kMost) {
    std::uint32_t end = at;
    while (IsDigit(r.At(end))) ++end;
    if (end == at) break;
    g.length[g.count] = end - at;
    g.separator[g.count++] = separator;
    g.digits += end - at;
    g.end = end;
    separator = r.At(end);
    at = end + 1;
    if (separator == ')' && r.At(at) == ' ') ++at;
    if (separator != '-' && separator != '.' && separator != ' ' && separator != ')') break;
  }
  return g;
}

bool HasShape(const Groups& g, std::initializer_list<std::uint32_t> lengths) {
  if (g.count != lengths.size()) return false;
  std::size_t i = 0;
  for (const std::uint32_t length : lengths) {
    if (g.length[i++] != length) return false;
  }
  return true;
}

bool IsPhone(const Reader& r, std::uint32_t at, const Groups& g) {
  if (r.Before(at) == '+' && g.digits >= 9) return true;
  const char last = g.count > 0 ? g.separator[g.count - 1] : '\0';
  if (HasShape(g, {3, 3, 4}) || HasShape(g, {1, 3, 3, 4}))
    return last == '-' || last == '.' || last == ' ';
  if (HasShape(g, {3, 4})) return last == '-';
  return HasShape(g, {3, 2, 4}) || HasShape(g, {4, 4, 4, 4});
}

bool IsIsbn(const Reader& r, std::uint32_t at, const Groups& g) {
  if (g.digits == 13 && (r.Has(at, "978") || r.Has(at, "979"))) return true;
  std::uint32_t p = at;
  if (r.EndsBefore(p, ": ")) p -= 2;
  if (r.EndsBefore(p, "-13") || r.EndsBefore(p, "-10")) p -= 3;
  return r.Equals(r.WordBefore(p), "isbn") && g.digits >= 9;
}

// "1.2.3", "10.0.0.1" but neither "1.234.567" nor a date, which is looked for before.
bool IsDotted(const Groups& g) {
  if (g.count < 3) return false;
  bool thousands = true;
  for (std::size_t i = 1; i < g.count; ++i) {
    if (g.separator[i] != '.') return false;
    thousands = thousands && g.length[i] == 3;
  }
  return !thousands || g.count > 4;
}

}  // namespace

std::optional<Quantity> ReadIdentifier(const Reader& r, std::uint32_t at) {
  constexpr std::uint32_t kLongCode = 13;  // no quantity of daily life has so many digits
  std::uint32_t run = at;
  while (IsDigit(r.At(run))) ++run;
  const char next = r.At(run);
  const bool grouped = next == '-' || next == '.' || next == ' ' || next == ')';
  if (!grouped && run - at < 9) return {};
  const Groups g = GroupsAt(r, at);
  const bool is_code = g.count == 1 && g.length[0] >= kLongCode;
  if (!is_code && !IsPhone(r, at, g) && !IsIsbn(r, at, g) && !IsDotted(g)) return {};
  if (IsAlnum(r.At(g.end)) && r.At(g.end) != 'X') return {};
  Quantity q;
  q.kind = QuantityKind::kIdentifier;
  q.span = {at, g.end + (r.At(g.end) == 'X' ? 1U : 0U)};
  const bool opened = r.Before(at) == '(' && r.Slice(at, g.end).find(')') != std::string_view::npos;
  if (opened || r.Before(at) == '+') --q.span.begin;
  const bool dotted = IsDotted(g);
  // A telephone number is the same with other signs between its digits.
  std::uint64_t hash = 14695981039346656037ULL;
  for (std::uint32_t i = q.span.begin; i < q.span.end; ++i) {
    if (!IsAlnum(r.At(i)) && !dotted) continue;
    hash = (hash ^ static_cast<unsigned char>(r.At(i))) * 1099511628211ULL;
  }
  q.identity = hash | 1U;
  return q;
}

}  // namespace assay::text::quantity
