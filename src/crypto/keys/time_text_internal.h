// time_text_internal.h: times and amounts for messages.
// Room: crypto.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace assay::crypto {

// "2026-11-21T16:05:00Z". Exact to the second, in UTC.
[[nodiscard]] inline std::string UtcText(std::int64_t unix_ms) {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const std::chrono::sys_time<milliseconds> time{milliseconds{unix_ms}};
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{floor<seconds>(time - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

// "1.5" for 1'500'000'000 nanodollars.
[[nodiscard]] inline std::string UsdText(std::uint64_t nanousd) {
  constexpr std::uint64_t kNanos = 1'000'000'000;
  std::string text = fmt::format("{}.{:09}", nanousd / kNanos, nanousd % kNanos);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace assay::crypto
