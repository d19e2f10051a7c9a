#include "assay/crypto/grant.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace assay::crypto {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;

// Rounds down also before 1970.
std::int64_t FloorTo(std::int64_t value, std::int64_t step) {
  const std::int64_t remainder = value % step;
  return value - (remainder < 0 ? remainder + step : remainder);
}

Window MonthAt(std::int64_t unix_ms) {
  using std::chrono::days;
  using std::chrono::sys_days;
  using std::chrono::year_month_day;
  const year_month_day date{sys_days{days{FloorTo(unix_ms, kDayMs) / kDayMs}}};
  const auto first = date.year() / date.month() / 1;
  const auto ms = [](const year_month_day& day) {
    return sys_days{day}.time_since_epoch().count() * kDayMs;
  };
  return {ms(first), ms(first + std::chrono::months{1})};
}

}  // namespace

Result<ScopeSet> ScopeSet::Parse(std::string_view text) {
  ScopeSet scopes;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    const auto found = std::ranges::find(kScopeNames, name);
    if (found == kScopeNames.end()) {
      return Fail(Code::kInvalidArgument, fmt::format("'{}' is no scope; there are {}", name,
                                                      fmt::join(kScopeNames, ", ")));
    }
    scopes.Add(static_cast<Scope>(found - kScopeNames.begin()));
    if (comma == std::string_view::npos) return scopes;
    text.remove_prefix(comma + 1);
  }
}

std::string ScopeSet::ToText() const {
  std::string text;
  for (std::size_t i = 0; i < kScopeNames.size(); ++i) {
    if (!Holds(static_cast<Scope>(i))) continue;
    if (!text.empty()) text += ',';
    text += kScopeNames[i];
  }
  return text;
}

Result<Period> ParsePeriod(std::string_view name) {
  const auto found = std::ranges::find(kPeriodNames, name);
  if (found != kPeriodNames.end()) return static_cast<Period>(found - kPeriodNames.begin());
  return Fail(Code::kInvalidArgument,
              fmt::format("'{}' is no period; there are {}", name, fmt::join(kPeriodNames, ", ")));
}

Window WindowAt(Period period, std::int64_t unix_ms) {
  switch (period) {
    case Period::kTotal:
      return {};
    case Period::kHour: {
      const std::int64_t begin_ms = FloorTo(unix_ms, kHourMs);
      return {begin_ms, begin_ms + kHourMs};
    }
    case Period::kDay: {
      const std::int64_t begin_ms = FloorTo(unix_ms, kDayMs);
      return {begin_ms, begin_ms + kDayMs};
    }
    case Period::kMonth:
      return MonthAt(unix_ms);
  }
  return {};
}

}  // namespace assay::crypto
