#include <algorithm>
#include <cmath>

#include "quantity/measure_internal.h"

namespace assay::text::quantity {
namespace {

// A unit or another ending of a number.
struct Ending {
  std::uint32_t end = 0;  // 0: none
  std::uint8_t unit = 0;
  std::uint32_t currency = 0;
  double factor = 1;  // of cents, percent, basis points
  QuantityKind kind = QuantityKind::kNumber;
};

std::uint32_t SignCurrency(const Reader& r, std::uint32_t at, std::uint32_t& bytes) {
  bytes = 1;
  if (r.At(at) == '$') return kBareDollar;
  bytes = 2;
  if (r.Has(at, "\xC2\xA3")) return CurrencyCode("GBP");
  if (r.Has(at, "\xC2\xA5")) return CurrencyCode("JPY");
  bytes = 3;
  if (r.Has(at, "\xE2\x82\xAC")) return CurrencyCode("EUR");
  if (r.Has(at, "\xE2\x82\xB9")) return CurrencyCode("INR");
  bytes = 0;
  return 0;
}

// "US$", "C$", "A$" before the dollar sign at `at`.
std::uint32_t DollarOf(const Reader& r, std::uint32_t at, std::uint32_t& begin) {
  struct Form {
    std::string_view letters;
    std::uint32_t code;
  };
  static constexpr Form kForms[] = {
      {"US", CurrencyCode("USD")}, {"CA", CurrencyCode("CAD")}, {"AU", CurrencyCode("AUD")},
      {"NZ", CurrencyCode("NZD")}, {"HK", CurrencyCode("HKD")}, {"C", CurrencyCode("CAD")},
      {"A", CurrencyCode("AUD")},  {"S", CurrencyCode("SGD")},
  };
  for (const Form& form : kForms) {
    const auto size = static_cast<std::uint32_t>(form.letters.size());
    if (r.EndsBefore(at, form.letters) && (at == size || !IsAlnum(r.At(at - size - 1)))) {
      begin = at - size;
      return form.code;
    }
  }
  return kBareDollar;
}

std::uint8_t AreaOrVolume(const Reader& r, bool square, const Word& length) {
  if (!length.Is(kUnitWord)) {
    const std::uint8_t symbol = FindUnitSymbol(r.Slice(length.begin, length.end));
    if (symbol == 0) return 0;
    return AreaOrVolume(r, square, {length.begin, length.end, FindWord(UnitOf(symbol).singular)});
  }
  const Unit& base = UnitOf(length.entry->unit);
  if (base.dimension != Dimension::kLength) return 0;
  char name[32];
  const std::string_view prefix = square ? "square " : "cubic ";
  if (prefix.size() + base.singular.size() > sizeof name) return 0;
  std::copy(prefix.begin(), prefix.end(), name);
  std::copy(base.singular.begin(), base.singular.end(), name + prefix.size());
  return FindUnitName({name, prefix.size() + base.singular.size()});
}

// Units of two words: "square feet", "working days", "fluid ounces", "degrees Celsius".
Ending TwoWordUnit(const Reader& r, const Word& first) {
  const std::uint32_t gap =
      r.At(first.end) == '.' || r.At(first.end) == '-' ? first.end + 1 : first.end;
  const Word second = r.NextWord(gap);
  if (second.empty()) return {};
  const auto is = [&](const Word& word, std::string_view text) { return r.Equals(word, text); };
  if (is(first, "square") || is(first, "sq") || is(first, "cubic") || is(first, "cu")) {
    return {second.end, AreaOrVolume(r, is(first, "square") || is(first, "sq"), second)};
  }
  if (is(first, "working") || is(first, "business")) {
    if (is(second, "day") || is(second, "days")) return {second.end, FindUnitName("working day")};
    return {};
  }
  if (is(first, "calendar") || is(first, "consecutive") || is(first, "full") ||
      is(first, "whole") || is(first, "straight") || is(first, "additional")) {
    if (second.Is(kUnitWord) && UnitOf(second.entry->unit).dimension <= Dimension::kWorkingDays &&
        UnitOf(second.entry->unit).dimension >= Dimension::kSeconds) {
      return {second.end, second.entry->unit};
    }
    return {};
  }
  if ((is(first, "fl") || is(first, "fluid")) && second.Is(kUnitWord | kFunctionWord)) {
    return {second.end, FindUnitName("fluid ounce")};
  }
  if (is(first, "fl") && is(second, "oz")) return {second.end, FindUnitName("fluid ounce")};
  if (is(first, "nautical")) return {second.end, FindUnitName("nautical mile")};
  if (is(first, "light") && (is(second, "years") || is(second, "year"))) {
    return {second.end, FindUnitName("light-year")};
  }
  if (is(first, "metric") && (is(second, "tons") || is(second, "ton"))) {
    return {second.end, FindUnitName("tonne")};
  }
  if ((is(first, "kilowatt") || is(first, "megawatt") || is(first, "gigawatt") ||
       is(first, "watt")) &&
      (is(second, "hours") || is(second, "hour"))) {
    return {second.end, static_cast<std::uint8_t>(FindUnitSymbol(is(first, "watt")       ? "Wh"
                                                                 : is(first, "kilowatt") ? "kWh"
                                                                 : is(first, "megawatt") ? "MWh"
                                                                                         : "GWh"))};
  }
  if (is(first, "degrees") || is(first, "degree")) {
    if (is(second, "celsius") || is(second, "c") || is(second, "centigrade")) {
      return {second.end, FindUnitName("degree Celsius")};
    }
    if (is(second, "fahrenheit") || is(second, "f")) {
      return {second.end, FindUnitName("degree Fahrenheit")};
    }
  }
  return {};
}

Ending DegreeSign(const Reader& r, std::uint32_t at) {
  const std::uint32_t end = r.SkipSpace(at + 2);
  const Word letter = r.WordAt(end);
  if (r.Equals(letter, "c")) return {letter.end, FindUnitName("degree Celsius")};
  if (r.Equals(letter, "f")) return {letter.end, FindUnitName("degree Fahrenheit")};
  return {at + 2, FindUnitName("degree")};
}

// A unit at `at`; `attached`: no blank before it; `hyphened`: a hyphen before it.
Ending ReadUnit(const Reader& r, std::uint32_t at, bool attached, bool hyphened) {
  if (r.Has(at, "\xC2\xB0")) return DegreeSign(r, at);
  if (attached && r.At(at) == '\'' && !IsAlpha(r.At(at + 1)) && IsDigit(r.At(at + 1))) {
    return {at + 1, FindUnitName("foot")};
  }
  const Word word = r.WordAt(at);
  if (word.empty()) return {};
  std::uint32_t end = word.end;
  if (r.At(end) == '2' || r.At(end) == '3') ++end;
  if (r.Has(end, "\xC2\xB2") || r.Has(end, "\xC2\xB3")) end += 2;
  std::uint8_t symbol = 0;
  if (end == word.end) {
    symbol = FindUnitSymbol(r.Slice(word.begin, end));
  } else if (const std::uint8_t length = FindUnitSymbol(r.Slice(word.begin, word.end))) {
    const bool square = r.At(end - 1) == '2' || r.Has(end - 2, "\xC2\xB2");
    symbol = AreaOrVolume(r, square, {0, 0, FindWord(UnitOf(length).singular)});
  }
  const bool one_letter = end - word.begin == 1;
  if (symbol != 0 && !IsDigit(r.At(end)) && !(one_letter && hyphened)) {
    const char c = r.At(word.begin);
    const bool risky = one_letter && (c == 'd' || c == 't' || c == 's' || c == 'l' || c == 'J');
    if (!risky || attached) return {end, symbol};
  }
  if (IsDigit(r.At(word.end))) return {};
  if (const Ending two = TwoWordUnit(r, word); two.unit != 0) return two;
  if (word.Is(kUnitWord) && word.entry->unit != 0) {
    // "five second graders" is rare, "five seconds" is not; a lone "second" is the ordinal.
    return {word.end, word.entry->unit};
  }
  if (r.Equals(word, "in") && (r.At(word.end) == '.' || hyphened)) {
    return {word.end, FindUnitName("inch")};
  }
  if (attached && r.Slice(word.begin, word.end) == "F") {
    return {word.end, FindUnitName("degree Fahrenheit")};
  }
  if (attached && r.Slice(word.begin, word.end) == "C") {
    return {word.end, FindUnitName("degree Celsius")};
  }
  return {};
}

// "%", "percent", "per cent", "percentage points", "basis points".
Ending ReadPercent(const Reader& r, std::uint32_t at) {
  std::uint32_t end = 0;
  const bool hyphen = r.At(at) == '-';
  const std::uint32_t start = hyphen ? at + 1 : r.SkipSpace(at);
  if (r.At(start) == '%') {
    end = start + 1;
  } else {
    const Word word = r.WordAt(start);
    const Word next = r.NextWord(word.end);
    const bool points = r.Equals(next, "points") || r.Equals(next, "point");
    if (r.Equals(word, "percentage") && points) {
      return {next.end, 0, 0, 1, QuantityKind::kPercentagePoints};
    }
    if (r.Equals(word, "basis") && points) {
      return {next.end, 0, 0, 0.01, QuantityKind::kPercentagePoints};
    }
    if (r.Equals(word, "percent") || r.Equals(word, "pct")) end = word.end;
    if (r.Equals(word, "per") && r.Equals(next, "cent")) end = next.end;
  }
  if (end == 0) return {};
  const Word points = r.NextWord(end);
  if (r.Equals(points, "points")) return {points.end, 0, 0, 1, QuantityKind::kPercentagePoints};
  return {end, 0, 0, 0.01, QuantityKind::kRatio};
}

// "EUR", "euros", "US dollars", "pounds sterling", "€" behind the number.
Ending ReadCurrency(const Reader& r, std::uint32_t at) {
  const bool hyphen = r.At(at) == '-';
  const std::uint32_t start = hyphen ? at + 1 : r.SkipSpace(at);
  std::uint32_t bytes = 0;
  if (const std::uint32_t code = SignCurrency(r, start, bytes); code != 0 && !hyphen) {
    if (IsDigit(r.At(start + bytes))) return {};  // "3 $5": the next amount's
    return {start + bytes, 0, code, 1, QuantityKind::kMoney};
  }
  Word word = r.WordAt(start);
  std::uint32_t code = 0;
  struct Nation {
    std::string_view word;
    std::uint32_t code;
  };
  static constexpr Nation kNations[] = {
      {"us", CurrencyCode("USD")},       {"american", CurrencyCode("USD")},
      {"canadian", CurrencyCode("CAD")}, {"australian", CurrencyCode("AUD")},
      {"british", CurrencyCode("GBP")},  {"swiss", CurrencyCode("CHF")},
  };
  for (const Nation& nation : kNations) {
    if (!r.Equals(word, nation.word)) continue;
    const Word money = r.NextWord(word.end);
    if (!money.Is(kCurrencyWord) && !r.Equals(money, "pounds")) return {};
    code = nation.code;
    word = money;
    break;
  }
  if (r.Equals(word, "pounds") || r.Equals(word, "pound")) {
    const Word next = r.NextWord(word.end);
    if (code == 0 && !r.Equals(next, "sterling")) return {};
    return {code == 0 ? next.end : word.end, 0, CurrencyCode("GBP"), 1, QuantityKind::kMoney};
  }
  if (!word.Is(kCurrencyWord)) return {};
  // A code is written in capitals ("CAD"), a name in small letters.
  const bool is_code = word.entry->code != kBareDollar && word.end - word.begin == 3 &&
                       CurrencyCode(r.Slice(word.begin, word.end)) == word.entry->code;
  if (word.end - word.begin == 3 && !is_code && !r.Equals(word, "yen")) return {};
  return {word.end, 0, code != 0 ? code : word.entry->code, word.entry->number,
          QuantityKind::kMoney};
}

QuantityKind KindOf(Dimension dimension) {
  return dimension >= Dimension::kSeconds ? QuantityKind::kDuration : QuantityKind::kMeasure;
}

void SetEnding(const Ending& ending, Term& term) {
  Quantity& q = term.quantity;
  term.has_unit = true;
  q.unit = ending.unit;
  q.currency = ending.currency;
  q.kind = ending.unit != 0 ? KindOf(UnitOf(ending.unit).dimension) : ending.kind;
  q.dimension = UnitOf(ending.unit).dimension;
  q.span.end = ending.end;
}

// "5 feet 11 inches", "2 years and 3 months", "1 hour 30 minutes".
void ReadSmallerUnits(const Reader& r, Term& term) {
  Quantity& q = term.quantity;
  if (!term.number.is_integer) return;
  double last_factor = UnitOf(q.unit).factor;
  Dimension last = q.dimension;
  for (int i = 0; i < 3; ++i) {
    std::uint32_t at = q.span.end;
    if (r.At(at) == ',' || r.At(at) == '-') ++at;
    at = r.SkipSpace(at);
    const Word conjunction = r.WordAt(at);
    if (r.Equals(conjunction, "and")) at = r.SkipSpace(conjunction.end);
    if (q.dimension == Dimension::kMass && at != r.SkipSpace(q.span.end)) return;
    const auto number = ReadNumber(r, at);
    if (!number || number->is_ordinal || number->value < 0) return;
    const bool hyphen = r.At(number->end) == '-';
    const std::uint32_t unit_at = hyphen ? number->end + 1 : r.SkipSpace(number->end);
    Ending ending = ReadUnit(r, unit_at, unit_at == number->end, hyphen);
    if (ending.unit == 0 && last == Dimension::kLength && r.At(number->end) == '"') {
      ending = {number->end + 1, FindUnitName("inch")};
    }
    if (ending.unit == 0 && last == Dimension::kLength && q.unit == FindUnitName("foot") &&
        (r.At(q.span.end) == '-' || r.At(q.span.end - 1) == '\'') && number->value < 12) {
      ending = {number->end, FindUnitName("inch")};
    }
    if (ending.unit == 0) return;
    const Unit& unit = UnitOf(ending.unit);
    const double amount = number->value * unit.factor;
    if (unit.dimension == last && unit.factor < last_factor && amount < last_factor) {
      (last == q.dimension ? q.value : q.seconds) += amount;
    } else if (last == Dimension::kMonths && unit.dimension == Dimension::kSeconds) {
      q.seconds += amount;
    } else {
      return;
    }
    last = unit.dimension;
    last_factor = unit.factor;
    q.half_width = number->half_width * unit.factor;
    q.span.end = ending.end;
    q.is_written_exactly = true;
  }
}

// How far "about" reaches: half of the last non-zero digit's unit (of a 5: half of five units), at
// least the last written digit's half, at most a tenth of the value.
double ToleranceOf(const Number& number) {
  const double value = std::fabs(number.value);
  if (value == 0 || !number.is_integer) return std::max(number.half_width, 0.02 * value);
  double unit = 1;
  while (unit < value && std::fmod(value, unit * 10) == 0) unit *= 10;
  double reach = 0.5 * unit;
  if (std::fmod(value, unit * 5) == 0) reach = 2.5 * unit;
  return std::max(number.half_width, std::min(reach, value / 10));
}

}  // namespace

Prefix ReadPrefix(const Reader& r, std::uint32_t at, std::uint32_t floor) {
  Prefix prefix{at, 0, false};
  std::uint32_t p = r.SkipSpaceBack(at);
  for (const std::uint32_t width : {1U, 2U, 3U}) {
    std::uint32_t bytes = 0;
    if (p < floor + width) break;
    const std::uint32_t code = SignCurrency(r, p - width, bytes);
    if (code == 0 || bytes != width) continue;
    prefix.begin = p - width;
    prefix.currency = code;
    if (code == kBareDollar) prefix.currency = DollarOf(r, p - width, prefix.begin);
    break;
  }
  if (prefix.currency == 0) {
    const Word word = r.WordBefore(at);
    if (word.begin >= floor && word.Is(kCurrencyWord) && word.end - word.begin == 3 &&
        CurrencyCode(r.Slice(word.begin, word.end)) == word.entry->code) {
      prefix.currency = word.entry->code;
      prefix.begin = word.begin;
    }
  }
  // A sign touches the number (or its currency) and nothing stands directly before it.
  const std::uint32_t start = prefix.begin;
  const std::uint32_t minus = r.EndsBefore(start, "-")              ? 1U
                              : r.EndsBefore(start, "\xE2\x88\x92") ? 3U
                                                                    : 0U;
  if (minus > 0 && start >= floor + minus) {
    const char before = r.Before(start - minus);
    const bool free = before == '\0' || before == ' ' || before == '(' || before == '\n' ||
                      before == '\t' || before == ',' || before == '[' || before == '|';
    if (free) {
      prefix.begin = start - minus;
      prefix.negative = true;
    }
  }
  return prefix;
}

void Normalise(Term& term) {
  Quantity& q = term.quantity;
  const Number& n = term.number;
  const Unit& unit = UnitOf(q.unit);
  double factor = unit.factor;
  if (q.kind == QuantityKind::kRatio && !n.is_part) factor = 0.01;
  q.dimension = unit.dimension;
  q.written = q.written_high = n.value;
  q.value = q.value_high = n.value * factor + unit.offset;
  q.half_width = n.half_width * factor;
  q.tolerance = ToleranceOf(n) * factor;
  q.is_written_exactly = n.is_integer;
}

void ApplyRate(std::uint8_t unit, Quantity& q) {
  if (unit == 0 || q.per_unit != 0) return;
  const Unit& per = UnitOf(unit);
  if (q.dimension == Dimension::kLength && per.dimension == Dimension::kSeconds) {
    q.dimension = Dimension::kSpeed;
    q.kind = QuantityKind::kMeasure;
  } else {
    q.per = per.dimension;
  }
  q.per_unit = unit;
  for (double* value : {&q.value, &q.value_high, &q.half_width, &q.tolerance}) *value /= per.factor;
}

std::uint32_t ReadRate(const Reader& r, std::uint32_t at, std::uint8_t& unit) {
  unit = 0;
  if (r.At(at) == '/' && IsAlpha(r.At(at + 1))) {
    const Ending ending = ReadUnit(r, at + 1, true, false);
    if (ending.unit == 0) return at;
    unit = ending.unit;
    return ending.end;
  }
  const std::uint32_t gap = r.At(at) == '-' ? at + 1 : r.SkipSpace(at);
  const Word per = r.WordAt(gap);
  const bool any_unit = r.Equals(per, "per");
  if (!any_unit && !per.Is(kArticle) && !r.Equals(per, "each") && !r.Equals(per, "every"))
    return at;
  const std::uint32_t unit_at = r.At(per.end) == '-' ? per.end + 1 : r.SkipSpace(per.end);
  const Ending ending = ReadUnit(r, unit_at, any_unit, false);
  if (ending.unit == 0 || (!any_unit && UnitOf(ending.unit).dimension < Dimension::kSeconds)) {
    return at;
  }
  // "30 days a year ago" is no rate.
  const Word next = r.NextWord(ending.end);
  if (!any_unit &&
      (r.Equals(next, "ago") || r.Equals(next, "later") || r.Equals(next, "earlier"))) {
    return at;
  }
  unit = ending.unit;
  return ending.end;
}

std::optional<Term> ReadTerm(const Reader& r, std::uint32_t at, const Prefix& prefix) {
  auto number = ReadNumber(r, at);
  if (!number || !std::isfinite(number->value)) return std::nullopt;
  Term term{.number = *number, .quantity = {}};
  Quantity& q = term.quantity;
  q.span = {std::min(prefix.begin, number->begin), number->end};
  if (number->is_ordinal) {
    q.kind = QuantityKind::kOrdinal;
    Normalise(term);
    return term;
  }
  ReadScale(r, prefix.currency != 0, term.number);
  if (prefix.negative) term.number.value = -term.number.value;
  q.span.end = term.number.end;
  if (prefix.currency != 0) {
    q.kind = QuantityKind::kMoney;
    q.currency = prefix.currency;
    term.has_unit = term.currency_first = true;
    const Ending again = ReadCurrency(r, q.span.end);  // "$5 USD", "$5 million dollars"
    if (again.end != 0 && again.factor == 1) {
      if (q.currency == kBareDollar) q.currency = again.currency;
      q.span.end = again.end;
    }
  } else if (const Ending percent = ReadPercent(r, q.span.end); percent.end != 0) {
    SetEnding(percent, term);
    if (percent.factor != 1 && percent.kind == QuantityKind::kPercentagePoints) {
      term.number.value *= percent.factor;
      term.number.half_width *= percent.factor;
    }
    term.number.is_part = false;
  } else if (const Ending cents = ReadCurrency(r, q.span.end); cents.end != 0) {
    SetEnding(cents, term);
    term.number.value *= cents.factor;
    term.number.half_width *= cents.factor;
    term.number.is_integer &= cents.factor == 1;
  } else {
    const bool hyphened = r.At(q.span.end) == '-';
    std::uint32_t unit_at = hyphened ? q.span.end + 1 : r.SkipSpace(q.span.end);
    if (term.number.is_part && term.number.in_words) {  // "half an hour", "a quarter of a mile"
      Word word = r.WordAt(unit_at);
      if (r.Equals(word, "of")) word = r.NextWord(word.end);
      if (word.Is(kArticle)) unit_at = r.SkipSpace(word.end);
    }
    const bool attached = unit_at == q.span.end;
    if (const Ending ending = ReadUnit(r, unit_at, attached, hyphened); ending.unit != 0) {
      SetEnding(ending, term);
    } else if (term.number.is_part) {
      q.kind = QuantityKind::kRatio;
    }
  }
  Normalise(term);
  if (q.kind == QuantityKind::kDuration || q.dimension == Dimension::kLength ||
      q.dimension == Dimension::kMass) {
    const double value = q.value;
    ReadSmallerUnits(r, term);
    q.written += (q.value - value) / UnitOf(q.unit).factor;
    q.value_high = q.value;
    q.written_high = q.written;
  }
  return term;
}

std::optional<Term> ReadSignedTerm(const Reader& r, std::uint32_t at) {
  std::uint32_t number_at = at;
  std::uint32_t bytes = 0;
  if (r.At(at) == '-' || r.Has(at, "\xE2\x88\x92")) number_at += r.DashBytes(at);
  if (SignCurrency(r, number_at, bytes) != 0) {
    number_at += bytes;
  } else if (const Word word = r.WordAt(at); word.Is(kCurrencyWord)) {
    number_at = r.SkipSpace(word.end);
  }
  return ReadTerm(r, number_at, ReadPrefix(r, number_at, at));
}

}  // namespace assay::text::quantity
