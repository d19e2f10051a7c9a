// The parts that headers of log lines are made of: numbers, times, words.
#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

#include "assay/logs/log_format.h"

namespace assay::logs::internal {

inline constexpr std::int64_t kUsPerSecond = 1'000'000;
inline constexpr std::int32_t kSecondsPerDay = 86'400;
inline constexpr std::int32_t kAnyYear = -1;

[[nodiscard]] inline bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Eats a line from the left. Every function leaves the cursor where it was when it returns false.
class Cursor {
 public:
  explicit Cursor(std::string_view line) : at_(line.data()), end_(at_ + line.size()) {}

  [[nodiscard]] std::string_view rest() const {
    return {at_, static_cast<std::size_t>(end_ - at_)};
  }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return left() > ahead ? at_[ahead] : '\0';
  }
  void Skip(std::size_t bytes) { at_ += bytes; }
  bool Eat(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool Eat(std::string_view word) {
    if (!rest().starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void SkipSpaces() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
  }
  // Exactly two digits.
  bool Two(std::int32_t& out) {
    if (left() < 2 || !IsDigit(at_[0]) || !IsDigit(at_[1])) return false;
    out = (at_[0] - '0') * 10 + (at_[1] - '0');
    at_ += 2;
    return true;
  }
  bool Four(std::int32_t& out) {
    const char* const before = at_;
    std::int32_t high = 0;
    std::int32_t low = 0;
    if (!Two(high) || !Two(low)) {
      at_ = before;
      return false;
    }
    out = high * 100 + low;
    return true;
  }
  // One to `most` digits (most <= 18).
  bool Number(std::int64_t& out, int most) {
    const char* const before = at_;
    std::int64_t value = 0;
    while (at_ != end_ && IsDigit(*at_) && at_ - before < most) value = value * 10 + (*at_++ - '0');
    out = value;
    return at_ != before;
  }
  // Up to `stop`, which is eaten too; false where there is none.
  bool Until(char stop, std::string_view& out) {
    const void* const found = at_ == end_ ? nullptr : std::memchr(at_, stop, left());
    if (found == nullptr) return false;
    const auto* const to = static_cast<const char*>(found);
    out = {at_, static_cast<std::size_t>(to - at_)};
    at_ = to + 1;
    return true;
  }
  // A word that is not empty, and the spaces behind it; the end of the line also ends it.
  bool Word(std::string_view& out) {
    const char* const begin = at_;
    while (at_ != end_ && *at_ != ' ' && *at_ != '\t') ++at_;
    out = {begin, static_cast<std::size_t>(at_ - begin)};
    SkipSpaces();
    return !out.empty();
  }

 private:
  const char* at_;
  const char* end_;
};

// Days since 1970-01-01 of the Gregorian calendar (Hinnant 2013, "days_from_civil").
[[nodiscard]] constexpr std::int32_t DaysFromCivil(std::int32_t year, std::int32_t month,
                                                   std::int32_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int32_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int32_t of_era = year - era * 400;
  const std::int32_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

// A date or a time of day that may be wrong.
struct Moment {
  std::int32_t year = 1970;
  std::int32_t month = 1;
  std::int32_t day = 1;
  std::int32_t hour = 0;
  std::int32_t minute = 0;
  std::int32_t second = 0;
  std::int32_t micros = 0;
  std::int32_t offset_s = 0;  // east of Greenwich
};

// kNoTime where it does not exist. A 60th second is the next minute.
[[nodiscard]] std::int64_t ToUs(const Moment& moment);
// The latest date that a time without a year may have: a day after the reference.
struct LastDate {
  std::int32_t year = 1970;
  std::int32_t month = 1;
  std::int32_t day = 1;
};
[[nodiscard]] LastDate LastDateOf(std::int32_t reference_day);
// The year that a date without one gets; see LineParserOptions::reference_us.
[[nodiscard]] std::int32_t LikelyYear(std::int32_t month, std::int32_t day, const LastDate& last);

// "Jan" to 1; 0 for anything else.
[[nodiscard]] std::int32_t MonthOf(Cursor& cursor);
// 04:47:44
inline bool EatClock(Cursor& cursor, Moment& moment) {
  return cursor.Two(moment.hour) && cursor.Eat(':') && cursor.Two(moment.minute) &&
         cursor.Eat(':') && cursor.Two(moment.second);
}

// ".5", ",123", ":456" to microseconds; always true.
inline bool EatFraction(Cursor& cursor, Moment& moment) {
  const char mark = cursor.peek();
  if ((mark != '.' && mark != ',' && mark != ':') || !IsDigit(cursor.peek(1))) return true;
  cursor.Skip(1);
  std::int32_t digits = 0;
  std::int32_t micros = 0;
  while (IsDigit(cursor.peek())) {
    if (digits++ < 6) micros = micros * 10 + (cursor.peek() - '0');
    cursor.Skip(1);
  }
  for (; digits < 6; ++digits) micros *= 10;
  moment.micros = micros;
  return true;
}

// "Z", "+02:00", "+0200", " +0200", or nothing.
void EatZone(Cursor& cursor, Moment& moment);
// 2015-10-18 18:01:47,978 and 2015-10-18T18:01:47.978Z, also with '/' in the date.
bool EatIso(Cursor& cursor, Moment& moment);

// What each format's reader is given besides the line.
struct FormatContext {
  LastDate last_date;
  std::string_view latency_key;
};
using FormatReader = bool (*)(std::string_view line, const FormatContext& context, LogLine& out);

// Each fills `out` and returns true where the line has the format; `out` may be changed if not.
bool ReadJson(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadSyslog5424(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadSyslog3164(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadSyslogIso(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadApacheError(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadNginxError(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadAccess(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadBgl(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadHdfs(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadSpark(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadZookeeper(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadHadoop(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadAndroid(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadHealthApp(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadWindowsCbs(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadLogfmt(std::string_view line, const FormatContext& context, LogLine& out);
bool ReadTimestamped(std::string_view line, const FormatContext& context, LogLine& out);

// A number with a unit ("12.5ms", "3 s", "250us", "1.2") to ns; without one it is taken in
// `default_unit_ns`. -1 where there is none, or it is negative or longer than a century.
[[nodiscard]] std::int64_t ReadLatency(std::string_view text, double default_unit_ns);
// The unit that the name of a field ends in ("latency_ms", "durationUs"): its ns; 0 for none.
[[nodiscard]] double UnitOfKey(std::string_view key);
// Whether a field of this name is a latency: latency..., duration..., elapsed..., took,
// response_time..., request_time..., with or without a unit.
[[nodiscard]] bool IsLatencyKey(std::string_view key);
// The value behind `key` in free text; see LineParserOptions::latency_key.
[[nodiscard]] std::int64_t FindLatency(std::string_view text, std::string_view key);

}  // namespace assay::logs::internal
