// JSON lines and logfmt, without a tree: the members of the outermost object are looked at as they
// come, deeper ones are skipped. Bad JSON gives what stands before the fault.
#include <algorithm>
#include <array>
#include <cmath>

#include "formats/fields_internal.h"

namespace assay::logs::internal {
namespace {

struct Member {
  std::string_view key;
  std::string_view value;  // of a text what is between the quotes, escapes as they are
  bool text = false;
};

// What is between the quotes; the cursor stands behind the first one.
bool EatText(Cursor& cursor, std::string_view& out) {
  const std::string_view rest = cursor.rest();
  std::size_t at = 0;
  while (true) {
    at = rest.find('"', at);
    if (at == std::string_view::npos) return false;
    std::size_t slashes = 0;
    while (slashes < at && rest[at - 1 - slashes] == '\\') ++slashes;
    if (slashes % 2 == 0) break;
    ++at;
  }
  out = rest.substr(0, at);
  cursor.Skip(at + 1);
  return true;
}

// An object or an array with all that is in it.
bool SkipNested(Cursor& cursor) {
  std::int32_t depth = 0;
  do {
    const std::size_t next = cursor.rest().find_first_of("\"{}[]");
    if (next == std::string_view::npos) return false;
    const char c = cursor.peek(next);
    cursor.Skip(next + 1);
    std::string_view text;
    if (c == '"') {
      if (!EatText(cursor, text)) return false;
    } else {
      depth += c == '{' || c == '[' ? 1 : -1;
    }
  } while (depth > 0);
  return true;
}

void SkipBlanks(Cursor& cursor) {
  while (cursor.peek() == ' ' || cursor.peek() == '\t') cursor.Skip(1);
}

bool EatMember(Cursor& cursor, Member& out) {
  SkipBlanks(cursor);
  if (!cursor.Eat('"') || !EatText(cursor, out.key)) return false;
  SkipBlanks(cursor);
  if (!cursor.Eat(':')) return false;
  SkipBlanks(cursor);
  out.text = cursor.Eat('"');
  if (out.text) return EatText(cursor, out.value);
  const std::string_view rest = cursor.rest();
  if (cursor.peek() == '{' || cursor.peek() == '[') {
    if (!SkipNested(cursor)) return false;
    out.value = rest.substr(0, rest.size() - cursor.left());
    return true;
  }
  const std::size_t end = std::min(rest.find_first_of(",} \t"), rest.size());
  out.value = rest.substr(0, end);
  cursor.Skip(end);
  return end > 0;
}

// A text as ISO 8601, or a number of seconds, ms, us or ns since the epoch, told by its size.
std::int64_t TimeOf(std::string_view value) {
  Cursor cursor(value);
  Moment moment;
  if (EatIso(cursor, moment)) {
    EatZone(cursor, moment);
    return ToUs(moment);
  }
  cursor = Cursor(value);
  std::int64_t whole = 0;
  if (!cursor.Number(whole, 18) || IsDigit(cursor.peek())) {
    // Nanoseconds have 19 digits.
    cursor = Cursor(value);
    if (value.size() != 19 || !cursor.Number(whole, 16)) return kNoTime;
    return whole;
  }
  if (cursor.left() > 0 && cursor.peek() != '.') return kNoTime;
  if (whole < 100'000'000'000) {  // until the year 5138
    (void)EatFraction(cursor, moment);
    return whole * kUsPerSecond + moment.micros;
  }
  if (whole < 100'000'000'000'000) return whole * 1000;
  return whole < 100'000'000'000'000'000 ? whole : whole / 1000;
}

// bunyan and pino write 10, 20, ... 60.
LogLevel LevelOfNumber(std::string_view value) {
  constexpr std::array<LogLevel, 6> kTens = {LogLevel::kTrace, LogLevel::kDebug, LogLevel::kInfo,
                                             LogLevel::kWarn,  LogLevel::kError, LogLevel::kFatal};
  if (value.size() != 2 || value[1] != '0' || value[0] < '1' || value[0] > '6') {
    return LogLevel::kUnknown;
  }
  return kTens[static_cast<std::size_t>(value[0] - '1')];
}

template <std::size_t kCount>
bool OneOf(std::string_view key, const std::array<std::string_view, kCount>& names) {
  return std::ranges::find(names, key) != names.end();
}

constexpr std::array<std::string_view, 9> kTimeKeys = {
    "time", "timestamp", "ts", "@timestamp", "t", "date", "datetime", "asctime", "@t"};
constexpr std::array<std::string_view, 9> kLevelKeys = {
    "level", "severity", "lvl", "levelname", "loglevel", "log.level", "log_level", "@l", "LEVEL"};
constexpr std::array<std::string_view, 7> kTextKeys = {"msg",  "message", "event",  "log",
                                                       "text", "@m",      "MESSAGE"};
constexpr std::array<std::string_view, 9> kSourceKeys = {
    "logger", "component", "source", "service", "name", "module", "app", "caller", "log.logger"};
constexpr std::array<std::string_view, 4> kHostKeys = {"host", "hostname", "node", "client"};

void TakeLatency(const Member& member, const FormatContext& context, LogLine& out) {
  const bool named = !context.latency_key.empty() && member.key == context.latency_key;
  if (!named && (out.latency_ns >= 0 || !IsLatencyKey(member.key))) return;
  constexpr double kMs = 1e6;
  const double unit = UnitOfKey(member.key);
  out.latency_ns = ReadLatency(member.value, unit > 0 ? unit : kMs);
}

// True when the member is one of those that every log has.
bool TakeMember(const Member& member, const FormatContext& context, LogLine& out) {
  if (out.time_us == kNoTime && OneOf(member.key, kTimeKeys)) {
    out.time_us = TimeOf(member.value);
  } else if (out.level_text.empty() && OneOf(member.key, kLevelKeys)) {
    out.level_text = member.value;
    out.level = ParseLevel(member.value);
    if (out.level == LogLevel::kUnknown) out.level = LevelOfNumber(member.value);
  } else if (out.content.empty() && member.text && OneOf(member.key, kTextKeys)) {
    out.content = member.value;
  } else if (out.source.empty() && member.text && OneOf(member.key, kSourceKeys)) {
    out.source = member.value;
  } else if (out.host.empty() && member.text && OneOf(member.key, kHostKeys)) {
    out.host = member.value;
  } else {
    TakeLatency(member, context, out);
    return false;
  }
  return true;
}

// key=value, key="a value"; the cursor stands at the key.
bool EatPair(Cursor& cursor, Member& out) {
  const std::string_view rest = cursor.rest();
  const std::size_t end = rest.find_first_of("= \"");
  if (end == std::string_view::npos || end == 0 || rest[end] != '=') return false;
  out.key = rest.substr(0, end);
  cursor.Skip(end + 1);
  out.text = true;
  if (cursor.Eat('"')) {
    if (!EatText(cursor, out.value)) return false;
  } else {
    const std::string_view value = cursor.rest();
    out.value = value.substr(0, value.find(' '));
    cursor.Skip(out.value.size());
  }
  cursor.SkipSpaces();
  return true;
}

}  // namespace

bool ReadJson(std::string_view line, const FormatContext& context, LogLine& out) {
  Cursor cursor(line);
  if (!cursor.Eat('{')) return false;
  Member member;
  do {
    if (!EatMember(cursor, member)) break;
    (void)TakeMember(member, context, out);
    SkipBlanks(cursor);
  } while (cursor.Eat(','));
  if (out.content.empty()) out.content = line;
  // An object that has none of it is data, not a log.
  return out.time_us != kNoTime || !out.level_text.empty();
}

bool ReadLogfmt(std::string_view line, const FormatContext& context, LogLine& out) {
  Cursor cursor(line);
  Member member;
  std::size_t known = 0;
  while (cursor.left() > 0 && EatPair(cursor, member)) {
    if (TakeMember(member, context, out)) ++known;
  }
  if (out.content.empty()) out.content = line;
  return known >= 2 && (out.time_us != kNoTime || out.level != LogLevel::kUnknown);
}

}  // namespace assay::logs::internal
