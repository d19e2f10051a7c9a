#include "templates/word_kinds.h"

#include <algorithm>
#include <array>

namespace assay::logs::templates {
namespace {

constexpr std::size_t kLongRun = 3;      // digits: an identifier, not the 2 of "jk2" or "log4j"
constexpr std::size_t kShortestHex = 4;  // letters and digits: "fe80", "deadbeef01"
constexpr std::size_t kFewestPairs = 4;  // of a hardware address; three are a time of day

constexpr std::array<std::string_view, 19> kMonthsAndDays = {
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
    "Nov", "Dec", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

bool IsPathEnd(char c) {
  return IsSpace(c) || std::string_view("'\",;()[]{}<>").find(c) != std::string_view::npos;
}

bool IsWordByte(char c) {
  return IsDigit(c) || IsLetter(c) || c == '_';
}

// -12 at the end: the number of a host or thread.
bool EndsInDashNumber(std::string_view word) {
  const auto last = word.find_last_not_of("0123456789");
  return last != std::string_view::npos && last + 1 < word.size() && word[last] == '-';
}

}  // namespace

WordKind KindWithDigits(std::string_view word) {
  const char first = word.front();
  if (IsDigit(first)) return WordKind::kNumber;
  if (word.size() > 1 && (first == '-' || first == '+' || first == '.' || first == '~' ||
                          first == '$' || first == '%')) {
    if (IsDigit(word[1]) || word[1] == '.') return WordKind::kNumber;
  }
  if (first == '/' || (first == '.' && word.size() > 2 && word[1] == '/')) return WordKind::kPath;
  std::size_t run = 0;
  bool hex = word.size() >= kShortestHex;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    hex = hex && IsHexDigit(c);
    if (!IsDigit(c)) {
      run = 0;
      continue;
    }
    const bool numbered =  // blk_12, blk_-12
        run == 0 && i > 0 &&
        (word[i - 1] == '_' || (word[i - 1] == '-' && i > 1 && word[i - 2] == '_'));
    if (++run >= kLongRun || numbered) return WordKind::kIdentifier;
  }
  return hex || EndsInDashNumber(word) ? WordKind::kIdentifier : WordKind::kWord;
}

bool IsMonthOrDayName(const char* word) {
  return std::ranges::find(kMonthsAndDays, std::string_view(word, 3)) != kMonthsAndDays.end();
}

std::size_t HardwareAddressLength(std::string_view text) {
  std::size_t pairs = 0;
  std::size_t at = 0;
  while (text.size() >= at + 2 && IsHexDigit(text[at]) && IsHexDigit(text[at + 1])) {
    ++pairs;
    at += 2;
    if (text.size() < at + 3 || text[at] != ':') break;
    if (!IsHexDigit(text[at + 1]) || !IsHexDigit(text[at + 2])) break;
    ++at;
  }
  if (pairs < kFewestPairs) return 0;
  return at < text.size() && (IsDigit(text[at]) || IsLetter(text[at])) ? 0 : at;
}

std::size_t PathLength(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if(text, IsPathEnd) - text.begin());
}

std::size_t SizeUnitLength(std::string_view text) {
  if (text.size() < 2 || !IsSpace(text[0])) return 0;
  const std::size_t letters =
      text[1] == 'B' ? 1
      : text.size() > 2 && text[2] == 'B' &&
              std::string_view("KMGTP").find(text[1]) != std::string_view::npos
          ? 2
          : 0;
  const std::size_t end = 1 + letters;
  if (letters == 0 || (end < text.size() && IsWordByte(text[end]))) return 0;
  return end;
}

}  // namespace assay::logs::templates
