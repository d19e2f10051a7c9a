#include <cmath>

#include "quantity/date_internal.h"

namespace assay::text::quantity {

Digits DigitsAt(const Reader& r, std::uint32_t at) {
  Digits d{0, 0, at};
  while (IsDigit(r.At(d.end)) && d.length < 5) {
    d.value = d.value * 10 + (r.At(d.end) - '0');
    ++d.end;
    ++d.length;
  }
  if (IsDigit(r.At(d.end))) d.length = 99;
  return d;
}

namespace {

constexpr int kFirstLikelyYear = 1900;  // a bare number of four digits from here on is a year
constexpr int kFirstYear = 1000;        // ... from here on after "in", "since", ...
constexpr int kLastYear = 2100;

Quantity DateOf(std::uint32_t begin, std::uint32_t end, int year, int month, int day) {
  Quantity q;
  q.span = {begin, end};
  q.kind = QuantityKind::kDate;
  q.date.year = static_cast<std::int16_t>(year);
  q.date.month = static_cast<std::uint8_t>(month);
  q.date.day = static_cast<std::uint8_t>(day);
  q.grain = day != 0 ? DateGrain::kDay : month != 0 ? DateGrain::kMonth : DateGrain::kYear;
  return q;
}

Quantity YearsOf(std::uint32_t begin, std::uint32_t end, int first, int last, DateGrain grain) {
  Quantity q = DateOf(begin, end, first, 0, 0);
  q.grain = grain;
  q.is_range = true;
  q.date_last.year = static_cast<std::int16_t>(last);
  return q;
}

Quantity QuarterOf(std::uint32_t begin, std::uint32_t end, int quarter, int year) {
  Quantity q = DateOf(begin, end, year, quarter * 3 - 2, 0);
  q.grain = DateGrain::kQuarter;
  q.is_range = true;
  q.date_last = q.date;
  q.date_last.month = static_cast<std::uint8_t>(quarter * 3);
  return q;
}

int FullYear(const Digits& d) {
  if (d.length == 4) return d.value;
  return d.length == 2 ? d.value + (d.value < 50 ? 2000 : 1900) : 0;
}

bool IsPlainEnd(const Reader& r, std::uint32_t at) {
  return !IsAlnum(r.At(at)) && !(r.At(at) == '.' && IsDigit(r.At(at + 1)));
}

// 2024-03-01, 2024/03/01, 01.03.2024, 3/1/24, 2024-03
std::optional<Quantity> ReadNumericDate(const Reader& r, std::uint32_t at) {
  const Digits a = DigitsAt(r, at);
  const char separator = r.At(a.end);
  if ((separator != '-' && separator != '/' && separator != '.') || a.length > 4) return {};
  const Digits b = DigitsAt(r, a.end + 1);
  if (b.length == 0 || b.length > 2) return {};
  const Digits c = r.At(b.end) == separator ? DigitsAt(r, b.end + 1) : Digits{};
  if (a.length == 4) {
    if (b.value < 1 || b.value > 12) return {};
    if (c.length == 2 && c.value >= 1 && c.value <= 31 &&
        (IsPlainEnd(r, c.end) || r.At(c.end) == 'T')) {
      return DateOf(at, c.end, a.value, b.value, c.value);
    }
    const bool is_month = separator == '-' && b.length == 2 && c.length == 0 &&
                          b.value <= a.value % 100 && a.value >= kFirstLikelyYear;
    if (is_month && IsPlainEnd(r, b.end) && r.DashBytes(b.end) == 0) {
      return DateOf(at, b.end, a.value, b.value, 0);
    }
    return {};
  }
  if (a.length > 2 || (c.length != 4 && c.length != 2) || !IsPlainEnd(r, c.end)) return {};
  if (c.length == 2 && separator != '/') return {};
  const bool day_first = separator == '.' || a.value > 12;
  const int day = day_first ? a.value : b.value;
  const int month = day_first ? b.value : a.value;
  if (day < 1 || day > 31 || month < 1 || month > 12) return {};
  Quantity q = DateOf(at, c.end, FullYear(c), month, day);
  q.is_ambiguous = separator != '.' && day <= 12 && day != month;
  return q;
}

// "'s" or "s" of a decade after four or two digits.
std::uint32_t DecadeEnd(const Reader& r, std::uint32_t at) {
  std::uint32_t end = at;
  if (r.At(end) == '\'') ++end;
  if (r.Has(end, "\xE2\x80\x99")) end += 3;
  return r.At(end) == 's' && !IsAlnum(r.At(end + 1)) ? end + 1 : 0;
}

// "1990s", "the 90s", "'90s"
std::optional<Quantity> ReadDecade(const Reader& r, std::uint32_t at) {
  const Digits d = DigitsAt(r, at);
  if ((d.length != 4 && d.length != 2) || d.value % 10 != 0) return {};
  const std::uint32_t end = DecadeEnd(r, d.end);
  if (end == 0) return {};
  if (d.length == 2) {
    const bool apostrophe = r.Before(at) == '\'' || r.EndsBefore(at, "\xE2\x80\x99");
    const Word before = r.WordBefore(at);
    const bool ages =
        r.Equals(before, "their") || r.Equals(before, "his") || r.Equals(before, "her");
    if (ages || (!apostrophe && !r.Equals(before, "the")) || d.value < 20) return {};
  } else if (d.value < kFirstYear || d.value > kLastYear) {
    return {};
  }
  const int year = d.length == 4 ? d.value : 1900 + d.value;
  const bool century = d.length == 4 && year % 100 == 0 && year < 2000;
  return century ? YearsOf(at, end, year, year + 99, DateGrain::kCentury)
                 : YearsOf(at, end, year, year + 9, DateGrain::kDecade);
}

// "19th century", "nineteenth-century", "Q3" as "third quarter of 2024"
std::optional<Quantity> ReadOrdinalPeriod(const Reader& r, std::uint32_t at) {
  const auto number = ReadNumber(r, at);
  if (!number || !number->is_ordinal || number->value > 100) return {};
  const std::uint32_t gap = r.At(number->end) == '-' ? number->end + 1 : r.SkipSpace(number->end);
  const Word period = r.WordAt(gap);
  const int n = static_cast<int>(number->value);
  if (period.Is(kEra) && n >= 1 && n <= 21) {
    return YearsOf(at, period.end, n * 100 - 99, n * 100, DateGrain::kCentury);
  }
  if (r.Equals(period, "quarter") && n <= 4) {
    Word of = r.NextWord(period.end);
    const std::uint32_t year_at = r.SkipSpace(r.Equals(of, "of") ? of.end : period.end);
    const Digits year = DigitsAt(r, year_at);
    if (year.length == 4 && year.value >= kFirstLikelyYear && year.value <= kLastYear) {
      return QuarterOf(at, year.end, n, year.value);
    }
  }
  return {};
}

bool IsYearNumber(const Digits& d, int first) {
  return d.length == 4 && d.value >= first && d.value <= kLastYear;
}

// ", 2024" or " 2024" or " of 2024" after a month or a day.
int YearAfter(const Reader& r, std::uint32_t at, std::uint32_t& end) {
  std::uint32_t p = at;
  if (r.At(p) == '.') ++p;
  if (r.At(p) == ',') ++p;
  p = r.SkipSpace(p);
  if (const Word of = r.WordAt(p); r.Equals(of, "of")) p = r.SkipSpace(of.end);
  const Digits d = DigitsAt(r, p);
  if (!IsYearNumber(d, kFirstYear) || !IsPlainEnd(r, d.end) || r.At(d.end) == ':') return 0;
  end = d.end;
  return d.value;
}

// A day of the month, "1" or "1st"; end 0 if none.
Digits DayAt(const Reader& r, std::uint32_t at) {
  Digits d = DigitsAt(r, at);
  if (d.length == 0 || d.length > 2 || d.value < 1 || d.value > 31) return {};
  const std::string_view suffix = r.Slice(d.end, std::min(d.end + 2, r.size_bytes()));
  if (suffix == "st" || suffix == "nd" || suffix == "rd" || suffix == "th") d.end += 2;
  if (IsAlnum(r.At(d.end)) || r.At(d.end) == ':' || r.At(d.end) == '%') return {};
  if ((r.At(d.end) == '.' || r.At(d.end) == ',') && IsDigit(r.At(d.end + 1))) return {};
  return d;
}

// A month at `at`; a capital is asked of names that are also words.
Word MonthAt(const Reader& r, std::uint32_t at) {
  const Word word = r.WordAt(at);
  if (!word.Is(kMonth)) return {};
  const bool needs_capital = word.Is(kShortMonth) || word.entry->aux == 3 || word.entry->aux == 5;
  return needs_capital && !IsUpper(r.At(word.begin)) ? Word{} : word;
}

// "1 March 2024", "1st of March", "1-5 March 2024", "1-Mar-2024"
std::optional<Quantity> ReadDayMonth(const Reader& r, std::uint32_t at) {
  const Digits first = DayAt(r, at);
  if (first.length == 0) return {};
  Digits last = first;
  if (const std::uint32_t next = RangeConnector(r, first.end, IsAfterBetween(r, at)); next != 0) {
    const Digits second = DayAt(r, next);
    if (second.length > 0 && second.value > first.value) last = second;
  }
  std::uint32_t p = r.At(last.end) == '-' ? last.end + 1 : r.SkipSpace(last.end);
  if (const Word of = r.WordAt(p); r.Equals(of, "of")) p = r.SkipSpace(of.end);
  const Word month = MonthAt(r, p);
  if (month.empty()) return {};
  // "5 May" is a date; "5 may" and "3 mar" are not (MonthAt), "1 march" as a verb neither.
  std::uint32_t end = month.end;
  const std::uint32_t year_at = r.At(end) == '-' ? end + 1 : end;
  const int year = YearAfter(r, year_at, end);
  Quantity q = DateOf(at, end, year, month.entry->aux, first.value);
  if (last.value != first.value) {
    q.is_range = true;
    q.date_last = q.date;
    q.date_last.day = static_cast<std::uint8_t>(last.value);
  }
  return q;
}

// A month without day and year needs a sign that it is one.
bool StandsAlone(const Reader& r, const Word& month) {
  if (month.Is(kShortMonth) || !IsUpper(r.At(month.begin))) return false;
  const bool is_word = month.entry->aux == 3 || month.entry->aux == 5;
  const Word before = r.WordBefore(month.begin);
  if (before.Is(kDatePreposition)) return true;
  if (is_word || month.entry->aux == 4 || month.entry->aux == 6 || month.entry->aux == 8) {
    return false;  // March, May, April, June, August are also verbs or names
  }
  return true;
}

std::optional<Quantity> ReadMonthDate(const Reader& r, const Word& month) {
  const bool needs_capital =
      month.Is(kShortMonth) || month.entry->aux == 3 || month.entry->aux == 5;
  if (needs_capital && !IsUpper(r.At(month.begin))) return {};
  std::uint32_t end = month.end;
  std::uint32_t p = r.At(end) == '.' ? end + 1 : end;
  if (const int year = YearAfter(r, p, end); year != 0) {
    return DateOf(month.begin, end, year, month.entry->aux, 0);
  }
  p = r.SkipSpace(p);
  if (const Word the = r.WordAt(p); r.Equals(the, "the")) p = r.SkipSpace(the.end);
  const Digits first = DayAt(r, p);
  if (first.length == 0) {
    if (!StandsAlone(r, month)) return {};
    return DateOf(month.begin, month.end, 0, month.entry->aux, 0);
  }
  Digits last = first;
  const std::uint32_t next = RangeConnector(r, first.end, IsAfterBetween(r, month.begin));
  if (next != 0) {
    const Digits second = DayAt(r, next);
    if (second.length > 0 && second.value > first.value) last = second;
  }
  end = last.end;
  const int year = YearAfter(r, last.end, end);
  Quantity q = DateOf(month.begin, end, year, month.entry->aux, first.value);
  if (last.value != first.value) {
    q.is_range = true;
    q.date_last = q.date;
    q.date_last.day = static_cast<std::uint8_t>(last.value);
  }
  return q;
}

std::optional<Quantity> ReadWeekday(const Reader& r, const Word& weekday) {
  if (!IsUpper(r.At(weekday.begin))) return {};
  std::uint32_t p = weekday.end;
  if (r.At(p) == '.' && weekday.Is(kShortWeekday)) ++p;
  if (r.At(p) == ',') ++p;
  p = r.SkipSpace(p);
  if (const Word the = r.WordAt(p); r.Equals(the, "the")) p = r.SkipSpace(the.end);
  std::optional<Quantity> date;
  if (const Word month = r.WordAt(p); month.Is(kMonth)) {
    date = ReadMonthDate(r, month);
  } else if (IsDigit(r.At(p))) {
    date = ReadDayMonth(r, p);
    if (!date) date = ReadNumericDate(r, p);
  }
  if (date && date->date.day != 0 && !date->is_range) {
    date->span.begin = weekday.begin;
    date->date.weekday = weekday.entry->aux;
    return date;
  }
  const bool joined = RangeConnector(r, weekday.end, false) != 0 || r.At(weekday.end) == ',' ||
                      r.DashBytes(r.SkipSpaceBack(weekday.begin) - 1) != 0 ||
                      r.At(weekday.end) == ':' || r.At(weekday.end) == '.';
  if (weekday.Is(kShortWeekday) && !joined) return {};
  Quantity q = DateOf(weekday.begin, weekday.end, 0, 0, 0);
  q.grain = DateGrain::kWeekday;
  q.date.weekday = weekday.entry->aux;
  return q;
}

bool LooksPlural(const Reader& r, const Word& word) {
  if (word.Is(kPlural)) return true;
  return word.end - word.begin > 3 && r.At(word.end - 1) == 's' && r.At(word.end - 2) != 's' &&
         IsLower(r.At(word.begin)) && !word.Is(kFunctionWord);
}

// A lone number of four digits: a year, unless it counts something.
std::optional<Quantity> ReadYear(const Reader& r, std::uint32_t at) {
  const Digits d = DigitsAt(r, at);
  if (!IsYearNumber(d, kFirstYear) || !IsPlainEnd(r, d.end)) return {};
  if ((r.At(d.end) == ',' && IsDigit(r.At(d.end + 1))) || r.At(d.end) == ':') return {};
  const Word before = r.WordBefore(at);
  const Word after = r.At(d.end) == '-' ? r.WordAt(d.end + 1) : r.NextWord(d.end);
  const bool weak = r.Equals(before, "of") || r.Equals(before, "from") || r.Equals(before, "by") ||
                    r.Equals(before, "after") || r.Equals(before, "every") ||
                    r.Equals(before, "between") || r.Equals(before, "through");
  const bool after_preposition = before.Is(kDatePreposition) && !before.empty();
  if (after.Is(kUnitWord | kScale) && r.At(after.begin) != 'q') return {};
  if (FindUnitSymbol(r.Slice(after.begin, after.end)) != 0) return {};
  if (!(after_preposition && !weak) && LooksPlural(r, after)) return {};
  if (d.value < kFirstLikelyYear && !after_preposition && r.Before(at) != '(') return {};
  Quantity q = DateOf(at, d.end, d.value, 0, 0);
  // "2020-21", "1914–18", "2020/21"
  const std::uint32_t dash = r.At(d.end) == '/' ? 1 : r.DashBytes(d.end);
  const Digits last = DigitsAt(r, d.end + dash);
  if (dash != 0 && last.length == 2 && last.value > d.value % 100 && IsPlainEnd(r, last.end)) {
    Quantity years =
        YearsOf(at, last.end, d.value, d.value / 100 * 100 + last.value, DateGrain::kYear);
    return years;
  }
  return q;
}

std::optional<Quantity> ReadOneDate(const Reader& r, std::uint32_t at) {
  if (IsDigit(r.At(at))) {
    if (auto q = ReadNumericDate(r, at)) return q;
    if (auto q = ReadDayMonth(r, at)) return q;
    if (auto q = ReadDecade(r, at)) return q;
    if (auto q = ReadOrdinalPeriod(r, at)) return q;
    return ReadYear(r, at);
  }
  const Word word = r.WordAt(at);
  if (word.Is(kMonth)) return ReadMonthDate(r, word);
  if (word.Is(kWeekday)) return ReadWeekday(r, word);
  if (word.Is(kOrdinal | kCardinal)) return ReadOrdinalPeriod(r, at);
  if ((r.At(at) == 'Q' || r.At(at) == 'q') && r.At(at + 1) >= '1' && r.At(at + 1) <= '4' &&
      !IsAlnum(r.At(at + 2))) {
    std::uint32_t end = at + 2;
    const int year = YearAfter(r, at + 2, end);
    return QuarterOf(at, end, r.At(at + 1) - '0', year);
  }
  return {};
}

void JoinRange(const Quantity& last, Quantity& first) {
  if (first.date.year == 0) first.date.year = last.date.year;
  first.date_last = last.is_range ? last.date_last : last.date;
  if (first.date_last.year == 0) first.date_last.year = first.date.year;
  first.is_range = true;
  first.span.end = last.span.end;
}

}  // namespace

bool IsAfterBetween(const Reader& r, std::uint32_t at) {
  return r.Equals(r.WordBefore(at), "between");
}

std::uint32_t RangeConnector(const Reader& r, std::uint32_t at, bool after_between) {
  const std::uint32_t p = r.SkipSpace(at);
  if (const std::uint32_t dash = r.DashBytes(p); dash != 0) {
    if (p == at && r.DashBytes(p + dash) == 0) return r.SkipSpace(p + dash);
    return r.SkipSpace(p + dash) != p + dash ? r.SkipSpace(p + dash) : 0;  // blanks on both sides
  }
  const Word word = r.WordAt(p);
  if (p == at || word.empty()) return 0;
  if (r.Equals(word, "to") || r.Equals(word, "until") || r.Equals(word, "till") ||
      r.Equals(word, "through") || (after_between && r.Equals(word, "and"))) {
    return r.SkipSpace(word.end);
  }
  return 0;
}

std::optional<Quantity> ReadDate(const Reader& r, std::uint32_t at) {
  auto first = ReadOneDate(r, at);
  if (!first || first->is_range) return first;
  const std::uint32_t next = RangeConnector(r, first->span.end, IsAfterBetween(r, at));
  if (next == 0) return first;
  const auto last = ReadOneDate(r, next);
  if (!last || last->grain != first->grain || (last->is_range && last->date.year != 0))
    return first;
  const bool both_years = first->date.year != 0 && last->date.year != 0;
  if (both_years && last->date.year < first->date.year) return first;
  JoinRange(*last, *first);
  return first;
}

}  // namespace assay::text::quantity
