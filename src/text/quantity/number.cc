#include <array>
#include <charconv>
#include <cmath>

#include "quantity/number_internal.h"

namespace assay::text::quantity {
namespace {

constexpr int kMaxGroups = 5;             // more groups of three are a list: "209,251,261,..."
constexpr std::uint32_t kMaxDigits = 40;  // longer runs are identifiers, not numbers

std::uint32_t DigitRun(const Reader& r, std::uint32_t at) {
  std::uint32_t end = at;
  while (IsDigit(r.At(end))) ++end;
  return end - at;
}

// Bytes of a blank that may group digits at `at`: blank, no-break, narrow and thin ones.
std::uint32_t GroupBlankBytes(const Reader& r, std::uint32_t at) {
  if (r.At(at) == ' ') return 1;
  if (r.Has(at, "\xC2\xA0")) return 2;
  return r.Has(at, "\xE2\x80\xAF") || r.Has(at, "\xE2\x80\x89") ? 3 : 0;
}

// Groups of three digits behind `at`, each after `separator` (0: a blank); the end of the last.
std::uint32_t SkipGroups(const Reader& r, std::uint32_t at, char separator, int& groups) {
  groups = 0;
  for (;;) {
    const std::uint32_t bytes = separator == 0          ? GroupBlankBytes(r, at)
                                : r.At(at) == separator ? 1U
                                                        : 0U;
    if (bytes == 0 || DigitRun(r, at + bytes) != 3) return at;
    at += bytes + 3;
    ++groups;
  }
}

// "1,00,000": groups of two before a last one of three.
std::uint32_t SkipIndianGroups(const Reader& r, std::uint32_t at) {
  std::uint32_t end = at;
  int pairs = 0;
  while (r.At(end) == ',' && DigitRun(r, end + 1) == 2) {
    end += 3;
    ++pairs;
  }
  return pairs > 0 && r.At(end) == ',' && DigitRun(r, end + 1) == 3 ? end + 4 : at;
}

// Digits of [begin, end) with `decimal` as the point, everything else dropped.
double ValueOf(const Reader& r, std::uint32_t begin, std::uint32_t end, char decimal) {
  std::array<char, 2 * kMaxDigits + 2> buffer;
  std::size_t n = 0;
  for (std::uint32_t i = begin; i < end && n < buffer.size(); ++i) {
    const char c = r.At(i);
    if (IsDigit(c)) buffer[n++] = c;
    if (c == decimal && decimal != 0) buffer[n++] = '.';
  }
  double value = 0;
  std::from_chars(buffer.data(), buffer.data() + n, value);
  return value;
}

struct Mantissa {
  std::uint32_t end;
  char decimal;            // 0: none
  std::uint32_t decimals;  // digits after it
  bool grouped;
};

// Finds the separators of the number at `at`; English unless the number shows otherwise.
Mantissa ReadMantissa(const Reader& r, std::uint32_t at) {
  const std::uint32_t lead = DigitRun(r, at);
  Mantissa m{at + lead, 0, 0, false};
  int groups = 0;
  if (lead <= 3) {
    if (const std::uint32_t end = SkipGroups(r, m.end, ',', groups);
        groups > 0 && groups <= kMaxGroups) {
      m.end = end;
      m.grouped = true;
    } else if (const std::uint32_t dots = SkipGroups(r, m.end, '.', groups);
               groups > 1 || (groups == 1 && r.At(dots) == ',' && DigitRun(r, dots + 1) > 0 &&
                              DigitRun(r, dots + 1) != 3)) {
      m.end = dots;
      m.grouped = true;
      if (r.At(dots) == ',' && DigitRun(r, dots + 1) > 0) {
        m.decimal = ',';
        m.decimals = DigitRun(r, dots + 1);
        m.end += 1 + m.decimals;
      }
      return m;
    } else if (const std::uint32_t indian = SkipIndianGroups(r, m.end); indian != m.end) {
      m.end = indian;
      m.grouped = true;
    } else if (r.At(at) != '0' && !IsDigit(r.Before(r.SkipSpaceBack(at)))) {
      const std::uint32_t blanks = SkipGroups(r, m.end, 0, groups);
      if (groups > 0 && !IsAlnum(r.At(blanks)) && r.At(blanks) != '-' && r.At(blanks) != ':') {
        m.end = blanks;
        m.grouped = true;
      }
    }
  }
  if (r.At(m.end) == '.' && IsDigit(r.At(m.end + 1))) {
    m.decimal = '.';
    m.decimals = DigitRun(r, m.end + 1);
    m.end += 1 + m.decimals;
  } else if (!m.grouped && r.At(m.end) == ',' && !IsDigit(r.Before(at))) {
    // "12,5 %", "3,99 EUR": one comma, one or two digits, then a sign that says it is one number.
    const std::uint32_t digits = DigitRun(r, m.end + 1);
    const std::uint32_t after = r.SkipSpace(m.end + 1 + digits);
    if (digits >= 1 && digits <= 2 &&
        (r.At(after) == '%' || r.Has(after, "\xE2\x82\xAC") || r.Has(after, "EUR"))) {
      m.decimal = ',';
      m.decimals = digits;
      m.end += 1 + digits;
    }
  }
  return m;
}

// "e6", "E-3", " x 10^6", " × 10^6" after the mantissa.
void ReadExponent(const Reader& r, Number& n) {
  std::uint32_t at = n.end;
  if (r.At(at) == 'e' || r.At(at) == 'E') {
    ++at;
  } else {
    at = r.SkipSpace(at);
    const std::uint32_t times = r.At(at) == 'x' ? 1U : r.Has(at, "\xC3\x97") ? 2U : 0U;
    if (times == 0) return;
    at = r.SkipSpace(at + times);
    if (!r.Has(at, "10^")) return;
    at += 3;
  }
  const bool negative = r.At(at) == '-';
  if (negative || r.At(at) == '+') ++at;
  const std::uint32_t digits = DigitRun(r, at);
  if (digits == 0 || digits > 3 || IsAlnum(r.At(at + digits))) return;
  const double exponent = ValueOf(r, at, at + digits, 0);
  const double factor = std::pow(10.0, negative ? -exponent : exponent);
  if (!std::isfinite(n.value * factor) || factor == 0) return;
  n.value *= factor;
  n.half_width *= factor;
  n.end = at + digits;
  n.is_integer = false;
  n.digits = 0;
}

// "3/4", and "2 1/2" or "2½" after an integer.
void ReadFraction(const Reader& r, Number& n) {
  if (n.digits == 0) return;
  if (const auto sign = ReadFractionSign(r, r.At(n.end) == ' ' ? n.end + 1 : n.end)) {
    n.value += sign->value;
    n.end = sign->end;
    n.is_integer = false;
    n.digits = 0;
    n.half_width = sign->half_width;
    return;
  }
  std::uint32_t top = n.end;
  bool mixed = false;
  if ((r.At(top) == ' ' || r.At(top) == '-') && IsDigit(r.At(top + 1))) {
    top += 1 + DigitRun(r, top + 1);
    mixed = true;
  }
  if (r.At(top) != '/' || !IsDigit(r.At(top + 1))) return;
  const std::uint32_t bottom_digits = DigitRun(r, top + 1);
  const std::uint32_t end = top + 1 + bottom_digits;
  if (bottom_digits > 2 || r.At(end) == '/' || IsAlpha(r.At(end))) return;
  const double above = mixed ? ValueOf(r, n.end + 1, top, 0) : n.value;
  const double below = ValueOf(r, top + 1, end, 0);
  if (above < 1 || above >= below || r.At(top + 1) == '0') return;
  n.value = mixed ? n.value + above / below : above / below;
  n.end = end;
  n.half_width = 0.005;
  n.is_integer = false;
  n.is_part = !mixed;
  n.digits = 0;
}

void Scale(Number& n, double factor, std::uint32_t end) {
  n.value *= factor;
  n.half_width *= factor;
  n.end = end;
  n.has_scale = true;
  n.is_integer = false;
  n.digits = 0;
}

bool Hyphen(const Reader& r, std::uint32_t at) {
  return r.At(at) == '-' && IsAlpha(r.At(at + 1));
}

// The word after `at`, across blanks or one hyphen.
Word Following(const Reader& r, std::uint32_t at) {
  return Hyphen(r, at) ? r.WordAt(at + 1) : r.NextWord(at);
}

// Sums "two thousand three hundred and five" from `word` on.
struct Sum {
  double total = 0;
  double group = 0;
  double last = 0;  // value of the last word: what may follow depends on it
  bool any = false;
  bool ordinal = false;

  bool Take(const Word& word) {
    const Entry& e = *word.entry;
    if ((e.roles & kCardinal) != 0) return TakeSmall(e.number);
    if ((e.roles & kHundred) != 0) {
      if (!any || group == 0 || group > 99 || last >= 100) return false;
      group *= 100;
      last = 100;
      return true;
    }
    if ((e.roles & kScale) != 0) {
      if (!any || group == 0 || (total > 0 && total < e.number * 1000)) return false;
      total += group * e.number;
      group = 0;
      last = e.number;
      return true;
    }
    return false;
  }
  bool TakeSmall(double value) {
    const bool fits = !any || last >= 100 || (last >= 20 && last < 100 && value >= 1 && value < 10);
    if (!fits || (any && value == 0)) return false;
    group += value;
    last = value;
    any = true;
    return true;
  }
};

// "and a half", "and three quarters", "½" after a number in words or digits.
void ReadAndPart(const Reader& r, Number& n) {
  const Word conjunction = r.NextWord(n.end);
  if (!r.Equals(conjunction, "and")) return;
  const Word top = r.NextWord(conjunction.end);
  if (!top.Is(kArticle | kCardinal)) return;
  const Word part = Following(r, top.end);
  if (!part.Is(kPart) || r.Equals(part, "second")) return;
  const double above = top.Is(kArticle) ? 1 : top.entry->number;
  if (above < 1 || above >= part.entry->number) return;
  n.value += above / part.entry->number;
  n.half_width = 0.005;
  n.end = part.end;
  n.is_integer = false;
  n.digits = 0;
}

std::optional<Number> PartOf(double above, const Word& first, const Word& part) {
  if (above < 1 || above > part.entry->number) return std::nullopt;
  Number n{.begin = first.begin, .end = part.end, .value = above / part.entry->number};
  n.half_width = 0.005;
  n.in_words = n.is_part = true;
  n.is_integer = false;
  return n;
}

// "a dozen", "a hundred", "half a million", "a third", "a quarter"; nullopt for any other article.
std::optional<Number> ReadArticleNumber(const Reader& r, const Word& article) {
  const Word next = r.NextWord(article.end);
  Number n{.begin = article.begin, .end = next.end};
  n.in_words = true;
  if (next.Is(kDozen)) {
    n.value = 12;
    return n;
  }
  if (next.Is(kHundred | kScale)) {
    n.value = next.entry->number;
    n.half_width = n.value / 2;
    n.is_integer = false;
    ReadScale(r, false, n);
    return n;
  }
  if (next.Is(kPart) && !r.Equals(next, "second") && next.entry->number <= 10) {
    const Word after = r.NextWord(next.end);
    const bool share = r.Equals(after, "of") || next.Is(kHalf) || after.Is(kUnitWord);
    if (share) return PartOf(1, article, next);
  }
  return std::nullopt;
}

std::optional<Number> ReadHalf(const Reader& r, const Word& half) {
  if (r.At(half.end) == '-') {
    const Word after = r.WordAt(half.end + 1);
    if (!after.Is(kUnitWord | kScale | kDozen)) return std::nullopt;
  }
  const Word before = r.WordBefore(half.begin);
  if (before.Is(kOrdinal) || r.Equals(before, "other") || r.Equals(before, "better")) {
    return std::nullopt;
  }
  auto n = PartOf(1, half, half);
  Word next = Following(r, half.end);
  if (next.Is(kArticle)) next = r.NextWord(next.end);
  if (next.Is(kScale | kDozen)) {  // "half a million"
    n->value *= next.entry->number;
    n->half_width = next.Is(kDozen) ? 0.5 : 0.05 * next.entry->number;
    n->end = next.end;
    n->is_part = false;
    n->has_scale = next.Is(kScale);
  }
  return n;
}

}  // namespace

void ReadScale(const Reader& r, bool is_money, Number& n) {
  for (int i = 0; i < 2; ++i) {  // "3 thousand million"
    const char c = r.At(n.end);
    if (!n.in_words && !n.has_scale && !r.LetterBytes(n.end + 1) && !IsDigit(r.At(n.end + 1))) {
      if (c == 'k' || c == 'K') return Scale(n, 1e3, n.end + 1);
      if (c == 'M' || (c == 'm' && is_money)) return Scale(n, 1e6, n.end + 1);
      if (c == 'B' || (c == 'b' && is_money)) return Scale(n, 1e9, n.end + 1);
      if (c == 'T' && is_money) return Scale(n, 1e12, n.end + 1);
    }
    const Word word = Following(r, n.end);
    if (word.Is(kScale)) {
      Scale(n, word.entry->number, word.end);
    } else if (word.Is(kHundred) && n.value < 100 && !n.has_scale) {
      Scale(n, 100, word.end);
    } else if (word.Is(kDozen) && n.value < 100 && !n.has_scale) {
      Scale(n, 12, word.end);
    } else {
      return;
    }
  }
}

std::optional<Number> ReadFractionSign(const Reader& r, std::uint32_t at) {
  struct Sign {
    std::string_view bytes;
    double value;
  };
  static constexpr auto kSigns = std::to_array<Sign>({
      {"\xC2\xBC", 0.25},
      {"\xC2\xBD", 0.5},
      {"\xC2\xBE", 0.75},
      {"\xE2\x85\x93", 1.0 / 3},
      {"\xE2\x85\x94", 2.0 / 3},
      {"\xE2\x85\x95", 0.2},
      {"\xE2\x85\x96", 0.4},
      {"\xE2\x85\x97", 0.6},
      {"\xE2\x85\x98", 0.8},
      {"\xE2\x85\x99", 1.0 / 6},
      {"\xE2\x85\x9A", 5.0 / 6},
      {"\xE2\x85\x9B", 0.125},
      {"\xE2\x85\x9C", 0.375},
      {"\xE2\x85\x9D", 0.625},
      {"\xE2\x85\x9E", 0.875},
  });
  const char c = r.At(at);
  if (c != '\xC2' && c != '\xE2') return std::nullopt;
  for (const Sign& sign : kSigns) {
    if (!r.Has(at, sign.bytes)) continue;
    Number n{.begin = at, .end = at + static_cast<std::uint32_t>(sign.bytes.size())};
    n.value = sign.value;
    n.half_width = 0.005;
    n.is_integer = false;
    n.is_part = true;
    return n;
  }
  return std::nullopt;
}

std::optional<Number> ReadDigits(const Reader& r, std::uint32_t at) {
  Mantissa m = ReadMantissa(r, at);
  if (r.Before(at) == '.' && (at == 1 || !IsAlnum(r.At(at - 2)))) {  // ".5"
    --at;
    m = {at + 1 + DigitRun(r, at + 1), '.', DigitRun(r, at + 1), false};
  }
  if (m.end - at > kMaxDigits) return std::nullopt;
  Number n{.begin = at, .end = m.end};
  n.value = ValueOf(r, at, m.end, m.decimal);
  n.half_width = 0.5 * std::pow(10.0, -static_cast<double>(m.decimals));
  n.is_integer = m.decimal == 0;
  n.digits = m.decimal == 0 && !m.grouped ? m.end - at : 0;
  const std::uint32_t plain_end = n.end;
  ReadExponent(r, n);
  if (n.end == plain_end) ReadFraction(r, n);
  if (n.end == plain_end && n.digits > 0) {
    const std::string_view suffix = r.Slice(n.end, std::min(n.end + 2, r.size_bytes()));
    if ((suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th") &&
        !IsAlnum(r.At(n.end + 2))) {
      n.is_ordinal = true;
      n.end += 2;
      n.digits = 0;
      return n;
    }
    ReadAndPart(r, n);
  }
  return n;
}

std::optional<Number> ReadNumberWords(const Reader& r, const Word& first) {
  if (first.Is(kArticle)) return ReadArticleNumber(r, first);
  if (first.Is(kHalf)) return ReadHalf(r, first);
  Number n{.begin = first.begin, .end = first.end};
  n.in_words = true;
  if (first.Is(kOrdinal)) {
    n.value = first.entry->number;
    n.is_ordinal = true;
    return n;
  }
  Sum sum;
  if (!first.Is(kCardinal) || !sum.Take(first)) return std::nullopt;
  for (;;) {
    Word word = Following(r, n.end);
    if (word.entry == nullptr) break;
    if (r.Equals(word, "and") && sum.last >= 100) {
      word = r.NextWord(word.end);
      if (!word.Is(kCardinal)) break;
    }
    if (word.Is(kOrdinal) && (sum.last >= 100 || (sum.last >= 20 && word.entry->number < 10)) &&
        !r.Equals(word, "second")) {
      n.value = sum.total + sum.group + word.entry->number;
      n.is_ordinal = true;
      n.end = word.end;
      return n;
    }
    if (word.Is(kOrdinal) && sum.last >= 20 && sum.last < 100 &&
        Hyphen(r, n.end)) {  // twenty-second
      n.value = sum.total + sum.group + word.entry->number;
      n.is_ordinal = true;
      n.end = word.end;
      return n;
    }
    if (word.Is(kPart) && !word.Is(kHalf) && sum.total == 0 && sum.group < 100 &&
        (sum.group != 1 || r.At(word.end - 1) != 's')) {
      if (auto part = PartOf(sum.group, first, word)) return part;
      break;
    }
    if (word.Is(kHalf) && sum.group == 1 && sum.total == 0) return PartOf(1, first, word);
    // "nineteen eighty-four"
    if (word.Is(kCardinal) && sum.total == 0 && sum.group >= 11 && sum.group <= 20 &&
        word.entry->number >= 10 && sum.last == sum.group) {
      sum.total = sum.group * 100;
      sum.group = word.entry->number;
      sum.last = sum.group;
      n.is_year = true;
      n.end = word.end;
      continue;
    }
    if (!sum.Take(word)) break;
    n.end = word.end;
  }
  n.value = sum.total + sum.group;
  n.is_integer = sum.last < 1000;
  n.has_scale = sum.last >= 1000;
  if (sum.last >= 100) n.half_width = sum.last / 2;
  const std::uint32_t before = n.end;
  ReadAndPart(r, n);
  if (n.end != before || Following(r, n.end).Is(kDozen)) ReadScale(r, false, n);
  return n;
}

std::optional<Number> ReadNumber(const Reader& r, std::uint32_t at) {
  if (IsDigit(r.At(at))) return ReadDigits(r, at);
  if (const auto sign = ReadFractionSign(r, at)) return sign;
  const Word word = r.WordAt(at);
  return word.Is(kTrigger) ? ReadNumberWords(r, word) : std::nullopt;
}

int RomanValue(std::string_view letters) {
  static constexpr std::array<std::array<std::string_view, 9>, 3> kDigits = {{
      {"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"},
      {"X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"},
      {"C", "CC", "CCC", "CD", "D", "DC", "DCC", "DCCC", "CM"},
  }};
  int value = 0;
  int place = 100;
  for (std::size_t row = 3; row-- > 0; place /= 10) {
    std::size_t best = 0;
    for (std::size_t digit = 1; digit <= 9; ++digit) {
      const std::string_view form = kDigits[row][digit - 1];
      if (letters.starts_with(form) && (best == 0 || form.size() > kDigits[row][best - 1].size())) {
        best = digit;
      }
    }
    if (best == 0) continue;
    letters.remove_prefix(kDigits[row][best - 1].size());
    value += static_cast<int>(best) * place;
  }
  return letters.empty() ? value : 0;
}

}  // namespace assay::text::quantity
