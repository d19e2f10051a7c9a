// What kind of value a word of a log line is, if it is one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace assay::logs::templates {

// The order is not stored; a template knows only whether a word is a value.
enum class WordKind : std::uint8_t {
  kWord,        // stands in the template
  kNumber,      // begins with a digit, perhaps behind a sign: 12, -3.5, 10.0.0.1, 0xff, 3G
  kIdentifier,  // blk_-38, attempt_1445_m_1, node-12, pod-8f3a991
  kPath,        // /var/log/x, ./x, C:\x
  kDate,        // Jan, Mon in front of a number or another such name
  kOther,       // true, false, null, a URL, a hardware address, what a mask of the user found
  kEnd,         // no word: the punctuation at the end of a line
};

[[nodiscard]] constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

[[nodiscard]] constexpr bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

[[nodiscard]] constexpr bool IsHexDigit(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Of a word that has a digit. Requires: !word.empty().
[[nodiscard]] WordKind KindWithDigits(std::string_view word);

// Of a word without a digit, but for dates. Requires: !word.empty().
[[nodiscard]] inline WordKind KindWithoutDigits(std::string_view word) {
  const char first = word.front();
  if (first == '/' && word.size() > 1 && word[1] != '/') return WordKind::kPath;
  if (first == '.' && word.size() > 2 && word[1] == '/') return WordKind::kPath;
  if (word.size() == 4 && (word == "true" || word == "null" || word == "NULL")) {
    return WordKind::kOther;
  }
  return word == "false" ? WordKind::kOther : WordKind::kWord;
}

// "Jan" ... "Dec", "Mon" ... "Sun". Requires: word.size() >= 3; looks at the first three bytes.
[[nodiscard]] bool IsMonthOrDayName(const char* word);
[[nodiscard]] inline bool IsMonthOrDay(const char* word) {  // most words do not begin in capitals
  return *word >= 'A' && *word <= 'W' && IsMonthOrDayName(word);
}

// Bytes that `text` begins with and that are an address like 00:1b:fe:04, of four pairs or more.
[[nodiscard]] std::size_t HardwareAddressLength(std::string_view text);

// Bytes that `text` begins with and that belong to a path or URL: up to white space, a bracket, a
// quote, ',' or ';'.
[[nodiscard]] std::size_t PathLength(std::string_view text);

// Bytes of " KB", " B", ... that `text` begins with: the unit of the number in front of it.
[[nodiscard]] std::size_t SizeUnitLength(std::string_view text);

}  // namespace assay::logs::templates
