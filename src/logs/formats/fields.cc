#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "formats/fields_internal.h"

namespace assay::logs {
namespace {

constexpr char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Up to eight bytes in lower case and their number as one number, so that a word is one comparison.
// Longer words have the key of their first and last four bytes.
constexpr std::uint64_t Key(std::string_view word) {
  constexpr std::uint64_t kLowerCase = 0x2020202020202020;
  const auto four = [&](std::size_t at) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 4; i-- > 0;) bytes = bytes << 8 | static_cast<unsigned char>(word[at + i]);
    return bytes;
  };
  const std::size_t size = word.size();
  if (size >= 4) return (four(0) | four(size - 4) << 32 | kLowerCase) ^ size << 57;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < size; ++i) bytes = bytes << 8 | static_cast<unsigned char>(word[i]);
  return (bytes | kLowerCase) ^ size << 57;
}

bool IsFolded(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return Lower(a) == b; });
}

constexpr std::array<std::string_view, kLogLevels> kLevelNames = {
    "unknown", "trace", "debug", "info", "notice", "warn", "error", "fatal"};

constexpr std::array<std::string_view, kLogFormats> kFormatNames = {
    "json",    "syslog5424", "syslog3164",  "syslog-iso", "apache-error", "nginx-error",
    "access",  "bgl",        "hdfs",        "spark",      "zookeeper",    "hadoop",
    "android", "healthapp",  "windows-cbs", "logfmt",     "timestamped",  "plain"};

}  // namespace

std::string_view LevelName(LogLevel level) {
  return kLevelNames[static_cast<std::size_t>(level)];
}

std::string_view FormatName(LogFormat format) {
  return kFormatNames[static_cast<std::size_t>(format)];
}

std::optional<LogFormat> ParseFormat(std::string_view name) {
  const auto* const found = std::ranges::find(kFormatNames, name);
  if (found == kFormatNames.end()) return std::nullopt;
  return static_cast<LogFormat>(found - kFormatNames.begin());
}

LogLevel ParseLevel(std::string_view word) {
  if (word.empty() || word.size() > 11) return LogLevel::kUnknown;
  switch (Key(word)) {
    case Key("t"):
    case Key("v"):
    case Key("trace"):
    case Key("verbose"):
    case Key("finest"):
    case Key("finer"):
      return LogLevel::kTrace;
    case Key("d"):
    case Key("debug"):
    case Key("debug1"):
    case Key("debug2"):
    case Key("debug3"):
    case Key("fine"):
      return LogLevel::kDebug;
    case Key("i"):
    case Key("info"):
    case Key("log"):
    case Key("config"):
      return LogLevel::kInfo;
    case Key("information"):
      return IsFolded(word, "information") ? LogLevel::kInfo : LogLevel::kUnknown;
    case Key("n"):
    case Key("notice"):
      return LogLevel::kNotice;
    case Key("w"):
    case Key("warn"):
    case Key("warning"):
      return LogLevel::kWarn;
    case Key("e"):
    case Key("err"):
    case Key("error"):
    case Key("severe"):
    case Key("failure"):
      return LogLevel::kError;
    case Key("f"):
    case Key("fatal"):
    case Key("crit"):
    case Key("critical"):
    case Key("alert"):
    case Key("emerg"):
    case Key("panic"):
      return LogLevel::kFatal;
    case Key("emergency"):
      return IsFolded(word, "emergency") ? LogLevel::kFatal : LogLevel::kUnknown;
    default:
      return LogLevel::kUnknown;
  }
}

std::optional<std::int64_t> ParseTime(std::string_view text) {
  using internal::Cursor;
  using internal::Moment;
  Moment moment;
  Cursor cursor(text);
  if (internal::EatIso(cursor, moment)) {
    internal::EatZone(cursor, moment);
  } else {
    cursor = Cursor(text);
    moment = Moment{};
    std::int64_t seconds = 0;
    if (cursor.Four(moment.year) && cursor.Eat('-') && cursor.Two(moment.month) &&
        cursor.Eat('-')) {
      if (!cursor.Two(moment.day)) return std::nullopt;
    } else {
      cursor = Cursor(text);
      if (!cursor.Number(seconds, 11) || cursor.left() > 0) return std::nullopt;
      return seconds * internal::kUsPerSecond;
    }
  }
  const std::int64_t time_us = internal::ToUs(moment);
  if (cursor.left() > 0 || time_us == kNoTime) return std::nullopt;
  return time_us;
}

namespace internal {

namespace {

constexpr std::array<std::int16_t, 13> kDaysOfMonth = {0,  31, 29, 31, 30, 31, 30,
                                                       31, 31, 30, 31, 30, 31};
// Days before a month, of a year of 365 days.
constexpr std::array<std::int16_t, 13> kDaysBefore = {0,   0,   31,  59,  90,  120, 151,
                                                      181, 212, 243, 273, 304, 334};
// Days before the years that logs are usually of.
constexpr std::int32_t kFirstYear = 1970;
constexpr std::array<std::int32_t, 160> kDaysBeforeYear = [] {
  std::array<std::int32_t, 160> days{};
  for (std::size_t i = 0; i < days.size(); ++i) {
    days[i] = DaysFromCivil(kFirstYear + static_cast<std::int32_t>(i), 1, 1);
  }
  return days;
}();

constexpr bool IsLeap(std::int32_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// The three letters of each month in a table without collisions, found when this is compiled.
struct MonthTable {
  std::uint32_t factor = 0;
  std::array<std::uint32_t, 16> keys{};
  std::array<std::int8_t, 16> months{};
};
constexpr std::uint32_t MonthKey(const char* at) {
  const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(at[i])}; };
  return (byte(0) | byte(1) << 8 | byte(2) << 16) | 0x202020;
}
constexpr MonthTable kMonths = [] {
  constexpr std::string_view kNames = "janfebmaraprmayjunjulaugsepoctnovdec";
  MonthTable table;
  for (std::uint32_t factor = 0x9e3779b1;; factor += 2) {  // odd factors from 2^32 / phi on
    table = {factor, {}, {}};
    bool free = true;
    for (std::size_t i = 0; i < 12 && free; ++i) {
      const std::uint32_t key = MonthKey(&kNames[3 * i]);
      const std::uint32_t place = key * factor >> 28;
      free = table.keys[place] == 0;
      table.keys[place] = key;
      table.months[place] = static_cast<std::int8_t>(i + 1);
    }
    if (free) return table;
  }
}();

}  // namespace

std::int64_t ToUs(const Moment& m) {
  if (m.month < 1 || m.month > 12 || m.day < 1 ||
      m.day > kDaysOfMonth[static_cast<std::size_t>(m.month)] || m.hour > 23 || m.minute > 59 ||
      m.second > 60) {
    return kNoTime;
  }
  const bool leap = IsLeap(m.year);
  if (m.month == 2 && m.day == 29 && !leap) return kNoTime;
  const auto index = static_cast<std::size_t>(m.year - kFirstYear);
  const std::int32_t before =
      index < kDaysBeforeYear.size() ? kDaysBeforeYear[index] : DaysFromCivil(m.year, 1, 1);
  const std::int32_t days = before + kDaysBefore[static_cast<std::size_t>(m.month)] + m.day - 1 +
                            (leap && m.month > 2 ? 1 : 0);
  const std::int64_t seconds = static_cast<std::int64_t>(days) * kSecondsPerDay + m.hour * 3600 +
                               m.minute * 60 + m.second - m.offset_s;
  return seconds * kUsPerSecond + m.micros;
}

LastDate LastDateOf(std::int32_t reference_day) {
  const std::int32_t day = reference_day + 1;
  // A guess from the mean length of a year, put right by its first day.
  std::int32_t year = kFirstYear + static_cast<std::int32_t>(day / 365.2425);
  if (DaysFromCivil(year + 1, 1, 1) <= day) ++year;
  if (DaysFromCivil(year, 1, 1) > day) --year;
  std::int32_t month = 12;
  while (DaysFromCivil(year, month, 1) > day) --month;
  return {year, month, day - DaysFromCivil(year, month, 1) + 1};
}

std::int32_t LikelyYear(std::int32_t month, std::int32_t day, const LastDate& last) {
  const bool later = month != last.month ? month > last.month : day > last.day;
  std::int32_t year = last.year - (later ? 1 : 0);
  // The 29th of February is in the last leap year.
  while (month == 2 && day == 29 && !IsLeap(year)) --year;
  return year;
}

std::int32_t MonthOf(Cursor& cursor) {
  if (cursor.left() < 3) return 0;
  const std::uint32_t key = MonthKey(cursor.rest().data());
  const std::uint32_t place = key * kMonths.factor >> 28;
  if (kMonths.keys[place] != key) return 0;
  cursor.Skip(3);
  return kMonths.months[place];
}

void EatZone(Cursor& cursor, Moment& moment) {
  if (cursor.Eat('Z')) return;
  Cursor ahead = cursor;
  (void)ahead.Eat(' ');
  const char sign = ahead.peek();
  if (sign != '+' && sign != '-') return;
  ahead.Skip(1);
  std::int32_t hours = 0;
  std::int32_t minutes = 0;
  if (!ahead.Two(hours)) return;
  (void)ahead.Eat(':');
  if (!ahead.Two(minutes) || hours > 18 || minutes > 59) return;
  moment.offset_s = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
  cursor = ahead;
}

bool EatIso(Cursor& cursor, Moment& moment) {
  if (!cursor.Four(moment.year)) return false;
  const char join = cursor.peek();
  if (join != '-' && join != '/') return false;
  cursor.Skip(1);
  if (!cursor.Two(moment.month) || !cursor.Eat(join) || !cursor.Two(moment.day)) return false;
  if (!cursor.Eat(' ') && !cursor.Eat('T')) return false;
  return EatClock(cursor, moment) && EatFraction(cursor, moment);
}

namespace {

constexpr double kNs = 1;
constexpr double kUs = 1e3;
constexpr double kMs = 1e6;
constexpr double kSecond = 1e9;
constexpr double kMinute = 60e9;
constexpr double kLongest = 3.2e18;  // a century in ns

double UnitOf(std::string_view text, double otherwise) {
  struct Unit {
    std::string_view name;
    double ns;
  };
  // Longer names first.
  constexpr std::array<Unit, 13> kUnits = {{{"milliseconds", kMs},
                                            {"millis", kMs},
                                            {"microseconds", kUs},
                                            {"micros", kUs},
                                            {"seconds", kSecond},
                                            {"secs", kSecond},
                                            {"sec", kSecond},
                                            {"min", kMinute},
                                            {"ms", kMs},
                                            {"us", kUs},
                                            {"\xc2\xb5s", kUs},
                                            {"ns", kNs},
                                            {"s", kSecond}}};
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    const char next = text.size() > unit.name.size() ? Lower(text[unit.name.size()]) : ' ';
    if (next < 'a' || next > 'z') return unit.ns;
  }
  return otherwise;
}

bool StartsWithFolded(std::string_view text, std::string_view lower) {
  if (text.size() < lower.size()) return false;
  return std::ranges::equal(text.substr(0, lower.size()), lower,
                            [](char a, char b) { return Lower(a) == b; });
}

}  // namespace

std::int64_t ReadLatency(std::string_view text, double default_unit_ns) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || !(value >= 0)) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  const double ns = value * UnitOf(text, default_unit_ns);
  return ns <= kLongest ? std::llround(ns) : -1;
}

double UnitOfKey(std::string_view key) {
  struct End {
    std::string_view name;
    double ns;
  };
  constexpr std::array<End, 10> kEnds = {{{"_ms", kMs},
                                          {"_us", kUs},
                                          {"_ns", kNs},
                                          {"_s", kSecond},
                                          {"_seconds", kSecond},
                                          {"_sec", kSecond},
                                          {"Ms", kMs},
                                          {"Us", kUs},
                                          {"Ns", kNs},
                                          {"Seconds", kSecond}}};
  for (const End& one : kEnds) {
    if (key.ends_with(one.name)) return one.ns;
  }
  return 0;
}

bool IsLatencyKey(std::string_view key) {
  if (key.size() < 4) return false;
  constexpr std::array<std::string_view, 8> kBegins = {
      "latency",       "duration",     "elapsed",      "took",
      "response_time", "request_time", "responsetime", "requesttime"};
  return std::ranges::any_of(kBegins,
                             [&](std::string_view one) { return StartsWithFolded(key, one); });
}

std::int64_t FindLatency(std::string_view text, std::string_view key) {
  const auto word = [](char c) {
    return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'z') || c == '_';
  };
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at > 0 && word(text[at - 1])) continue;
    std::string_view rest = text.substr(at + key.size());
    if (rest.starts_with('"')) rest.remove_prefix(1);
    const std::size_t value = rest.find_first_not_of(" =:\t\"");
    if (value == 0 || value == std::string_view::npos || value > 4 || !IsDigit(rest[value]))
      continue;
    const double unit = UnitOfKey(key);
    return ReadLatency(rest.substr(value), unit > 0 ? unit : kMs);
  }
  return -1;
}

}  // namespace internal
}  // namespace assay::logs
