// One line of a log as tokens: each is the punctuation in front of a word, and the word.
//
// Method: words are parted by white space and =:,;()[]{}<>'"|@#&. Runs of white space count as one
// space, so that columns do not matter. Values are told by their looks (word_kinds.h) and then
// stand for any value: numbers, identifiers, paths, URLs, hardware addresses, dates, truth values.
// A number takes its unit of size with it, a date its day, hour and year; lists of identifiers
// count as one; brackets with nothing in them behind a space hold an absent value; a name behind
// "for user" is a value.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "templates/byte_masks.h"
#include "templates/token_hash.h"
#include "templates/word_kinds.h"

namespace assay::logs::templates {

inline constexpr std::size_t kMaxTokens = 128;     // of one line; the rest counts as one value
inline constexpr std::size_t kMaxWordBytes = 256;  // longer words are values
inline constexpr char kMaskedByte = '\x1a';        // stands for what a mask of the user found

// A Sink has `void Take(const Punctuation&, WordKind, std::string_view word)`; the word is empty
// where the kind is not kWord.
template <class Sink>
class LineScanner {
 public:
  // `masks` are those of `buffer`; `masked`: kMaskedByte stands for a value.
  LineScanner(std::string_view buffer, const ByteMasks& masks, bool masked, Sink& sink)
      : buffer_(buffer), masks_(masks), masked_(masked), sink_(sink) {}

  // Hands the tokens of buffer[begin, end) to the sink. Any bytes are a line.
  void Scan(std::size_t begin, std::size_t end);

 private:
  [[nodiscard]] std::size_t TakePunctuation(std::size_t at, std::size_t end);
  [[nodiscard]] std::size_t TakeWord(std::size_t begin, std::size_t end);
  [[nodiscard]] std::size_t SpecialLength(std::string_view rest, std::size_t word_bytes);
  [[nodiscard]] WordKind KindOf(std::string_view word, std::size_t word_end,
                                std::size_t line_end) const;
  [[nodiscard]] static bool EndsSentence(char c) { return c == '.' || c == '!' || c == '?'; }
  void AddPunctuation(char c);
  void EmitWord(std::string_view word);
  void EmitNumber(std::string_view number);
  void EmitDate();
  void Emit(WordKind kind, std::string_view word);

  std::string_view buffer_;
  const ByteMasks& masks_;
  bool masked_;
  Sink& sink_;
  Punctuation before_;
  std::size_t tokens_ = 0;
  WordKind last_kind_ = WordKind::kEnd;
  std::uint64_t last_punctuation_ = 0;
  enum class Date : std::uint8_t { kNone, kNames, kTime } date_ = Date::kNone;
  std::uint8_t user_words_ = 0;  // 1 after "for", 2 after "for user"
};

template <class Sink>
void LineScanner<Sink>::Scan(std::size_t begin, std::size_t end) {
  while (begin < end && IsSpace(buffer_[end - 1])) --end;
  while (begin < end && IsSpace(buffer_[begin])) ++begin;
  before_.Clear();
  tokens_ = 0;
  last_kind_ = WordKind::kEnd;
  date_ = Date::kNone;
  user_words_ = 0;
  std::size_t at = begin;
  while (at < end) {
    at = TakePunctuation(at, end);
    if (at < end) at = TakeWord(at, end);
    if (tokens_ + 1 >= kMaxTokens && at < end) {
      Emit(WordKind::kOther, {});
      return;
    }
  }
  if (!before_.text().empty()) Emit(WordKind::kEnd, {});
}

template <class Sink>
std::size_t LineScanner<Sink>::TakePunctuation(std::size_t at, std::size_t end) {
  const std::size_t word = NextBit(masks_.delimiter, ~std::uint64_t{0}, at, end);
  for (; at < word && tokens_ + 2 < kMaxTokens; ++at) AddPunctuation(buffer_[at]);
  return word;
}

template <class Sink>
void LineScanner<Sink>::AddPunctuation(char c) {
  if (IsSpace(c)) {
    if (before_.EndsWith(' ')) return;
    c = ' ';
  }
  if (before_.full()) {
    if (tokens_ + 2 >= kMaxTokens) return;
    Emit(WordKind::kEnd, {});
  }
  if (c == ')' && before_.EndsWithSpaceAndBracket()) Emit(WordKind::kOther, {});
  before_.Add(c);
}

template <class Sink>
std::size_t LineScanner<Sink>::TakeWord(std::size_t begin, std::size_t end) {
  std::size_t word_end = NextBit(masks_.delimiter, 0, begin, end);
  const std::string_view rest = buffer_.substr(begin, end - begin);
  if (const std::size_t length = SpecialLength(rest, word_end - begin); length != 0) {
    Emit(WordKind::kOther, {});
    return begin + length;
  }
  if (AnyBit(masks_.dots, begin, word_end)) {
    const std::size_t dots = NextBit(masks_.dots, 0, begin, word_end);
    if (dots == begin) {
      while (begin < word_end && buffer_[begin] == '.') AddPunctuation(buffer_[begin++]);
      return begin;
    }
    word_end = dots;
  }
  while (word_end - begin > 1 && rest.front() != '/' && EndsSentence(buffer_[word_end - 1])) {
    --word_end;
  }
  const std::string_view word = rest.substr(0, word_end - begin);
  if (word.size() == 1 && EndsSentence(word.front())) {
    AddPunctuation(word.front());
    return word_end;
  }
  switch (const WordKind kind = KindOf(word, word_end, end); kind) {
    case WordKind::kWord:
      EmitWord(word);
      return word_end;
    case WordKind::kNumber:
      EmitNumber(word);
      return word_end + SizeUnitLength(rest.substr(word.size()));
    case WordKind::kDate:
      EmitDate();
      return word_end;
    default:
      Emit(kind, {});
      return word_end;
  }
}

// URLs, hardware addresses and Windows paths have delimiters in them. 0: it is none of these.
template <class Sink>
std::size_t LineScanner<Sink>::SpecialLength(std::string_view rest, std::size_t word_bytes) {
  if (rest.starts_with("//") && before_.EndsWith(':')) {
    AddPunctuation('/');
    AddPunctuation('/');
    return PathLength(rest);
  }
  if (word_bytes > 2 || word_bytes == rest.size() || rest[word_bytes] != ':') return 0;
  if (word_bytes == 2) return HardwareAddressLength(rest);
  const bool path = IsLetter(rest[0]) && rest.substr(2).starts_with('\\');
  return path ? 2 + PathLength(rest.substr(2)) : 0;
}

template <class Sink>
WordKind LineScanner<Sink>::KindOf(std::string_view word, std::size_t word_end,
                                   std::size_t line_end) const {
  if (word.size() > kMaxWordBytes) return WordKind::kOther;
  const std::size_t begin = word_end - word.size();
  if (AnyBit(masks_.digit, begin, word_end)) return KindWithDigits(word);
  if (masked_ && word.size() == 1 && word.front() == kMaskedByte) return WordKind::kOther;
  if (word.size() == 3 && IsMonthOrDay(word.data()) && word_end + 1 < line_end &&
      IsSpace(buffer_[word_end])) {
    const std::string_view next = buffer_.substr(word_end, line_end - word_end);
    const std::size_t at = std::min(next.size(), next.find_first_not_of(" \t"));
    if (at < next.size() && IsDigit(next[at])) return WordKind::kDate;
    if (at + 3 <= next.size() && IsMonthOrDay(next.data() + at)) return WordKind::kDate;
  }
  const WordKind kind = KindWithoutDigits(word);
  return kind == WordKind::kWord && user_words_ == 2 && before_.IsOnly(' ') ? WordKind::kOther
                                                                            : kind;
}

template <class Sink>
void LineScanner<Sink>::EmitWord(std::string_view word) {
  if (word == "for") {
    user_words_ = 1;
  } else {
    user_words_ = user_words_ == 1 && word == "user" ? 2 : 0;
  }
  const std::uint8_t user_words = user_words_;
  Emit(WordKind::kWord, word);
  user_words_ = user_words;
}

template <class Sink>
void LineScanner<Sink>::EmitNumber(std::string_view number) {
  const Date date = date_;
  if (date != Date::kNone && before_.IsOnly(' ')) {
    const bool year = number.size() == 4 && (number.starts_with("19") || number.starts_with("20"));
    if (date == Date::kNames || year) {
      before_.Clear();
      return;
    }
  }
  const bool time = date != Date::kNone && before_.IsOnly(':');
  Emit(WordKind::kNumber, {});
  if (time) date_ = Date::kTime;
}

template <class Sink>
void LineScanner<Sink>::EmitDate() {
  if (date_ == Date::kNames && before_.IsOnly(' ')) {
    before_.Clear();
    return;
  }
  Emit(WordKind::kDate, {});
  date_ = Date::kNames;
}

template <class Sink>
void LineScanner<Sink>::Emit(WordKind kind, std::string_view word) {
  date_ = Date::kNone;
  user_words_ = 0;
  const bool list =
      kind == WordKind::kIdentifier && last_kind_ == kind && last_punctuation_ == before_.hash();
  if (!list) {
    sink_.Take(before_, kind, word);
    ++tokens_;
    last_kind_ = kind;
    last_punctuation_ = before_.hash();
  }
  before_.Clear();
}

}  // namespace assay::logs::templates
