// calendar_internal.h: the proleptic Gregorian calendar.
#pragma once
#include <chrono>
#include <cstdint>

#include "assay/text/quantity.h"

namespace assay::text::quantity {

// Days since 1970-01-01 of the first (last) day that the stated fields allow. Requires: a year.
[[nodiscard]] inline std::int64_t FirstDayOf(const DateFields& date) {
  const auto day = std::chrono::year{date.year} / (date.month == 0 ? 1 : date.month) /
                   (date.day == 0 ? 1 : date.day);
  return std::chrono::sys_days{day}.time_since_epoch().count();
}

[[nodiscard]] inline std::int64_t LastDayOf(const DateFields& date) {
  if (date.day != 0 && date.month != 0) return FirstDayOf(date);
  const auto last =
      std::chrono::year{date.year} / (date.month == 0 ? 12 : date.month) / std::chrono::last;
  return std::chrono::sys_days{last}.time_since_epoch().count();
}

// 1 = Monday to 7 = Sunday; 0 unless year, month and day are stated.
[[nodiscard]] inline int WeekdayOf(const DateFields& date) {
  if (date.year == 0 || date.month == 0 || date.day == 0) return 0;
  const std::chrono::sys_days day{std::chrono::days{FirstDayOf(date)}};
  return static_cast<int>(std::chrono::weekday{day}.iso_encoding());
}

}  // namespace assay::text::quantity
