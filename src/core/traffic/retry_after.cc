#include "assay/core/traffic/retry_after.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace assay::core {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
constexpr std::size_t kMaxDigits = 15;  // seconds and milliseconds stay inside 63 bits

// Takes parts off the front of a text; after the first miss everything fails.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  void Literal(std::string_view wanted) {
    ok_ = ok_ && rest_.starts_with(wanted);
    if (ok_) rest_.remove_prefix(wanted.size());
  }

  // Exactly so many digits; `pad` allows a space for the first one.
  int Digits(std::size_t count, bool pad = false) {
    if (!ok_ || rest_.size() < count) return Miss();
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const char c = rest_[i];
      if (pad && i == 0 && c == ' ') continue;
      if (c < '0' || c > '9') return Miss();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  unsigned Month() {
    for (unsigned i = 0; i < kMonths.size(); ++i) {
      if (ok_ && rest_.starts_with(kMonths[i])) {
        rest_.remove_prefix(kMonths[i].size());
        return i + 1;
      }
    }
    return static_cast<unsigned>(Miss());
  }

  // The name of a day, whole or its first three letters.
  void Day(bool whole) {
    for (const std::string_view day : kDays) {
      const std::string_view name = whole ? day : day.substr(0, 3);
      if (ok_ && rest_.starts_with(name)) {
        rest_.remove_prefix(name.size());
        return;
      }
    }
    ok_ = false;
  }

  [[nodiscard]] bool done() const { return ok_ && rest_.empty(); }

 private:
  int Miss() {
    ok_ = false;
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

struct Moment {
  int year = 0;
  unsigned month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

void Time(Scanner& scan, Moment& moment) {
  moment.hour = scan.Digits(2);
  scan.Literal(":");
  moment.minute = scan.Digits(2);
  scan.Literal(":");
  moment.second = scan.Digits(2);
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<Moment> ImfDate(std::string_view text) {
  Scanner scan(text);
  Moment moment;
  scan.Day(false);
  scan.Literal(", ");
  moment.day = scan.Digits(2);
  scan.Literal(" ");
  moment.month = scan.Month();
  scan.Literal(" ");
  moment.year = scan.Digits(4);
  scan.Literal(" ");
  Time(scan, moment);
  scan.Literal(" GMT");
  return scan.done() ? std::optional(moment) : std::nullopt;
}

// "Sunday, 06-Nov-94 08:49:37 GMT". Two digits mean this century: such a date is about now.
std::optional<Moment> Rfc850Date(std::string_view text) {
  Scanner scan(text);
  Moment moment;
  scan.Day(true);
  scan.Literal(", ");
  moment.day = scan.Digits(2);
  scan.Literal("-");
  moment.month = scan.Month();
  scan.Literal("-");
  moment.year = 2000 + scan.Digits(2);
  scan.Literal(" ");
  Time(scan, moment);
  scan.Literal(" GMT");
  return scan.done() ? std::optional(moment) : std::nullopt;
}

// "Sun Nov  6 08:49:37 1994"
std::optional<Moment> AsctimeDate(std::string_view text) {
  Scanner scan(text);
  Moment moment;
  scan.Day(false);
  scan.Literal(" ");
  moment.month = scan.Month();
  scan.Literal(" ");
  moment.day = scan.Digits(2, true);
  scan.Literal(" ");
  Time(scan, moment);
  scan.Literal(" ");
  moment.year = scan.Digits(4);
  return scan.done() ? std::optional(moment) : std::nullopt;
}

// All digits of `text`; nullopt when there are none, others, or too many to matter.
std::optional<std::int64_t> Number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (text.size() <= kMaxDigits) value = value * 10 + (c - '0');
  }
  return text.size() <= kMaxDigits ? value : kMaxRetryAfterMs;
}

}  // namespace

std::optional<std::int64_t> ParseHttpDate(std::string_view text) {
  std::optional<Moment> moment = ImfDate(text);
  if (!moment) moment = Rfc850Date(text);
  if (!moment) moment = AsctimeDate(text);
  if (!moment) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(moment->year),
                                         std::chrono::month(moment->month),
                                         std::chrono::day(static_cast<unsigned>(moment->day))};
  // 60 is a leap second.
  if (!date.ok() || moment->hour > 23 || moment->minute > 59 || moment->second > 60)
    return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return days * 86'400 + moment->hour * 3'600 + moment->minute * 60 + moment->second;
}

std::optional<std::int64_t> ParseRetryAfter(std::string_view value, std::int64_t now_wall_ms) {
  if (const auto seconds = Number(value)) {
    return std::min(*seconds, kMaxRetryAfterMs / 1'000) * 1'000;
  }
  const auto date = ParseHttpDate(value);
  if (!date) return std::nullopt;
  return std::clamp<std::int64_t>(*date * 1'000 - now_wall_ms, 0, kMaxRetryAfterMs);
}

std::optional<std::int64_t> ParseRetryAfterMs(std::string_view value) {
  const std::size_t point = std::min(value.find('.'), value.size());
  const auto whole = Number(value.substr(0, point));
  if (!whole) return std::nullopt;
  std::int64_t wait_ms = *whole;
  if (point < value.size()) {
    const auto fraction = Number(value.substr(point + 1));
    if (!fraction) return std::nullopt;
    if (*fraction != 0) ++wait_ms;
  }
  return std::min(wait_ms, kMaxRetryAfterMs);
}

}  // namespace assay::core
