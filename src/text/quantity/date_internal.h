// date_internal.h: calendar dates and times of day.
#pragma once
#include <optional>

#include "quantity/number_internal.h"

namespace assay::text::quantity {

// A run of digits.
struct Digits {
  int value = 0;
  std::uint32_t length = 0;  // 99 where it is longer than five digits
  std::uint32_t end = 0;
};
[[nodiscard]] Digits DigitsAt(const Reader& reader, std::uint32_t at);

// The date that starts at `at` (a digit, an apostrophe's digit or a word), ranges included.
[[nodiscard]] std::optional<Quantity> ReadDate(const Reader& reader, std::uint32_t at);
// The time of day at `at` (a digit, "noon", "half past nine", "a quarter to ten"), ranges included.
[[nodiscard]] std::optional<Quantity> ReadClock(const Reader& reader, std::uint32_t at);
// The end of what joins two ends of a range at `at`: "-", "–", " to ", " until ", " through ",
// and " and " where `after_between`; 0 if there is none.
[[nodiscard]] std::uint32_t RangeConnector(const Reader& reader, std::uint32_t at,
                                           bool after_between);
// True if "between" or "from" stands before `at`.
[[nodiscard]] bool IsAfterBetween(const Reader& reader, std::uint32_t at);

}  // namespace assay::text::quantity
