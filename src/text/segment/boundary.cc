#include <algorithm>
#include <array>
#include <cstdint>

#include "assay/text/utf8.h"

#include "segment/abbreviations_internal.h"
#include "segment/boundary_internal.h"
#include "segment/lookaround_internal.h"

namespace assay::text::segment {
namespace {

// Bytes that a terminator or a span to skip can start with.
constexpr auto kInteresting = [] {
  std::array<bool, 256> table{};
  for (const char c : {'.', '!', '?', '(', '[', '`'}) table[static_cast<unsigned char>(c)] = true;
  // Lead bytes of U+061F, U+06D4 (D8, DB), U+0964, U+0965, U+1362 (E0, E1), U+2026, U+203C..2049
  // (E2), U+3002 (E3), and the full-width and half-width forms (EF).
  for (const std::size_t c : {0xD8U, 0xDBU, 0xE0U, 0xE1U, 0xE2U, 0xE3U, 0xEFU}) table[c] = true;
  return table;
}();

bool StartsLikeSentence(std::string_view text, std::size_t at, std::size_t end) {
  const std::string_view word = WordAt(text, at, end);
  if (!IsSentenceStarter(word)) return false;
  // "A." and "I." are initials.
  const std::size_t after = at + word.size();
  return word.size() > 1 || after >= end || text[after] != '.';
}

// Marks that stand after a word, never before one: tokenised text ("Inc. , which").
bool Continues(char c) {
  return std::string_view(",;:.!?/%").find(c) != std::string_view::npos;
}

bool IsAllDigits(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, IsDigit);
}

// Single letters with dots between them: "U.S", "e.g", "Ph.D", "J.R.R".
bool IsDotted(std::string_view word) {
  const std::size_t dot = word.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == word.size()) return false;
  std::size_t run = 0;
  std::size_t dots = 0;
  for (const char c : word) {
    if (c == '.') {
      if (run == 0) return false;
      ++dots;
      run = 0;
    } else if (IsAlpha(c) || IsNonAscii(c)) {
      if (++run > 3) return false;
    } else {
      return false;
    }
  }
  return run <= 2 && dots >= 1;
}

class Decider {
 public:
  Decider(std::string_view text, std::size_t from, std::size_t end)
      : text_(text), from_(from), end_(end) {}

  // Whether the run of terminators at `begin` ends the sentence; `closers` follow it.
  [[nodiscard]] bool Ends(Mark mark, std::size_t begin, const Closers& closers) const;

 private:
  [[nodiscard]] bool SentenceIsLowerCase() const;
  [[nodiscard]] bool GluedEnds(Mark mark, std::size_t begin, const Closers& closers) const;
  [[nodiscard]] bool WideEnds(std::size_t after) const;
  [[nodiscard]] bool StrongEnds(std::size_t begin, const Closers& closers,
                                const Follower& follower) const;
  [[nodiscard]] bool DotEnds(std::size_t begin, const Closers& closers,
                             const Follower& follower) const;
  [[nodiscard]] bool LowerFollowerEnds(std::string_view word, const Closers& closers,
                                       const Follower& follower) const;
  [[nodiscard]] bool AbbreviationEnds(std::string_view word, const Follower& follower) const;
  [[nodiscard]] bool SpeechFollows(const Follower& follower) const;

  std::string_view text_;
  std::size_t from_;
  std::size_t end_;
};

// A text that begins its sentences with small letters.
bool Decider::SentenceIsLowerCase() const {
  const Follower first = ReadFollower(text_, from_, end_);
  return first.char_class == CharClass::kLower;
}

// "end.The next": no white space after the terminator, as in text scraped from pages.
bool Decider::GluedEnds(Mark mark, std::size_t begin, const Closers& closers) const {
  const std::size_t at = closers.end;
  if (mark == Mark::kEllipsis || !IsUpper(text_[at])) return false;
  const std::string_view before = WordBefore(text_, from_, begin);
  if (before.size() < 2 || !std::ranges::all_of(before, [](char c) {
        return IsLower(c) || IsNonAscii(c) || c == '\'';
      })) {
    return IsAllDigits(before) && StartsLikeSentence(text_, at, end_);
  }
  const std::size_t start = static_cast<std::size_t>(before.data() - text_.data());
  if (start > from_ && !IsSpace(text_[start - 1]) && text_[start - 1] != '"') return false;
  const std::string_view word = WordAt(text_, at, end_);
  const std::size_t after = at + word.size();
  const bool ends_well = after >= end_ || IsSpace(text_[after]) || text_[after] == ',' ||
                         text_[after] == '\'' || text_[after] == '-';
  if (!ends_well) return false;
  if (word.size() == 1) return word == "A" || word == "I";
  if (word == "Com" || word == "Net" || word == "Org") return false;  // a host name
  return std::all_of(word.begin() + 1, word.end(),
                     [](char c) { return IsLower(c) || IsNonAscii(c); });
}

// Chinese and Japanese write no space after a terminator. A quotation goes on with a particle or a
// comma.
bool Decider::WideEnds(std::size_t after) const {
  const std::string_view rest = text_.substr(after, std::min<std::size_t>(6, end_ - after));
  static constexpr std::array<std::string_view, 8> kContinuations = {
      "\u3068", "\u3063\u3066", "\u3001", "\uFF0C", ",", "\uFF09", "\u306A\u3069", "\u306E"};
  return std::ranges::none_of(kContinuations,
                              [&](std::string_view start) { return rest.starts_with(start); });
}

bool Decider::SpeechFollows(const Follower& follower) const {
  // Within three words: `"Stop!" Mary Smith said.`
  std::size_t at = follower.at;
  for (int words = 0; words < 3 && at < end_; ++words) {
    const std::string_view word = WordAt(text_, at, end_);
    if (word.empty()) return false;
    if (IsSpeechVerb(word)) return true;
    at += word.size();
    if (at >= end_ || text_[at] != ' ') return false;
    ++at;
  }
  return false;
}

bool Decider::StrongEnds(std::size_t begin, const Closers& closers,
                         const Follower& follower) const {
  switch (follower.char_class) {
    case CharClass::kLower:
      return !closers.quote_or_bracket && SentenceIsLowerCase();
    case CharClass::kPunctuation:
      return !Continues(text_[follower.at]);
    case CharClass::kClose:
    case CharClass::kFinalQuote:
      return false;
    default:
      break;
  }
  if (closers.quote_or_bracket) return !SpeechFollows(follower);
  return !IsExclaimedName(WordBefore(text_, from_, begin)) ||
         StartsLikeSentence(text_, follower.at, end_);
}

// A small letter after a dot: an abbreviation that is not in the list, or careless writing.
bool Decider::LowerFollowerEnds(std::string_view word, const Closers& closers,
                                const Follower& follower) const {
  if (closers.quote_or_bracket) return false;
  if (IsDotted(word) || word.size() < 2) return false;
  const std::string_view next = WordAt(text_, follower.at, end_);
  // iPhone, eBay
  const bool brand = next.size() > 2 && (IsUpper(next[1]) || IsUpper(next[2]));
  if (KindOfAbbreviation(AfterHyphen(word)) != Abbreviation::kNone) return false;
  if (brand || SentenceIsLowerCase()) return true;
  const bool has_vowel = word.find_first_of("aeiouy") != std::string_view::npos;
  return word.size() >= 4 && has_vowel && !IsAllDigits(word) && next.size() > 1;
}

bool Decider::AbbreviationEnds(std::string_view word, const Follower& follower) const {
  const bool starter = StartsLikeSentence(text_, follower.at, end_);
  switch (KindOfAbbreviation(AfterHyphen(word))) {
    case Abbreviation::kTitle:
      return false;
    case Abbreviation::kReference: {
      if (follower.char_class == CharClass::kDigit || follower.char_class == CharClass::kSymbol) {
        return false;
      }
      // "Vol. II", "App. B"
      const std::string_view next = WordAt(text_, follower.at, end_);
      const bool numeral = next.find_first_not_of("IVXLCDM") == std::string_view::npos;
      return starter || (!numeral && next.size() > 1);
    }
    case Abbreviation::kEnding:
      if (word == "etc") return true;
      return starter || (follower.quote && follower.char_class == CharClass::kUpper);
    case Abbreviation::kUnit:
      return follower.char_class != CharClass::kDigit;
    case Abbreviation::kNone:
      break;
  }
  return true;
}

bool Decider::DotEnds(std::size_t begin, const Closers& closers, const Follower& follower) const {
  const std::string_view word = WordBefore(text_, from_, begin);
  switch (follower.char_class) {
    case CharClass::kLower:
      return LowerFollowerEnds(word, closers, follower);
    case CharClass::kPunctuation:
      // A sentence may start with an ellipsis.
      return !Continues(text_[follower.at]) || text_.substr(follower.at).starts_with("...") ||
             text_.substr(follower.at).starts_with("\u2026");
    case CharClass::kClose:
    case CharClass::kFinalQuote:
      return false;
    default:
      break;
  }
  if (word.empty()) return true;
  const bool at_start =
      ReadFollower(text_, from_, end_).at == static_cast<std::size_t>(word.data() - text_.data());
  if (IsAllDigits(word)) {
    // "1. First", "Steps: 1. First"
    const std::size_t start = static_cast<std::size_t>(word.data() - text_.data());
    const bool after_colon = start >= from_ + 2 && text_[start - 2] == ':';
    return !((at_start || after_colon) && word.size() <= 3);
  }
  const bool starter = StartsLikeSentence(text_, follower.at, end_);
  const bool digit = follower.char_class == CharClass::kDigit;
  if (word.size() == 1 && IsAlpha(word[0])) {
    if (at_start) return false;  // "a. First", "J. Smith"
    if (IsLower(word[0])) return starter;
    // "vitamin C. 25 people", but in a list of references "Keith, A. 1911."
    const std::size_t start = static_cast<std::size_t>(word.data() - text_.data());
    const bool surname = start >= from_ + 2 && text_[start - 2] == ',';
    return starter || (digit && !follower.bracket && !surname);
  }
  if (IsDotted(word)) {
    if (word == "e.g" || word == "i.e" || word == "E.g" || word == "I.e") return false;
    const bool clock = word == "a.m" || word == "p.m" || word == "A.M" || word == "P.M";
    if (clock) {
      const std::string_view next = WordAt(text_, follower.at, end_);
      // "5 p.m. EST", "5 p.m. Monday", "5 p.m. Sept. 7"
      const bool zone = next.size() >= 2 && next.size() <= 4 && std::ranges::all_of(next, IsUpper);
      return !zone && !IsDateWord(next);
    }
    return starter || (digit && !follower.bracket && word.size() == 3) ||
           (follower.quote && follower.char_class == CharClass::kUpper);
  }
  return AbbreviationEnds(word, follower);
}

bool Decider::Ends(Mark mark, std::size_t begin, const Closers& closers) const {
  if (closers.end >= end_) return true;
  if (mark == Mark::kWide) {
    const bool decimal = begin > from_ && IsDigit(text_[begin - 1]) && IsDigit(text_[closers.end]);
    return !decimal && WideEnds(closers.end);
  }
  if (SpaceLength(text_, closers.end) == 0) return GluedEnds(mark, begin, closers);
  const Follower follower = ReadFollower(text_, closers.end, end_);
  if (follower.at >= end_) return true;
  switch (mark) {
    case Mark::kStrong:
      return StrongEnds(begin, closers, follower);
    case Mark::kEllipsis:
      return follower.char_class == CharClass::kUpper || text_[follower.at] == '#' ||
             follower.char_class == CharClass::kLetter ||
             follower.char_class == CharClass::kIdeograph;
    default:
      return DotEnds(begin, closers, follower);
  }
}

// Past a code span that opens at `at`, or 0.
std::size_t SkipCode(std::string_view text, std::size_t at, std::size_t end) {
  std::size_t ticks = 1;
  while (at + ticks < end && text[at + ticks] == '`') ++ticks;
  const std::string_view window = text.substr(at + ticks, std::min(kWindow, end - at - ticks));
  const std::size_t close = window.find(text.substr(at, ticks));
  // ``quoted'' is TeX's way to write quotation marks.
  if (ticks == 2 && window.find("''") < close) return at + ticks;
  return close == std::string_view::npos ? at + ticks : at + ticks + close + ticks;
}

// Past the bracket that matches the one at `at` if that is near, else 0.
std::size_t MatchBracket(std::string_view text, std::size_t at, std::size_t end) {
  const char open = text[at];
  const char close = open == '(' ? ')' : ']';
  const std::size_t limit = std::min(end, at + kWindow);
  int depth = 0;
  for (std::size_t i = at; i < limit; ++i) {
    if (text[i] == open) ++depth;
    if (text[i] == close && --depth == 0) return i + 1;
  }
  return 0;
}

}  // namespace

std::size_t NextBoundary(std::string_view text, std::size_t from, std::size_t end) {
  const Decider decider(text, from, end);
  std::size_t bracket_end = 0;       // no sentence ends before it
  std::size_t next_bracket_try = 0;  // keeps unmatched brackets linear
  std::size_t at = from;
  while (at < end) {
    if (!kInteresting[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    if (text[at] == '`') {
      at = SkipCode(text, at, end);
      continue;
    }
    if (text[at] == '(' || text[at] == '[') {
      if (at > from && at >= bracket_end && at >= next_bracket_try) {
        bracket_end = MatchBracket(text, at, end);
        if (bracket_end == 0) next_bracket_try = at + kWindow;
      }
      ++at;
      continue;
    }
    MarkAt mark = ReadMark(text, at);
    if (mark.mark == Mark::kNone) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    Mark kind = mark.mark;
    at += mark.size_bytes;
    std::size_t dots = kind == Mark::kDot ? 1 : 0;
    while (at < end && (mark = ReadMark(text, at)).mark != Mark::kNone) {
      if (mark.mark == Mark::kDot) ++dots;
      if (mark.mark == Mark::kStrong || mark.mark == Mark::kWide ||
          (mark.mark == Mark::kEllipsis && kind == Mark::kDot)) {
        kind = mark.mark;
      }
      at += mark.size_bytes;
    }
    if (dots >= 2 && kind == Mark::kDot) kind = Mark::kEllipsis;
    const Closers closers = ReadClosers(text, at, end);
    // A sentence holds more than its terminator.
    if (begin == from && closers.end < end) continue;
    if (closers.end < bracket_end) continue;
    if (decider.Ends(kind, begin, closers)) return closers.end;
  }
  return end;
}

}  // namespace assay::text::segment
