#include <array>
#include <cmath>

#include <fmt/format.h>

#include "assay/text/quantity.h"

#include "quantity/lexicon/lexicon_internal.h"

namespace assay::text {
namespace {

using namespace quantity;  // NOLINT: the private half of this part

constexpr std::array<std::string_view, 13> kMonthNames = {
    "",     "January", "February",  "March",   "April",    "May",     "June",
    "July", "August",  "September", "October", "November", "December"};
constexpr std::array<std::string_view, 8> kWeekdayNames = {
    "", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

// "1,234.5", "1.2 million": at most 10 significant digits.
std::string NumberText(double value) {
  const double size = std::fabs(value);
  for (const auto& [scale, name] :
       {std::pair{1e12, " trillion"}, std::pair{1e9, " billion"}, std::pair{1e6, " million"}}) {
    if (size < scale || size >= scale * 1000) continue;
    std::string digits = fmt::format("{:.10g}", value / scale);
    if (digits.size() <= 5) return digits + name;
  }
  std::string text = fmt::format("{:.10g}", value);
  if (text.find('e') != std::string::npos || size < 1000) return text;
  std::size_t point = text.find('.');
  if (point == std::string::npos) point = text.size();
  const std::size_t first = value < 0 ? 1 : 0;
  for (std::size_t i = point; i > first + 3;) text.insert(i -= 3, ",");
  return text;
}

std::string_view BoundText(Bound bound) {
  switch (bound) {
    case Bound::kAbout:
      return "about ";
    case Bound::kNearly:
      return "nearly ";
    case Bound::kAtLeast:
      return "at least ";
    case Bound::kMoreThan:
      return "more than ";
    case Bound::kAtMost:
      return "at most ";
    case Bound::kLessThan:
      return "less than ";
    default:
      return "";
  }
}

std::string Ordinal(int n) {
  const int tens = n % 100;
  std::string_view suffix = "th";
  if (tens < 11 || tens > 13) {
    if (n % 10 == 1) suffix = "st";
    if (n % 10 == 2) suffix = "nd";
    if (n % 10 == 3) suffix = "rd";
  }
  return fmt::format("{}{}", n, suffix);
}

std::string DateText(const DateFields& date) {
  std::string text;
  const auto add = [&text](std::string_view part, std::string_view separator) {
    if (part.empty()) return;
    if (!text.empty()) text += separator;
    text += part;
  };
  if (date.weekday <= 7) add(kWeekdayNames[date.weekday], " ");
  if (date.day != 0) add(std::to_string(date.day), ", ");
  if (date.month <= 12) add(kMonthNames[date.month], " ");
  if (date.year != 0) add(std::to_string(date.year), " ");
  return text;
}

std::string DateText(const Quantity& q) {
  switch (q.grain) {
    case DateGrain::kDecade:
      return fmt::format("the {}s", q.date.year);
    case DateGrain::kCentury:
      if (q.date.year % 100 == 0) return fmt::format("the {}s", q.date.year);
      return fmt::format("{} century", Ordinal(q.date.year / 100 + 1));
    case DateGrain::kQuarter:
      if (q.date_last.month == q.date.month + 2 && q.date_last.year == q.date.year) {
        return q.date.year == 0 ? fmt::format("Q{}", q.date_last.month / 3)
                                : fmt::format("Q{} {}", q.date_last.month / 3, q.date.year);
      }
      break;
    default:
      break;
  }
  if (!q.is_range) return DateText(q.date);
  return DateText(q.date) + " to " + DateText(q.date_last);
}

std::string ClockText(double seconds) {
  const int s = static_cast<int>(seconds);
  if (s % 60 != 0) return fmt::format("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
  return fmt::format("{:02}:{:02}", s / 3600, s / 60 % 60);
}

// "2 years 3 months", "1 hour 30 minutes": a sum of units as it would be said.
std::string DurationText(const Quantity& q) {
  const Unit& unit = UnitOf(q.unit);
  const double whole = std::floor(q.written + 1e-9);
  const double rest = q.value - whole * unit.factor;
  const auto part = [](double amount, const Unit& of) {
    return NumberText(amount) + " " + std::string(amount == 1 ? of.singular : of.plural);
  };
  std::string text;
  double seconds = q.seconds;
  if (std::fabs(rest) < 1e-6 * unit.factor) {
    text = part(whole, unit);
  } else if (q.dimension == Dimension::kMonths && q.is_written_exactly &&
             rest == std::floor(rest)) {
    text = part(whole, unit) + " " + part(rest, UnitOf(FindUnitName("month")));
  } else if (q.dimension == Dimension::kSeconds && q.is_written_exactly) {
    text = part(whole, unit);
    seconds = rest;
  } else {
    text = part(q.written, unit);
  }
  for (const std::string_view name : {"day", "hour", "minute", "second"}) {
    const Unit& smaller = UnitOf(FindUnitName(name));
    const double n = std::floor(seconds / smaller.factor + 1e-9);
    if (n < 1) continue;
    text += " " + part(n, smaller);
    seconds -= n * smaller.factor;
  }
  return text;
}

std::string MoneyText(const Quantity& q) {
  const std::string_view symbol = CurrencySymbol(q.currency);
  std::string code;
  for (int shift = 24; shift >= 0; shift -= 8) {
    if (const auto c = static_cast<char>(q.currency >> shift & 0xFFU); c != 0) code += c;
  }
  const auto amount = [&](double value) {
    if (symbol.empty()) return code + " " + NumberText(value);
    const std::string number = NumberText(std::fabs(value));
    return (value < 0 ? "-" : "") + std::string(symbol) + number;
  };
  return q.is_range ? amount(q.written) + " to " + amount(q.written_high) : amount(q.written);
}

std::string ValueText(const Quantity& q) {
  const Unit& unit = UnitOf(q.unit);
  std::string low;
  std::string high;
  std::string_view suffix;
  switch (q.kind) {
    case QuantityKind::kMoney:
      return MoneyText(q);
    case QuantityKind::kOrdinal:
      return Ordinal(static_cast<int>(std::min(q.value, 1e9)));
    case QuantityKind::kRatio:
      low = NumberText(std::round(q.value * 1e6) / 1e4);
      high = NumberText(std::round(q.value_high * 1e6) / 1e4);
      suffix = "%";
      break;
    default:
      low = NumberText(q.written);
      high = NumberText(q.written_high);
  }
  if (q.kind == QuantityKind::kPercentagePoints) {
    suffix = q.written == 1 && !q.is_range ? " percentage point" : " percentage points";
  }
  if (q.kind == QuantityKind::kDuration && !q.is_range) return DurationText(q);
  std::string text = q.is_range ? low + " to " + high : low;
  text += suffix;
  if (q.unit != 0) {
    text += ' ';
    text += q.written == 1 && !q.is_range ? unit.singular : unit.plural;
  }
  return text;
}

std::string RateText(const Quantity& q) {
  return q.per_unit == 0 ? "" : " per " + std::string(UnitOf(q.per_unit).singular);
}

}  // namespace

std::string Describe(const Quantity& q) {
  std::string text(BoundText(q.bound));
  switch (q.kind) {
    case QuantityKind::kDate:
      return text + DateText(q);
    case QuantityKind::kTime:
      text += ClockText(q.value);
      return q.is_range ? text + " to " + ClockText(q.value_high) : text;
    case QuantityKind::kIdentifier:
      return "a code";
    default:
      break;
  }
  return text + ValueText(q) + RateText(q);
}

std::string Describe(const Quantity& q, std::string_view text) {
  if (q.kind == QuantityKind::kIdentifier) return std::string(q.span.of(text));
  if (q.kind == QuantityKind::kLabel && !q.noun.empty()) {
    return std::string(q.noun.of(text)) + " " + std::string(q.span.of(text));
  }
  if (q.kind == QuantityKind::kCount && !q.noun.empty()) {
    return std::string(BoundText(q.bound)) + ValueText(q) + " " + std::string(q.noun.of(text)) +
           RateText(q);
  }
  return Describe(q);
}

std::string_view ComparisonName(Comparison comparison) {
  switch (comparison) {
    case Comparison::kEqual:
      return "equal";
    case Comparison::kRoundedEqual:
      return "rounded";
    case Comparison::kWithin:
      return "within";
    case Comparison::kDifferent:
      return "different";
    case Comparison::kIncomparable:
      break;
  }
  return "incomparable";
}

std::string_view KindName(QuantityKind kind) {
  static constexpr std::array<std::string_view, 12> kNames = {
      "number", "count",   "ordinal",  "label", "ratio", "points",
      "money",  "measure", "duration", "date",  "time",  "identifier"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view UnitName(std::uint8_t unit) {
  return UnitOf(unit).singular;
}

}  // namespace assay::text
