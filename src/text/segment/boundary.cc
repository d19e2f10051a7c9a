#include <algorithm>
#include <array>
#include <cstdint>

#include "assay/text/utf8.h"

#include "segment/abbreviations_internal.h"
#include "segment/boundary_internal.h"

namespace assay::text::segment {
namespace {

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsUpper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool IsAlpha(char c) {
  return IsUpper(c) || IsLower(c);
}
constexpr bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
constexpr bool IsNonAscii(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

enum class Mark : std::uint8_t { kNone, kDot, kStrong, kEllipsis, kWide };

struct MarkAt {
  Mark mark = Mark::kNone;
  std::size_t size_bytes = 0;
};

// Bytes that a terminator or a span to skip can start with.
constexpr auto kInteresting = [] {
  std::array<bool, 256> table{};
  for (const char c : {'.', '!', '?', '(', '[', '`'}) table[static_cast<unsigned char>(c)] = true;
  // Lead bytes of U+061F, U+06D4 (D8, DB), U+0964, U+0965, U+1362 (E0, E1), U+2026, U+203C..2049
  // (E2), U+3002 (E3), and the full-width and half-width forms (EF).
  for (const std::size_t c : {0xD8U, 0xDBU, 0xE0U, 0xE1U, 0xE2U, 0xE3U, 0xEFU}) table[c] = true;
  return table;
}();

MarkAt ReadMark(std::string_view text, std::size_t at) {
  switch (text[at]) {
    case '.':
      return {Mark::kDot, 1};
    case '!':
    case '?':
      return {Mark::kStrong, 1};
    default:
      break;
  }
  if (!IsNonAscii(text[at])) return {};
  const Decoded decoded = DecodeUtf8(text, at);
  switch (decoded.code_point) {
    case 0x2026:
      return {Mark::kEllipsis, 3};
    case 0x061F:
    case 0x06D4:
    case 0x0964:
    case 0x0965:
    case 0x1362:
    case 0x203C:
    case 0x203D:
    case 0x2047:
    case 0x2048:
    case 0x2049:
      return {Mark::kStrong, decoded.size_bytes};
    case 0x3002:
    case 0xFF0E:
    case 0xFF01:
    case 0xFF1F:
    case 0xFF61:
      return {Mark::kWide, decoded.size_bytes};
    default:
      return {};
  }
}

std::size_t SpaceLength(std::string_view text, std::size_t at) {
  if (IsSpace(text[at])) return 1;
  if (!IsNonAscii(text[at])) return 0;
  const Decoded decoded = DecodeUtf8(text, at);
  return decoded.valid && Classify(decoded.code_point) == CharClass::kSpace ? decoded.size_bytes
                                                                            : 0;
}

// What stands between the terminator and the next word.
struct Closers {
  std::size_t end = 0;
  bool quote_or_bracket = false;
};

// Closing quotes, brackets, emphasis marks and citation marks such as "[12]" after a terminator.
Closers ReadClosers(std::string_view text, std::size_t at, std::size_t end) {
  Closers closers{at, false};
  while (closers.end < end) {
    const char c = text[closers.end];
    if (c == ' ' && closers.end + 2 < end && text[closers.end + 1] == '[' &&
        IsDigit(text[closers.end + 2])) {
      ++closers.end;  // "true. [1]"
    } else if (c == '*' || c == '_') {
      ++closers.end;
    } else if (c == '"' || c == '\'' || c == ')' || c == ']' || c == '}') {
      closers.quote_or_bracket = true;
      ++closers.end;
    } else if (c == '[') {
      std::size_t close = closers.end + 1;
      while (close < end && close < closers.end + 12 && text[close] != ']' &&
             !IsSpace(text[close])) {
        ++close;
      }
      if (close >= end || text[close] != ']' || close == closers.end + 1) return closers;
      closers.end = close + 1;
    } else if (IsNonAscii(c)) {
      const Decoded decoded = DecodeUtf8(text, closers.end);
      const CharClass char_class = Classify(decoded.code_point);
      // U+201C closes a German quotation, but never right after a terminator in English.
      if (!decoded.valid ||
          (char_class != CharClass::kFinalQuote && char_class != CharClass::kClose)) {
        return closers;
      }
      closers.quote_or_bracket = true;
      closers.end += decoded.size_bytes;
    } else {
      return closers;
    }
  }
  return closers;
}

// The first letter, digit or other sign of the next sentence, past white space and openers (at most
// kWindow bytes of them).
struct Follower {
  std::size_t at = 0;  // == the block's end where nothing follows
  CharClass char_class = CharClass::kOther;
  bool quote = false;    // an opening quote stands before it
  bool bracket = false;  // an opening bracket stands before it
};

Follower ReadFollower(std::string_view text, std::size_t at, std::size_t end) {
  end = std::min(end, at + kWindow);
  Follower follower{at, CharClass::kOther, false, false};
  while (follower.at < end) {
    const char c = text[follower.at];
    if (const std::size_t space = SpaceLength(text, follower.at); space > 0) {
      follower.at += space;
      continue;
    }
    if (c == '"' || c == '\'') {
      follower.quote = true;
      ++follower.at;
    } else if (c == '(' || c == '[' || c == '{') {
      follower.bracket = true;
      ++follower.at;
    } else if (c == '*' || c == '_' || c == '`' || c == '>') {
      ++follower.at;
    } else {
      const Decoded decoded = DecodeUtf8(text, follower.at);
      follower.char_class = decoded.valid ? Classify(decoded.code_point) : CharClass::kLetter;
      if (follower.char_class == CharClass::kInitialQuote) {
        follower.quote = true;
      } else if (follower.char_class == CharClass::kOpen) {
        follower.bracket = true;
      } else {
        return follower;
      }
      follower.at += decoded.size_bytes;
    }
  }
  return follower;
}

// The part of a compound that an abbreviation can be: "Gov" of "then-Gov".
std::string_view AfterHyphen(std::string_view word) {
  const std::size_t hyphen = word.rfind('-');
  return hyphen == std::string_view::npos ? word : word.substr(hyphen + 1);
}

// The word (ASCII letters, other letters, digits, inner dots, hyphens and apostrophes) that ends at
// `at`; at most 40 bytes of it. Tokenised text has a space before the dot.
std::string_view WordBefore(std::string_view text, std::size_t from, std::size_t at) {
  if (at > from && text[at - 1] == ' ') --at;
  std::size_t begin = at;
  while (begin > from && at - begin < 40) {
    const char c = text[begin - 1];
    if (!IsAlpha(c) && !IsDigit(c) && !IsNonAscii(c) && c != '.' && c != '-' && c != '\'' &&
        c != '&') {
      break;
    }
    --begin;
  }
  // Typographic quotes and dashes before the word belong to no word.
  for (std::size_t i = begin; i < at;) {
    const Decoded decoded = DecodeUtf8(text, i);
    const bool part = decoded.code_point < 0x80 || decoded.code_point == 0x2019 ||
                      IsWordPart(Classify(decoded.code_point)) || !decoded.valid;
    i += decoded.size_bytes;
    if (!part) begin = std::min(i, at);
  }
  return text.substr(begin, at - begin);
}

std::string_view WordAt(std::string_view text, std::size_t at, std::size_t end) {
  std::size_t stop = at;
  while (stop < end && stop - at < 40 && (IsAlpha(text[stop]) || IsNonAscii(text[stop]))) ++stop;
  return text.substr(at, stop - at);
}

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
