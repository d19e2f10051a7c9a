#include "assay/consensus/final_answer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "assay/text/segment.h"
#include "assay/text/utf8.h"

namespace assay::consensus {
namespace {

constexpr std::size_t kShortWords = 5;  // a whole answer of so many words is its own final
constexpr double kSameNumber = 1e-6;    // relative
constexpr std::size_t kMaxTextBytes = 200;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsAlpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '*' || c == '_' || c == '`';
}

// Whether `lower` stands at `at`, in any case.
bool StandsAt(std::string_view text, std::size_t at, std::string_view lower) {
  if (at > text.size() || text.size() - at < lower.size()) return false;
  return std::equal(lower.begin(), lower.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char want, char got) { return want == Lower(got); });
}

// A byte range of the answer.
struct Part {
  std::size_t begin = 0;
  std::size_t end = 0;
};

Part Trim(std::string_view text, Part part) {
  while (part.begin < part.end && IsBlank(text[part.begin])) ++part.begin;
  while (part.end > part.begin && IsBlank(text[part.end - 1])) --part.end;
  return part;
}

struct Marker {
  std::string_view lower;
  bool at_line_start;
};
constexpr std::array kMarkers = {
    Marker{"####", false},
    Marker{"final answer:", false},
    Marker{"final answer is", false},
    Marker{"the answer is", false},
    Marker{"correct answer is", false},
    Marker{"answer:", true},
    Marker{"a:", true},
};
constexpr std::string_view kBoxed = "\\boxed{";

bool AtLineStart(std::string_view text, std::size_t at) {
  while (at > 0 && IsBlank(text[at - 1]) && text[at - 1] != '\n') --at;
  return at == 0 || text[at - 1] == '\n';
}

// What stands behind the last marker, to the end of its line or brace.
std::optional<Part> MarkedPart(std::string_view text) {
  std::optional<Part> found;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = Lower(text[at]);
    if (c == '\\' && StandsAt(text, at, kBoxed)) {
      const std::size_t begin = at + kBoxed.size();
      const std::size_t end = text.find('}', begin);
      if (end != std::string_view::npos) found = Trim(text, {begin, end});
      continue;
    }
    if (c != '#' && c != 'f' && c != 't' && c != 'c' && c != 'a') continue;
    for (const Marker& marker : kMarkers) {
      if (!StandsAt(text, at, marker.lower)) continue;
      if (marker.at_line_start && !AtLineStart(text, at)) continue;
      std::size_t begin = at + marker.lower.size();
      while (begin < text.size() && (IsBlank(text[begin]) || text[begin] == ':')) ++begin;
      const Part part = Trim(text, {begin, std::min(text.size(), text.find('\n', begin))});
      if (part.begin < part.end) found = part;
      break;
    }
  }
  return found;
}

// A number that starts at `at`: sign, currency, digits with commas between thousands, decimals.
struct ParsedNumber {
  double value = 0;
  Part part;
};

std::optional<double> ReadDigits(std::string_view text, std::size_t& at) {
  std::array<char, 64> digits;
  std::size_t size = 0;
  bool dot = false;
  const auto put = [&](char c) {
    if (size < digits.size()) digits[size++] = c;
  };
  while (at < text.size()) {
    const bool more = at + 1 < text.size() && IsDigit(text[at + 1]);
    if (IsDigit(text[at])) {
      put(text[at]);
    } else if (text[at] == '.' && more && !dot) {
      dot = true;
      put('.');
    } else if (text[at] == ',' && !dot && size > 0 && more && at + 3 < text.size() &&
               IsDigit(text[at + 2]) && IsDigit(text[at + 3])) {
    } else {
      break;
    }
    ++at;
  }
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + size, value);
  if (size == 0 || read.ec != std::errc() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Behind the digits: "3/4", "1.2 million", "1e6" is not read.
void ReadTail(std::string_view text, std::size_t& at, double& value) {
  if (at + 1 < text.size() && text[at] == '/' && IsDigit(text[at + 1])) {
    std::size_t after = at + 1;
    const std::optional<double> under = ReadDigits(text, after);
    if (under && *under != 0) {
      value /= *under;
      at = after;
    }
    return;
  }
  struct Scale {
    std::string_view word;
    double factor;
  };
  for (const Scale& scale :
       {Scale{" thousand", 1e3}, Scale{" million", 1e6}, Scale{" billion", 1e9}}) {
    if (!StandsAt(text, at, scale.word)) continue;
    value *= scale.factor;
    at += scale.word.size();
  }
}

std::optional<ParsedNumber> NumberAt(std::string_view text, std::size_t at) {
  const std::size_t begin = at;
  bool negative = false;
  const auto sign = [&] {
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
  };
  sign();
  for (const std::string_view currency : {"$", "\\$", "€", "£"}) {
    if (!text.substr(at).starts_with(currency)) continue;
    at += currency.size();
    sign();
    break;
  }
  if (at >= text.size() ||
      !(IsDigit(text[at]) || (text[at] == '.' && at + 1 < text.size() && IsDigit(text[at + 1])))) {
    return std::nullopt;
  }
  std::optional<double> value = ReadDigits(text, at);
  if (!value) return std::nullopt;
  ReadTail(text, at, *value);
  return ParsedNumber{negative ? -*value : *value, {begin, at}};
}

// The first or the last number of a part. One that is glued to letters before it ("x2") is none.
std::optional<ParsedNumber> FindNumber(std::string_view text, Part part, bool last) {
  std::optional<ParsedNumber> found;
  const std::string_view inside = text.substr(0, part.end);
  for (std::size_t at = part.begin; at < part.end;) {
    const bool glued = at > part.begin && (IsAlpha(text[at - 1]) || IsDigit(text[at - 1]));
    const bool minus_of_sum = text[at] == '-' && at > part.begin && !IsBlank(text[at - 1]) &&
                              text[at - 1] != '$' && text[at - 1] != '=' && text[at - 1] != '(';
    std::optional<ParsedNumber> number;
    if (!glued && !minus_of_sum) number = NumberAt(inside, at);
    if (!number) {
      ++at;
      continue;
    }
    found = number;
    if (!last) break;
    at = number->part.end;
  }
  return found;
}

FinalAnswer NumberFinal(const ParsedNumber& number) {
  FinalAnswer out;
  out.kind = FinalKind::kNumber;
  out.number = number.value == 0 ? 0 : number.value;  // no minus zero
  out.text = fmt::format("{}", out.number);
  out.span = {static_cast<std::uint32_t>(number.part.begin),
              static_cast<std::uint32_t>(number.part.end)};
  return out;
}

std::optional<FinalAnswer> ReadNumber(std::string_view text, Part part) {
  const std::size_t equals = text.substr(0, part.end).rfind('=');
  if (equals != std::string_view::npos && equals >= part.begin) part.begin = equals + 1;
  const auto number = FindNumber(text, part, false);
  if (!number) return std::nullopt;
  return NumberFinal(*number);
}

// "B", "(B)", "B.", "B) Paris".
std::optional<FinalAnswer> ReadChoice(std::string_view text, Part part, bool alone) {
  std::size_t at = part.begin;
  if (at < part.end && text[at] == '(') ++at;
  if (at >= part.end || text[at] < 'A' || text[at] > 'J') return std::nullopt;
  const bool last = at + 1 == part.end;
  const char next = last ? ')' : text[at + 1];
  if (next != ')' && next != '.' && next != ':' && next != ',' && (alone || next != ' ')) {
    return std::nullopt;
  }
  FinalAnswer out;
  out.kind = FinalKind::kChoice;
  out.text = std::string(1, text[at]);
  out.span = {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + 1)};
  return out;
}

std::optional<FinalAnswer> ReadYesNo(std::string_view text, Part part) {
  struct Word {
    std::string_view lower;
    std::string_view means;
  };
  for (const Word& word : {Word{"yes", "yes"}, Word{"no", "no"}, Word{"true", "yes"},
                           Word{"false", "no"}, Word{"correct", "yes"}, Word{"incorrect", "no"}}) {
    const std::size_t end = part.begin + word.lower.size();
    if (end > part.end || !StandsAt(text, part.begin, word.lower)) continue;
    if (end < part.end && text[end] != ',' && text[end] != '.' && text[end] != '!' &&
        text[end] != ';' && text[end] != ':') {
      continue;
    }
    FinalAnswer out;
    out.kind = FinalKind::kYesNo;
    out.text = word.means;
    out.span = {static_cast<std::uint32_t>(part.begin), static_cast<std::uint32_t>(end)};
    return out;
  }
  return std::nullopt;
}

std::optional<FinalAnswer> ReadWords(std::string_view text, Part part) {
  const std::string_view all =
      text.substr(part.begin, std::min(part.end - part.begin, kMaxTextBytes));
  std::vector<text::Span> words;
  text::SplitWords(all, words);
  FinalAnswer out;
  for (const text::Span word : words) {
    std::string folded;
    text::AppendFolded(word.of(all), folded);
    if (folded == "a" || folded == "an" || folded == "the") continue;
    if (!out.text.empty()) out.text += ' ';
    out.text += folded;
  }
  if (out.text.empty()) return std::nullopt;
  out.kind = FinalKind::kText;
  out.span = {static_cast<std::uint32_t>(part.begin), static_cast<std::uint32_t>(part.end)};
  return out;
}

// What a marked part, or a short answer as a whole, says.
FinalAnswer ReadPart(std::string_view text, Part part, FinalKind expected) {
  const auto any = [&](FinalKind kind) { return expected == FinalKind::kNone || expected == kind; };
  std::optional<FinalAnswer> out;
  if (any(FinalKind::kChoice)) out = ReadChoice(text, part, expected == FinalKind::kNone);
  if (!out && any(FinalKind::kYesNo)) out = ReadYesNo(text, part);
  if (!out && any(FinalKind::kNumber)) out = ReadNumber(text, part);
  if (!out && any(FinalKind::kText)) out = ReadWords(text, part);
  if (!out) return {};
  out->marked = true;
  return *std::move(out);
}

bool IsShort(std::string_view text, Part part) {
  const std::string_view all = text.substr(part.begin, part.end - part.begin);
  if (all.size() > kMaxTextBytes || all.find('\n') != std::string_view::npos) return false;
  std::vector<text::Span> words;
  text::SplitWords(all, words);
  return !words.empty() && words.size() <= kShortWords;
}

// "... so (B) is right": the last letter in brackets.
std::optional<FinalAnswer> LastChoice(std::string_view text) {
  for (std::size_t at = text.size(); at-- > 2;) {
    if (text[at] == ')' && text[at - 2] == '(') {
      if (auto out = ReadChoice(text, {at - 2, at + 1}, true)) return out;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view FinalKindName(FinalKind kind) {
  constexpr std::array<std::string_view, 5> kNames = {"none", "number", "choice", "yes_no", "text"};
  return kNames[static_cast<std::size_t>(kind)];
}

FinalAnswer ExtractFinal(std::string_view answer, FinalKind expected) {
  if (const auto part = MarkedPart(answer)) {
    FinalAnswer out = ReadPart(answer, *part, expected);
    if (out.kind != FinalKind::kNone) return out;
  }
  const Part whole = Trim(answer, {0, answer.size()});
  if (IsShort(answer, whole)) {
    FinalAnswer out = ReadPart(answer, whole, expected);
    if (out.kind != FinalKind::kNone) return out;
  }
  std::optional<FinalAnswer> out;
  if (expected == FinalKind::kNone || expected == FinalKind::kYesNo) out = ReadYesNo(answer, whole);
  if (expected == FinalKind::kChoice) {
    out = ReadChoice(answer, whole, true);
    if (!out) out = LastChoice(answer);
  }
  if (expected == FinalKind::kNumber) {
    if (const auto number = FindNumber(answer, whole, true)) out = NumberFinal(*number);
  }
  return out ? *std::move(out) : FinalAnswer{};
}

bool SameFinal(const FinalAnswer& a, const FinalAnswer& b) {
  if (a.kind != b.kind || a.kind == FinalKind::kNone) return false;
  if (a.kind != FinalKind::kNumber) return a.text == b.text;
  return std::abs(a.number - b.number) <=
         kSameNumber * std::max(std::abs(a.number), std::abs(b.number));
}

}  // namespace assay::consensus
