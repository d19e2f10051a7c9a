#include <algorithm>
#include <cmath>

#include "assay/text/quantity.h"

#include "quantity/calendar_internal.h"
#include "quantity/lexicon/lexicon_internal.h"

namespace assay::text {
namespace {

using namespace quantity;  // NOLINT: the private half of this part

constexpr double kSameValue = 1e-9;  // relative: unit conversions lose the last bits
constexpr double kDayS = 86400;
constexpr double kShortestMonthS = 28 * kDayS;
constexpr double kLongestMonthS = 31 * kDayS;

bool Same(double a, double b) {
  return a == b || std::fabs(a - b) <= kSameValue * std::max(std::fabs(a), std::fabs(b));
}
bool AtMostOrSame(double a, double b) {
  return a <= b || Same(a, b);
}

bool IsUpper(Bound bound) {
  return bound == Bound::kAtMost || bound == Bound::kLessThan;
}
bool IsLower(Bound bound) {
  return bound == Bound::kAtLeast || bound == Bound::kMoreThan;
}
bool IsSided(Bound bound) {
  return IsUpper(bound) || IsLower(bound);
}
bool IsLoose(Bound bound) {
  return bound == Bound::kAbout || bound == Bound::kNearly;
}

// The point `value` satisfies the one-sided bound of `q`.
bool Satisfies(const Quantity& q, double value) {
  const bool same = Same(value, q.value);
  switch (q.bound) {
    case Bound::kAtLeast:
      return same || value > q.value;
    case Bound::kMoreThan:
      return !same && value > q.value;
    case Bound::kAtMost:
      return same || value < q.value;
    case Bound::kLessThan:
      return !same && value < q.value;
    default:
      return same;
  }
}

// The value is within what "about" or "nearly" or the last written digit of `q` covers.
bool Covers(const Quantity& q, double value) {
  const double difference = value - q.value;
  if (q.bound == Bound::kAbout) return std::fabs(difference) <= q.tolerance * (1 + kSameValue);
  if (q.bound == Bound::kNearly) {
    return AtMostOrSame(value, q.value) && -difference <= q.tolerance * (1 + kSameValue);
  }
  return std::fabs(difference) <= q.half_width * (1 + kSameValue);
}

Comparison ComparePoints(const Quantity& claim, const Quantity& evidence) {
  if (Same(claim.value, evidence.value)) {
    if (claim.bound == evidence.bound) return Comparison::kEqual;
    return Comparison::kRoundedEqual;
  }
  if (IsLoose(claim.bound)) {
    if (Covers(claim, evidence.value)) return Comparison::kRoundedEqual;
    return Comparison::kDifferent;
  }
  if (claim.half_width > evidence.half_width && Covers(claim, evidence.value)) {
    return Comparison::kRoundedEqual;
  }
  if (IsLoose(evidence.bound) && Covers(evidence, claim.value)) return Comparison::kIncomparable;
  if (!evidence.is_written_exactly && evidence.half_width > claim.half_width &&
      Covers(evidence, claim.value)) {
    return Comparison::kIncomparable;
  }
  return Comparison::kDifferent;
}

Comparison CompareSided(const Quantity& claim, const Quantity& evidence) {
  if (IsSided(claim.bound) && IsSided(evidence.bound)) {
    if (IsUpper(claim.bound) == IsUpper(evidence.bound)) {
      if (!Same(claim.value, evidence.value)) return Comparison::kDifferent;
      return claim.bound == evidence.bound ? Comparison::kEqual : Comparison::kWithin;
    }
    const Quantity& lower = IsLower(claim.bound) ? claim : evidence;
    const Quantity& upper = IsLower(claim.bound) ? evidence : claim;
    return lower.value < upper.value && !Same(lower.value, upper.value) ? Comparison::kIncomparable
                                                                        : Comparison::kDifferent;
  }
  if (IsSided(claim.bound)) {
    const bool inside = Satisfies(claim, evidence.value) && Satisfies(claim, evidence.value_high);
    return inside ? Comparison::kWithin : Comparison::kDifferent;
  }
  if (claim.is_range) {
    const bool inside = Satisfies(evidence, claim.value) && Satisfies(evidence, claim.value_high);
    return inside ? Comparison::kIncomparable : Comparison::kDifferent;
  }
  if (Same(claim.value, evidence.value)) return Comparison::kWithin;
  if (IsLoose(claim.bound) && Covers(claim, evidence.value)) return Comparison::kWithin;
  return Satisfies(evidence, claim.value) ? Comparison::kIncomparable : Comparison::kDifferent;
}

Comparison CompareRanges(const Quantity& claim, const Quantity& evidence) {
  const auto inside = [](const Quantity& inner, const Quantity& outer) {
    return AtMostOrSame(outer.value, inner.value) &&
           AtMostOrSame(inner.value_high, outer.value_high);
  };
  if (claim.is_range && evidence.is_range) {
    const bool low = Same(claim.value, evidence.value);
    const bool high = Same(claim.value_high, evidence.value_high);
    if (low && high)
      return claim.bound == evidence.bound ? Comparison::kEqual : Comparison::kRoundedEqual;
    const bool rounded = std::fabs(claim.value - evidence.value) <= claim.half_width &&
                         std::fabs(claim.value_high - evidence.value_high) <= claim.half_width;
    if (rounded && claim.half_width > evidence.half_width) return Comparison::kRoundedEqual;
  }
  return inside(claim, evidence) || inside(evidence, claim) ? Comparison::kWithin
                                                            : Comparison::kDifferent;
}

Comparison CompareValues(const Quantity& claim, const Quantity& evidence) {
  if (claim.dimension != evidence.dimension || claim.per != evidence.per) {
    return Comparison::kIncomparable;
  }
  if (claim.dimension == Dimension::kMonths && claim.seconds != evidence.seconds) {
    return Comparison::kDifferent;
  }
  if (IsSided(claim.bound) || IsSided(evidence.bound)) return CompareSided(claim, evidence);
  if (claim.is_range || evidence.is_range) return CompareRanges(claim, evidence);
  return ComparePoints(claim, evidence);
}

// Days against months: equal only under "about".
Comparison CompareDurations(const Quantity& claim, const Quantity& evidence) {
  if (claim.dimension == evidence.dimension) return CompareValues(claim, evidence);
  const bool fits = claim.dimension != Dimension::kWorkingDays &&
                    evidence.dimension != Dimension::kWorkingDays && !claim.is_range &&
                    !evidence.is_range && claim.per == evidence.per;
  if (fits && claim.bound == Bound::kAbout) {
    const Quantity& months = claim.dimension == Dimension::kMonths ? claim : evidence;
    const Quantity& fixed = claim.dimension == Dimension::kMonths ? evidence : claim;
    const double low = months.value * kShortestMonthS + months.seconds;
    const double high = months.value * kLongestMonthS + months.seconds;
    if (low <= fixed.value && fixed.value <= high) return Comparison::kRoundedEqual;
  }
  return claim.per == evidence.per ? Comparison::kDifferent : Comparison::kIncomparable;
}

bool IsDollar(std::uint32_t code) {
  return code == CurrencyCode("USD") || code == CurrencyCode("CAD") ||
         code == CurrencyCode("AUD") || code == CurrencyCode("NZD") ||
         code == CurrencyCode("HKD") || code == CurrencyCode("SGD") || code == kBareDollar;
}

Comparison CompareMoney(const Quantity& claim, const Quantity& evidence) {
  const bool bare = claim.currency == kBareDollar || evidence.currency == kBareDollar;
  const bool same = claim.currency == evidence.currency ||
                    (bare && IsDollar(claim.currency) && IsDollar(evidence.currency));
  return same ? CompareValues(claim, evidence) : Comparison::kDifferent;
}

// Field by field; the weekday of a full date is computed.
Comparison CompareFields(const DateFields& claim, const DateFields& evidence) {
  int common = 0;
  bool differs = false;
  bool claim_more = false;
  bool evidence_more = false;
  const auto field = [&](int a, int b) {
    if (a != 0 && b != 0) {
      ++common;
      differs |= a != b;
    }
    claim_more |= a != 0 && b == 0;
    evidence_more |= a == 0 && b != 0;
  };
  field(claim.year, evidence.year);
  field(claim.month, evidence.month);
  field(claim.day, evidence.day);
  int claim_weekday = claim.weekday;
  int evidence_weekday = evidence.weekday;
  if (claim_weekday != 0 && evidence_weekday == 0) evidence_weekday = WeekdayOf(evidence);
  if (evidence_weekday != 0 && claim_weekday == 0) claim_weekday = WeekdayOf(claim);
  field(claim_weekday, evidence_weekday);
  if (differs) return Comparison::kDifferent;
  if (common == 0) return Comparison::kIncomparable;
  if (!claim_more && !evidence_more) return Comparison::kEqual;
  return claim_more ? Comparison::kWithin : Comparison::kRoundedEqual;
}

DateFields Swapped(const DateFields& date) {
  DateFields swapped = date;
  std::swap(swapped.day, swapped.month);
  return swapped;
}

Comparison CompareDateRanges(const Quantity& claim, const Quantity& evidence) {
  const DateFields& claim_last = claim.is_range ? claim.date_last : claim.date;
  const DateFields& evidence_last = evidence.is_range ? evidence.date_last : evidence.date;
  if (claim.is_range && evidence.is_range && claim.date == evidence.date &&
      claim_last == evidence_last) {
    return Comparison::kEqual;
  }
  if (claim.date.year == 0 || evidence.date.year == 0) {
    const Comparison low = CompareFields(claim.date, evidence.date);
    const Comparison high = CompareFields(claim_last, evidence_last);
    if (claim.is_range != evidence.is_range) {  // only a year could say whether it lies between
      return low == Comparison::kIncomparable ? low : Comparison::kWithin;
    }
    if (low == Comparison::kDifferent || high == Comparison::kDifferent)
      return Comparison::kDifferent;
    return low == high ? low : Comparison::kWithin;
  }
  const std::int64_t claim_low = FirstDayOf(claim.date);
  const std::int64_t claim_high = LastDayOf(claim_last);
  const std::int64_t evidence_low = FirstDayOf(evidence.date);
  const std::int64_t evidence_high = LastDayOf(evidence_last);
  if (claim_low == evidence_low && claim_high == evidence_high) return Comparison::kEqual;
  const bool inside = (evidence_low <= claim_low && claim_high <= evidence_high) ||
                      (claim_low <= evidence_low && evidence_high <= claim_high);
  return inside ? Comparison::kWithin : Comparison::kDifferent;
}

Comparison CompareDates(const Quantity& claim, const Quantity& evidence) {
  if (claim.is_range || evidence.is_range) return CompareDateRanges(claim, evidence);
  const Comparison plain = CompareFields(claim.date, evidence.date);
  if (plain == Comparison::kEqual || claim.date == evidence.date) {
    return claim.bound == evidence.bound ? Comparison::kEqual : Comparison::kRoundedEqual;
  }
  if (plain != Comparison::kDifferent) return plain;
  Comparison swapped = Comparison::kDifferent;
  if (claim.is_ambiguous) swapped = CompareFields(Swapped(claim.date), evidence.date);
  if (swapped == Comparison::kDifferent && evidence.is_ambiguous) {
    swapped = CompareFields(claim.date, Swapped(evidence.date));
  }
  if (swapped == Comparison::kEqual) return Comparison::kRoundedEqual;
  if (swapped != Comparison::kDifferent) return swapped;
  if (claim.bound == Bound::kAbout && claim.grain == DateGrain::kYear && evidence.date.year != 0) {
    const int reach = claim.date.year % 10 == 0 ? 5 : 2;
    const int apart = claim.date.year - evidence.date.year;
    if (apart >= -reach && apart <= reach) return Comparison::kRoundedEqual;
  }
  return Comparison::kDifferent;
}

// "10 pm to 2 am" ends on the next day; a point before such a range's begin is of that day too.
void Unwrap(Quantity& range, Quantity& other) {
  if (!range.is_range || range.value_high >= range.value) return;
  range.value_high += kDayS;
  if (!other.is_range && other.value < range.value) {
    other.value += kDayS;
    other.value_high += kDayS;
  }
}

Comparison CompareTimes(Quantity claim, Quantity evidence) {
  if (claim.value == evidence.value && claim.value_high == evidence.value_high &&
      claim.is_ambiguous == evidence.is_ambiguous) {
    return claim.bound == evidence.bound ? Comparison::kEqual : Comparison::kRoundedEqual;
  }
  Unwrap(claim, evidence);
  Unwrap(evidence, claim);
  if (claim.is_range || evidence.is_range) return CompareRanges(claim, evidence);
  if (claim.is_ambiguous == evidence.is_ambiguous) return ComparePoints(claim, evidence);
  constexpr double kHalfDay = 12 * 3600;
  return std::fmod(claim.value, kHalfDay) == std::fmod(evidence.value, kHalfDay)
             ? Comparison::kRoundedEqual
             : Comparison::kDifferent;
}

bool IsPlainNumber(QuantityKind kind) {
  return kind == QuantityKind::kNumber || kind == QuantityKind::kCount;
}

}  // namespace

Comparison Compare(const Quantity& claim, const Quantity& evidence) {
  if (IsPlainNumber(claim.kind) && IsPlainNumber(evidence.kind)) {
    return CompareValues(claim, evidence);
  }
  if (claim.kind != evidence.kind) return Comparison::kIncomparable;
  switch (claim.kind) {
    case QuantityKind::kMoney:
      return CompareMoney(claim, evidence);
    case QuantityKind::kDuration:
      return CompareDurations(claim, evidence);
    case QuantityKind::kDate:
      return CompareDates(claim, evidence);
    case QuantityKind::kTime:
      return CompareTimes(claim, evidence);
    case QuantityKind::kIdentifier:
      return claim.identity == evidence.identity ? Comparison::kEqual : Comparison::kDifferent;
    case QuantityKind::kOrdinal:
    case QuantityKind::kLabel:
      return claim.identity == evidence.identity && claim.value == evidence.value &&
                     claim.value_high == evidence.value_high
                 ? Comparison::kEqual
                 : Comparison::kDifferent;
    default:
      return CompareValues(claim, evidence);
  }
}

}  // namespace assay::text
