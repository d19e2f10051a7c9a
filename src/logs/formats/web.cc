// What Apache httpd and nginx write.
#include "formats/fields_internal.h"

namespace assay::logs::internal {
namespace {

// "[Sun Dec 04 04:47:44.123456 2005]" behind its bracket.
bool EatApacheTime(Cursor& cursor, Moment& moment) {
  if (cursor.left() < 24 || cursor.peek(3) != ' ') return false;
  cursor.Skip(4);
  moment.month = MonthOf(cursor);
  if (moment.month == 0 || !cursor.Eat(' ') || !cursor.Two(moment.day) || !cursor.Eat(' ') ||
      !EatClock(cursor, moment)) {
    return false;
  }
  (void)EatFraction(cursor, moment);
  return cursor.Eat(' ') && cursor.Four(moment.year) && cursor.Eat(']');
}

// "10/Oct/2000:13:55:36 -0700]"
bool EatAccessTime(Cursor& cursor, Moment& moment) {
  if (!cursor.Two(moment.day) || !cursor.Eat('/')) return false;
  moment.month = MonthOf(cursor);
  if (moment.month == 0 || !cursor.Eat('/') || !cursor.Four(moment.year) || !cursor.Eat(':') ||
      !EatClock(cursor, moment)) {
    return false;
  }
  EatZone(cursor, moment);
  return cursor.Eat(']');
}

// Up to the closing quote, which may be escaped by a backslash before; eats it.
bool EatQuoted(Cursor& cursor, std::string_view& out) {
  if (!cursor.Eat('"')) return false;
  const std::string_view rest = cursor.rest();
  std::size_t at = rest.find('"');
  while (at != std::string_view::npos && at > 0 && rest[at - 1] == '\\')
    at = rest.find('"', at + 1);
  if (at == std::string_view::npos) return false;
  out = rest.substr(0, at);
  cursor.Skip(at + 1);
  return true;
}

// "GET /a/b?c=d HTTP/1.1" to "/a/b"; anything else as a whole.
std::string_view PathOf(std::string_view request) {
  const std::size_t begin = request.find(' ');
  if (begin == std::string_view::npos) return request;
  std::string_view path = request.substr(begin + 1);
  return path.substr(0, path.find_first_of(" ?"));
}

// A latency behind everything else: nginx's $request_time in seconds ("0.012", "rt=0.012"),
// Apache's %D in microseconds (an integer).
std::int64_t TrailingLatency(std::string_view rest) {
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  std::string_view word = rest.substr(rest.rfind(' ') + 1);
  const std::size_t equals = word.find('=');
  if (equals != std::string_view::npos) word.remove_prefix(equals + 1);
  if (word.size() >= 2 && word.front() == '"' && word.back() == '"')
    word = word.substr(1, word.size() - 2);
  if (word.empty() || word.find_first_not_of("0123456789.") != std::string_view::npos) return -1;
  constexpr double kSecond = 1e9;
  constexpr double kMicrosecond = 1e3;
  return ReadLatency(word, word.find('.') != std::string_view::npos ? kSecond : kMicrosecond);
}

LogLevel LevelOfStatus(std::int64_t status) {
  if (status >= 500) return LogLevel::kError;
  return status >= 400 ? LogLevel::kWarn : LogLevel::kInfo;
}

}  // namespace

bool ReadApacheError(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  Moment moment;
  if (!cursor.Eat('[') || !EatApacheTime(cursor, moment) || !cursor.Eat(" [")) return false;
  std::string_view level;
  if (!cursor.Until(']', level)) return false;
  // 2.4 writes [module:level] [pid 12:tid 34].
  const std::size_t colon = level.find(':');
  if (colon != std::string_view::npos) {
    out.source = level.substr(0, colon);
    level.remove_prefix(colon + 1);
  }
  out.level_text = level;
  out.level = ParseLevel(level);
  (void)cursor.Eat(' ');
  std::string_view skipped;
  if (cursor.rest().starts_with("[pid ") && cursor.Until(']', skipped)) (void)cursor.Eat(' ');
  if (cursor.rest().starts_with("[client ") && cursor.Until(']', skipped)) {
    out.host = skipped.substr(8);
    out.content = skipped;
    (void)cursor.Eat(' ');
    // The client is part of what the older versions say, so it stays in the content.
    out.content = {skipped.data(),
                   static_cast<std::size_t>(line.data() + line.size() - skipped.data())};
  } else {
    out.content = cursor.rest();
  }
  out.time_us = ToUs(moment);
  return true;
}

bool ReadNginxError(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  Moment moment;
  if (cursor.peek(4) != '/' || !EatIso(cursor, moment) || !cursor.Eat(" [")) return false;
  if (!cursor.Until(']', out.level_text) || !cursor.Eat(' ')) return false;
  std::int64_t number = 0;
  if (!cursor.Number(number, 10) || !cursor.Eat('#') || !cursor.Number(number, 10) ||
      !cursor.Eat(": ")) {
    return false;
  }
  out.level = ParseLevel(out.level_text);
  out.content = cursor.rest();
  const std::size_t client = out.content.find(", client: ");
  if (client != std::string_view::npos) {
    const std::string_view rest = out.content.substr(client + 10);
    out.host = rest.substr(0, rest.find(','));
  }
  out.time_us = ToUs(moment);
  return true;
}

bool ReadAccess(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  std::string_view identity;
  if (!cursor.Until(' ', out.host) || out.host.empty() || !cursor.Until(' ', identity))
    return false;
  std::string_view user;
  if (!cursor.Until('[', user) || !user.ends_with(' ')) return false;
  Moment moment;
  if (!EatAccessTime(cursor, moment) || !cursor.Eat(' ')) return false;
  std::string_view request;
  if (!EatQuoted(cursor, request) || !cursor.Eat(' ')) return false;
  const std::string_view behind = cursor.rest();
  std::int64_t status = 0;
  if (!cursor.Number(status, 3) || !cursor.Eat(' ')) return false;
  std::int64_t bytes = 0;
  if (!cursor.Eat('-') && !cursor.Number(bytes, 18)) return false;
  out.level_text = behind.substr(0, behind.find(' '));
  out.level = LevelOfStatus(status);
  out.source = PathOf(request);
  out.content = {request.data(),
                 static_cast<std::size_t>(line.data() + line.size() - request.data())};
  out.time_us = ToUs(moment);
  if (cursor.left() > 1) out.latency_ns = TrailingLatency(cursor.rest());
  return true;
}

}  // namespace assay::logs::internal
