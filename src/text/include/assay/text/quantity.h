// assay/text/quantity.h: numbers, dates, times, durations, money and measures of a text, normalised
// so that what an answer says can be compared with what a document says.
// Room: text (uses core).  Threads: pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/text/span.h"

namespace assay::text {

enum class QuantityKind : std::uint8_t {
  kNumber,            // "1,234.5", "three", "1.2 million"
  kCount,             // a number with the noun it counts: "3 new employees"
  kOrdinal,           // "third", "21st"
  kLabel,             // a number that names: "Chapter IV", "World War II", "Section 3", "#5"
  kRatio,             // "45%", "half", "two thirds"; value 1 is the whole
  kPercentagePoints,  // "3 percentage points", "25 basis points"; value in points
  kMoney,             // value in whole currency units (dollars, not cents)
  kMeasure,           // value in the SI unit of its dimension
  kDuration,          // value in seconds, months or working days: see Dimension
  kDate,              // days, months, years, quarters, decades, centuries, weekdays
  kTime,              // time of day; value in seconds since midnight
  kIdentifier,        // versions, telephone numbers, IP addresses, ISBN: never a number
};

// What a value measures, and its canonical unit. Only equal dimensions are ever compared.
enum class Dimension : std::uint8_t {
  kNone,
  kLength,       // metre
  kMass,         // kilogram
  kArea,         // square metre
  kVolume,       // cubic metre
  kSpeed,        // metre per second
  kTemperature,  // kelvin
  kData,         // byte
  kEnergy,       // joule
  kPower,        // watt
  kFrequency,    // hertz
  kPressure,     // pascal
  kVoltage,      // volt
  kCurrent,      // ampere
  kAngle,        // degree
  kSeconds,      // seconds to weeks: units of fixed length
  kMonths,       // months to centuries: a month is no fixed number of days
  kWorkingDays,  // "business days", "working days"
};

// How a value is meant.
enum class Bound : std::uint8_t {
  kExact,
  kAbout,     // about, around, roughly, some, approximately, ~, or so
  kNearly,    // nearly, almost, just under: a little less
  kAtLeast,   // at least, no less than, or more, 5+
  kMoreThan,  // more than, over, above, exceeding
  kAtMost,    // at most, up to, no more than, within, or less
  kLessThan,  // less than, under, below, fewer than
};

enum class DateGrain : std::uint8_t { kDay, kMonth, kQuarter, kYear, kDecade, kCentury, kWeekday };

// The fields that a text states; 0 = not stated.
struct DateFields {
  std::int16_t year = 0;     // 1 to 9999
  std::uint8_t month = 0;    // 1 to 12
  std::uint8_t day = 0;      // 1 to 31
  std::uint8_t weekday = 0;  // 1 = Monday to 7 = Sunday
  friend constexpr bool operator==(const DateFields&, const DateFields&) = default;
};

struct Quantity {
  Span span;  // number and unit, of a range both ends; without "about", "at least", "between"
  Span noun;  // kCount: head noun ("employees"); kLabel: the word that is numbered; else empty
  QuantityKind kind = QuantityKind::kNumber;
  Dimension dimension = Dimension::kNone;
  Dimension per = Dimension::kNone;  // of a rate: "$15 an hour" has kSeconds, value per second
  Bound bound = Bound::kExact;
  DateGrain grain = DateGrain::kDay;
  std::uint8_t unit = 0;      // the unit as written; see UnitName
  std::uint8_t per_unit = 0;  // of a rate: the unit after "per"
  bool is_range = false;      // value..value_high or date..date_last, both ends belong to it
  bool is_ambiguous = false;  // 03/01/2024 (day and month may change places), 5:30 (a.m. or p.m.)
  bool is_written_exactly = true;  // an integer without scale word: 30, not 3.0 or 1.2 million
  double value = 0;                // canonical; of a range the low end
  double value_high = 0;           // of a range the last end, else = value; never less than value,
                                   // but for a kTime past midnight (10 pm to 2 am)
  double half_width = 0;           // half of the last written digit's unit, canonical
  double tolerance = 0;            // how far "about" reaches from the value, canonical
  double written = 0;              // value in the written unit ("1.2 million km": 1200000)
  double written_high = 0;
  double seconds = 0;          // of "1 month 5 days" the fixed part; only with kMonths
  DateFields date;             // kDate
  DateFields date_last;        // kDate with is_range; decades, centuries and quarters are ranges
  std::uint32_t currency = 0;  // kMoney: the ISO 4217 code, first letter highest; "$" is 0x24
  std::uint64_t identity = 0;  // kIdentifier: hash of its digits and letters
};

// Appends the quantities of `text` (UTF-8) in order of position; spans never overlap. One pass; no
// allocation except in `out`. Left out: pronouns ("one another", "no one", "I"), digits inside
// words, URLs and e-mail addresses. Grouping is read as English ("1,234" is 1234, "1.234" is 1.234)
// unless the number itself shows otherwise ("1.234,5"). Years have four digits and no noun that
// they count. O(n) time.
void ExtractQuantities(std::string_view text, std::vector<Quantity>& out);

enum class Comparison : std::uint8_t {
  kEqual,         // the same statement: 0.5 km and 500 m, 24 months and 2 years
  kRoundedEqual,  // the claim is a correct rounding or a coarser date: "about 30%" for 29.8%
  kWithin,        // one lies inside the bound or range of the other: "at least 30" for 35
  kDifferent,     // they cannot both be meant: 3 days and 30 days
  kIncomparable,  // another kind of thing, or evidence that leaves the claim open
};

// Compares what a claim says with what the evidence says, as if both speak of the same thing.
// Kinds: kNumber and kCount compare with each other; every other kind only with itself; a measure
// only within its dimension; a rate only with a rate of the same dimension.
// Points: equal values are kEqual. A claim within half of its last written digit is kRoundedEqual
// when
//   it is written more coarsely than the evidence (1.2 million for 1,234,567; never 3.4 for 3). A
//   claim with "about" reaches half of its last non-zero digit, at most 10% (about 30: 27 to 33);
//   "nearly" the same, downwards only. Evidence written more coarsely than the claim leaves it open
//   (kIncomparable) if it is no plain integer, else they are kDifferent.
// Bounds: the same bound on the same value is kEqual, bounds of one direction with other values are
//   kDifferent. A claim with a bound that the evidence satisfies is kWithin, else kDifferent. A
//   claim without a bound is kWithin when it names the evidence's limit (30 for "up to 30"),
//   kDifferent outside, and kIncomparable inside (3 for "up to 30": not said, not excluded).
// Ranges: equal ends are kEqual; containment either way is kWithin; else kDifferent.
// Durations: seconds to weeks convert, months to centuries convert; days against months are never
// kEqual:
//   kRoundedEqual if the claim says "about" and a month of 28 to 31 days makes it true, else
//   kDifferent.
// Money: other currencies are kDifferent; a bare "$" is any dollar.
// Dates: by the fields that both state. All equal: kEqual; the claim coarser: kRoundedEqual; the
//   claim finer: kWithin ("1 March 2024" for "March 2024"); one unequal: kDifferent; none in
//   common: kIncomparable. Weekdays are checked against the calendar. Ranges by containment as
//   above.
// Identifiers and labels: kEqual or kDifferent.
// Compare(x, x) is kEqual; kEqual is symmetric, nothing else is.
[[nodiscard]] Comparison Compare(const Quantity& claim, const Quantity& evidence);

// Short normalised text for reasons: "30 days", "at least 1.2 million", "1 March 2024", "$5",
// "17:00". The second form adds the counted noun from `text`, the text it was extracted from: "3
// employees".
[[nodiscard]] std::string Describe(const Quantity& quantity);
[[nodiscard]] std::string Describe(const Quantity& quantity, std::string_view text);

// "equal", "rounded", "within", "different", "incomparable"; "number", "count", "money", ...
[[nodiscard]] std::string_view ComparisonName(Comparison comparison);
[[nodiscard]] std::string_view KindName(QuantityKind kind);
// The written unit in the singular ("kilometre", "day"), or "" for none.
[[nodiscard]] std::string_view UnitName(std::uint8_t unit);

}  // namespace assay::text
