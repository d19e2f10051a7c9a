#include "toml/scanner.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include <fmt/format.h>

#include "scalars.h"

namespace assay::config::toml {
namespace {

bool IsBare(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

bool IsHexDigit(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Control characters but the tab.
bool IsForbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7F;
}

bool IsDigitOf(char c, int base) {
  if (base == 16) return IsHexDigit(c);
  return c >= '0' && c < '0' + base;
}

// Digits of that base, single underscores between them.
bool AreDigits(std::string_view text, int base) {
  if (text.empty()) return false;
  bool digit_before = false;
  for (const char c : text) {
    if (c == '_' ? !digit_before : !IsDigitOf(c, base)) return false;
    digit_before = c != '_';
  }
  return digit_before;
}

}  // namespace

bool Scanner::Bad(std::size_t at, std::string problem) {
  problem_at_ = at;
  problem_ = std::move(problem);
  return false;
}

bool Scanner::SkipComment() {
  while (!AtEnd() && Peek() != '\n') {
    if (Peek() == '\r' && Peek(1) == '\n') return true;
    if (IsForbidden(Peek())) return Bad(at_, "a comment may not hold control characters");
    ++at_;
  }
  return true;
}

bool Scanner::SkipBlank() {
  while (!AtEnd()) {
    const char c = Peek();
    if (c == ' ' || c == '\t' || c == '\n') {
      ++at_;
    } else if (c == '\r' && Peek(1) == '\n') {
      at_ += 2;
    } else if (c == '#') {
      if (!SkipComment()) return false;
    } else {
      break;
    }
  }
  return true;
}

bool Scanner::EndLine() {
  SkipSpace();
  if (Peek() == '#' && !SkipComment()) return false;
  if (AtEnd() || Take('\n')) return true;
  if (Peek() == '\r' && Peek(1) == '\n') {
    at_ += 2;
    return true;
  }
  return Bad(at_, "the line must end here; every key stands in a line of its own");
}

bool Scanner::ReadKey(std::string_view& key) {
  if (Peek() == '"' || Peek() == '\'') return ReadString(key, false);
  const std::size_t begin = at_;
  while (IsBare(Peek())) ++at_;
  key = text_.substr(begin, at_ - begin);
  if (key.empty()) {
    return Bad(begin,
               "a key must stand here; put keys with other letters than A-Z a-z 0-9 _ - "
               "into quotes");
  }
  return true;
}

bool Scanner::ReadString(std::string_view& string, bool may_span_lines) {
  const char quote = Peek();
  const bool three = Peek(1) == quote && Peek(2) == quote;
  if (!three) return ReadOneLine(string, quote);
  if (!may_span_lines) return Bad(at_, "a key may not be a text of several lines");
  return ReadManyLines(string, quote);
}

bool Scanner::CheckCharacter(std::size_t at, bool many_lines) {
  const char c = text_[at];
  if (!IsForbidden(c)) return true;
  if (many_lines && (c == '\n' || (c == '\r' && at + 1 < text_.size() && text_[at + 1] == '\n'))) {
    return true;
  }
  return Bad(at, c == '\n' || c == '\r'
                     ? "the text has no end in its line; three quotes begin one of several lines"
                     : "a text may not hold control characters; write them as \\u00XX in double "
                       "quotes");
}

bool Scanner::ReadOneLine(std::string_view& string, char quote) {
  const std::size_t begin = ++at_;
  bool escaped = false;
  for (; !AtEnd() && text_[at_] != quote; ++at_) {
    if (text_[at_] == '\\' && quote == '"' && at_ + 1 < text_.size()) {
      escaped = true;
      ++at_;
    }
    if (!CheckCharacter(at_, false)) return false;
  }
  if (AtEnd()) return Bad(begin - 1, "the text has no end");
  const std::size_t end = at_++;
  if (escaped) return Unescape(begin, end, string);
  string = text_.substr(begin, end - begin);
  return true;
}

bool Scanner::ReadManyLines(std::string_view& string, char quote) {
  const std::size_t opening = at_;
  at_ += 3;
  if (Peek() == '\r' && Peek(1) == '\n') ++at_;
  if (Peek() == '\n') ++at_;
  const std::size_t begin = at_;
  bool escaped = false;
  while (true) {
    if (AtEnd()) return Bad(opening, "the text of several lines has no end");
    if (Peek() == quote && Peek(1) == quote && Peek(2) == quote) break;
    if (Peek() == '\\' && quote == '"' && at_ + 1 < text_.size()) {
      escaped = true;
      ++at_;
    }
    if (!CheckCharacter(at_, true)) return false;
    ++at_;
  }
  // Up to two quotes may stand right before the last three.
  for (int more = 0; more < 2 && Peek(3) == quote; ++more) ++at_;
  const std::size_t end = at_;
  at_ += 3;
  if (escaped) return Unescape(begin, end, string);
  string = text_.substr(begin, end - begin);
  return true;
}

bool Scanner::Unescape(std::size_t begin, std::size_t end, std::string_view& string) {
  char* const first = source_.arena.Reserve(end - begin);  // no escape is shorter than its text
  char* out = first;
  for (std::size_t i = begin; i < end;) {
    if (text_[i] != '\\') {
      *out++ = text_[i++];
    } else if (!UnescapeOne(i, end, out)) {
      return false;
    }
  }
  string = source_.arena.Keep(first, static_cast<std::size_t>(out - first));
  return true;
}

bool Scanner::UnescapeOne(std::size_t& at, std::size_t end, char*& out) {
  constexpr std::string_view kLetters = "\"\\bfnrt";
  constexpr std::string_view kMeanings = "\"\\\b\f\n\r\t";
  const std::size_t backslash = at++;
  const char letter = text_[at];
  if (const std::size_t which = kLetters.find(letter); which != std::string_view::npos) {
    *out++ = kMeanings[which];
    ++at;
    return true;
  }
  if (letter == 'u' || letter == 'U') {
    const std::size_t digits = letter == 'u' ? 4 : 8;
    const auto code_point = ReadHex(text_.substr(at + 1, end - at - 1), digits);
    if (!code_point || !IsScalarValue(*code_point)) {
      return Bad(backslash,
                 fmt::format("the escape \\{} needs {} hexadecimal digits of a character", letter,
                             digits));
    }
    out = WriteUtf8(*code_point, out);
    at += 1 + digits;
    return true;
  }
  // A backslash at the end of a line takes all white space up to the next text with it.
  std::size_t next = at;
  bool line_ended = false;
  while (next < end && (text_[next] == ' ' || text_[next] == '\t' || text_[next] == '\n' ||
                        text_[next] == '\r')) {
    const char c = text_[next++];
    line_ended = line_ended || c == '\n';
    if (!line_ended && c == '\r' && (next >= end || text_[next] != '\n')) break;
  }
  if (!line_ended) return Bad(backslash, "there is no such escape; write \\\\ for a backslash");
  at = next;
  return true;
}

bool Scanner::ReadScalar(Value& value) {
  const auto at = static_cast<std::uint32_t>(at_);
  const char c = Peek();
  if (c == '"' || c == '\'') {
    std::string_view string;
    if (!ReadString(string, true)) return false;
    value = Value(string, at);
    return true;
  }
  const auto word = [&](std::string_view wanted) {
    return text_.substr(at_, wanted.size()) == wanted && !IsBare(Peek(wanted.size()));
  };
  if (word("true") || word("false")) {
    value = Value(c == 't', at);
    at_ += c == 't' ? 4 : 5;
    return true;
  }
  const bool signed_word = c == '+' || c == '-' || c == 'i' || c == 'n';
  if (!IsDigit(c) && !signed_word) {
    return Bad(at,
               "a value must stand here: a text in quotes, a number, a date, true, false, a "
               "list or a table");
  }
  const bool date = IsDigit(Peek(1)) && IsDigit(Peek(2)) && IsDigit(Peek(3)) && Peek(4) == '-';
  if (IsDigit(c) && (date || (IsDigit(Peek(1)) && Peek(2) == ':'))) return ReadTemporal(value);
  return ReadNumber(value);
}

bool Scanner::ReadNumber(Value& value) {
  const std::size_t begin = at_;
  while (IsBare(Peek()) || Peek() == '+' || Peek() == '.') ++at_;
  std::string_view word = text_.substr(begin, at_ - begin);
  const auto at = static_cast<std::uint32_t>(begin);
  const bool negative = word.starts_with('-');
  const bool has_sign = negative || word.starts_with('+');
  const std::string_view magnitude = has_sign ? word.substr(1) : word;
  bool ok = false;
  if (magnitude == "inf" || magnitude == "nan") {
    const double number = magnitude == "inf" ? std::numeric_limits<double>::infinity()
                                             : std::numeric_limits<double>::quiet_NaN();
    value = Value(negative ? -number : number, at);
    return true;
  }
  if (!has_sign && (word.starts_with("0x") || word.starts_with("0o") || word.starts_with("0b"))) {
    ok = ReadInteger(word, word[1] == 'x' ? 16 : word[1] == 'o' ? 8 : 2, value);
  } else if (magnitude.find_first_of(".eE") != std::string_view::npos) {
    ok = ReadFloat(word, value);
  } else {
    ok = ReadInteger(word, 10, value);
  }
  if (!ok && problem_.empty()) {
    return Bad(begin, fmt::format("'{}' is no number of TOML; put texts into quotes", word));
  }
  if (ok) value = value.as_float() ? Value(*value.as_float(), at) : Value(*value.as_integer(), at);
  return ok;
}

bool Scanner::ReadInteger(std::string_view word, int base, Value& value) {
  const bool negative = word.starts_with('-');
  std::string_view digits = word.substr(base != 10                            ? 2
                                        : (negative || word.starts_with('+')) ? 1
                                                                              : 0);
  if (!AreDigits(digits, base)) return false;
  if (base == 10 && digits.size() > 1 && digits[0] == '0') return false;
  scratch_.assign(negative ? "-" : "");
  for (const char c : digits) {
    if (c != '_') scratch_ += c;
  }
  std::int64_t integer = 0;
  const auto [end, error] =
      std::from_chars(scratch_.data(), scratch_.data() + scratch_.size(), integer, base);
  if (error != std::errc()) {
    return Bad(at_ - word.size(), fmt::format("the integer {} does not fit into 64 bits", word));
  }
  value = Value(integer);
  return true;
}

bool Scanner::ReadFloat(std::string_view word, Value& value) {
  // Underscores stand between digits alone, so they can go before the grammar of JSON is asked.
  scratch_.clear();
  for (std::size_t i = word.starts_with('+') ? 1 : 0; i < word.size(); ++i) {
    if (word[i] != '_') {
      scratch_ += word[i];
    } else if (i == 0 || !IsDigit(word[i - 1]) || i + 1 >= word.size() || !IsDigit(word[i + 1])) {
      return false;
    }
  }
  const Decimal decimal = ReadDecimal(scratch_);
  if (decimal.size == 0 || decimal.size != scratch_.size()) return false;
  const double infinity = std::numeric_limits<double>::infinity();
  value =
      Value(decimal.too_large ? (word.starts_with('-') ? -infinity : infinity) : decimal.number);
  return true;
}

bool Scanner::ReadField(int digits, int low, int high, int& field) {
  const std::size_t begin = at_;
  field = 0;
  for (int i = 0; i < digits; ++i) {
    if (!IsDigit(Peek())) return Bad(begin, "this is no date or time as in RFC 3339");
    field = field * 10 + (Peek() - '0');
    ++at_;
  }
  if (field >= low && field <= high) return true;
  return Bad(begin, fmt::format("this part of a date or time must be from {} to {}", low, high));
}

bool Scanner::ReadDate() {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!ReadField(4, 0, 9999, year)) return false;
  if (!Take('-')) return Bad(at_, "a date is written as 1979-05-27");
  if (!ReadField(2, 1, 12, month)) return false;
  if (!Take('-')) return Bad(at_, "a date is written as 1979-05-27");
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int days = kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
  return ReadField(2, 1, days, day);
}

bool Scanner::ReadTime() {
  int field = 0;
  if (!ReadField(2, 0, 23, field)) return false;
  if (!Take(':')) return Bad(at_, "a time is written as 07:32:00");
  if (!ReadField(2, 0, 59, field)) return false;
  if (!Take(':')) return Bad(at_, "a time needs its seconds: 07:32:00");
  if (!ReadField(2, 0, 60, field)) return false;  // 60: RFC 3339 has leap seconds
  if (!Take('.')) return true;
  if (!IsDigit(Peek())) return Bad(at_, "digits must stand after the point");
  while (IsDigit(Peek())) ++at_;
  return true;
}

bool Scanner::ReadOffset() {
  if (Take('Z') || Take('z')) return true;
  if (Peek() != '+' && Peek() != '-') return true;
  ++at_;
  int field = 0;
  if (!ReadField(2, 0, 23, field)) return false;
  if (!Take(':')) return Bad(at_, "an offset is written as +02:00");
  return ReadField(2, 0, 59, field);
}

bool Scanner::ReadTemporal(Value& value) {
  const std::size_t begin = at_;
  std::size_t separator = std::string_view::npos;
  if (Peek(2) == ':') {
    if (!ReadTime()) return false;
  } else {
    if (!ReadDate()) return false;
    const bool time = Peek() == 'T' || Peek() == 't' || (Peek() == ' ' && IsDigit(Peek(1)));
    if (time) {
      separator = at_++;
      if (!ReadTime() || !ReadOffset()) return false;
    }
  }
  std::string_view written = text_.substr(begin, at_ - begin);
  const bool plain = separator == std::string_view::npos || text_[separator] == 'T';
  if (!plain || written.ends_with('z')) {
    scratch_.assign(written);
    if (!plain) scratch_[separator - begin] = 'T';
    if (scratch_.back() == 'z') scratch_.back() = 'Z';
    written = source_.arena.Text(scratch_);
  }
  value = Value(written, static_cast<std::uint32_t>(begin));
  return true;
}

}  // namespace assay::config::toml
