// Syslog in its three forms. A priority's lowest three bits are the severity (RFC 5424, 6.2.1).
#include <array>

#include "formats/fields_internal.h"

namespace assay::logs::internal {
namespace {

constexpr std::array<LogLevel, 8> kSeverities = {
    LogLevel::kFatal, LogLevel::kFatal,  LogLevel::kFatal, LogLevel::kError,
    LogLevel::kWarn,  LogLevel::kNotice, LogLevel::kInfo,  LogLevel::kDebug};
constexpr std::int64_t kMaxPriority = 191;

// "<34>". The text of the level is the number.
bool EatPriority(Cursor& cursor, LogLine& out) {
  if (!cursor.Eat('<')) return false;
  const std::string_view rest = cursor.rest();
  std::int64_t priority = 0;
  if (!cursor.Number(priority, 3) || !cursor.Eat('>') || priority > kMaxPriority) return false;
  out.level = kSeverities[static_cast<std::size_t>(priority) % kSeverities.size()];
  out.level_text = rest.substr(0, rest.find('>'));
  return true;
}

// "app[123]: text", "app: text"; a message without a tag is content as a whole.
void ReadTag(std::string_view rest, LogLine& out) {
  constexpr std::size_t kLongestTag = 64;
  out.content = rest;
  std::size_t colon = std::string_view::npos;
  const std::size_t look = rest.size() < kLongestTag ? rest.size() : kLongestTag;
  for (std::size_t i = 0; i < look; ++i) {
    if (rest[i] == ':' && (i + 1 == rest.size() || rest[i + 1] == ' ')) {
      colon = i;
      break;
    }
  }
  if (colon == std::string_view::npos || colon == 0) return;
  std::string_view tag = rest.substr(0, colon);
  if (tag.ends_with(']')) {
    const std::size_t open = tag.rfind('[');
    if (open != std::string_view::npos && open > 0) tag = tag.substr(0, open);
  }
  while (tag.starts_with(' ')) tag.remove_prefix(1);
  out.source = tag;
  rest.remove_prefix(colon + 1);
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  out.content = rest;
}

// One value of RFC 5424's header; "-" is none.
bool EatValue(Cursor& cursor, std::string_view& out) {
  if (!cursor.Until(' ', out) || out.empty()) return false;
  if (out == "-") out = {};
  return true;
}

// [id name="value"][id2 ...]; quotes, backslashes and brackets in values are escaped (6.3.3).
bool SkipStructuredData(Cursor& cursor) {
  if (cursor.Eat('-')) return true;
  if (cursor.peek() != '[') return false;
  while (cursor.Eat('[')) {
    bool quoted = false;
    while (cursor.left() > 0) {
      const char c = cursor.peek();
      cursor.Skip(1);
      if (quoted && c == '\\' && cursor.left() > 0) {
        cursor.Skip(1);
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ']' && !quoted) {
        break;
      }
    }
  }
  return true;
}

}  // namespace

bool ReadSyslog5424(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  if (!EatPriority(cursor, out) || !cursor.Eat("1 ")) return false;
  if (!cursor.Eat("- ")) {
    Moment moment;
    if (!EatIso(cursor, moment)) return false;
    EatZone(cursor, moment);
    if (!cursor.Eat(' ')) return false;
    out.time_us = ToUs(moment);
  }
  std::string_view process;
  std::string_view message_id;
  if (!EatValue(cursor, out.host) || !EatValue(cursor, out.source) || !EatValue(cursor, process) ||
      !EatValue(cursor, message_id) || !SkipStructuredData(cursor)) {
    return false;
  }
  (void)cursor.Eat(' ');
  (void)cursor.Eat("\xef\xbb\xbf");  // marks a text as UTF-8 (6.4)
  out.content = cursor.rest();
  return true;
}

bool ReadSyslog3164(std::string_view line, const FormatContext& context, LogLine& out) {
  Cursor cursor(line);
  if (cursor.peek() == '<' && !EatPriority(cursor, out)) return false;
  Moment moment;
  moment.month = MonthOf(cursor);
  if (moment.month == 0 || !cursor.Eat(' ')) return false;
  std::int64_t day = 0;
  cursor.SkipSpaces();
  if (!cursor.Number(day, 2) || !cursor.Eat(' ')) return false;
  moment.day = static_cast<std::int32_t>(day);
  if (!EatClock(cursor, moment)) return false;
  (void)EatFraction(cursor, moment);
  if (!cursor.Eat(' ')) return false;
  moment.year = LikelyYear(moment.month, moment.day, context.last_date);
  out.time_us = ToUs(moment);
  if (!cursor.Until(' ', out.host) || out.host.empty()) return false;
  ReadTag(cursor.rest(), out);
  return true;
}

bool ReadSyslogIso(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  if (cursor.peek() == '<' && !EatPriority(cursor, out)) return false;
  if (cursor.left() < 12 || cursor.peek(10) != 'T') return false;
  Moment moment;
  if (!EatIso(cursor, moment)) return false;
  EatZone(cursor, moment);
  if (!cursor.Eat(' ') || !cursor.Until(' ', out.host) || out.host.empty()) return false;
  // "2024-01-02T03:04:05Z INFO app: text" is no host.
  if (ParseLevel(out.host) != LogLevel::kUnknown) return false;
  ReadTag(cursor.rest(), out);
  if (out.source.empty() || out.source.find(' ') != std::string_view::npos) return false;
  out.time_us = ToUs(moment);
  return true;
}

}  // namespace assay::logs::internal
