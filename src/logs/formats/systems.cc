// Headers of the programs and systems that have one of their own: log4j's layouts, Android, BGL,
// ...
#include "formats/fields_internal.h"

namespace assay::logs::internal {
namespace {

// "LEVEL component: content"
bool EatLevelAndComponent(Cursor& cursor, LogLine& out) {
  if (!cursor.Word(out.level_text)) return false;
  out.level = ParseLevel(out.level_text);
  if (out.level == LogLevel::kUnknown) return false;
  const std::string_view rest = cursor.rest();
  const std::size_t colon = rest.find(": ");
  if (colon != std::string_view::npos) {
    out.source = rest.substr(0, colon);
    out.content = rest.substr(colon + 2);
  } else if (rest.ends_with(':')) {
    out.source = rest.substr(0, rest.size() - 1);
    out.content = {};
  } else {
    return false;
  }
  return !out.source.empty() && out.source.find(' ') == std::string_view::npos;
}

// 20yy-mm-dd without marks.
bool EatShortDate(Cursor& cursor, Moment& moment, std::string_view join) {
  if (!cursor.Two(moment.year) || !cursor.Eat(join) || !cursor.Two(moment.month) ||
      !cursor.Eat(join) || !cursor.Two(moment.day)) {
    return false;
  }
  moment.year += 2000;
  return true;
}

}  // namespace

bool ReadHdfs(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  Moment moment;
  if (!EatShortDate(cursor, moment, "") || !cursor.Eat(' ') || !cursor.Two(moment.hour) ||
      !cursor.Two(moment.minute) || !cursor.Two(moment.second) || !cursor.Eat(' ')) {
    return false;
  }
  std::int64_t process = 0;
  if (!cursor.Number(process, 10) || !cursor.Eat(' ') || !EatLevelAndComponent(cursor, out)) {
    return false;
  }
  out.time_us = ToUs(moment);
  return true;
}

bool ReadSpark(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  Moment moment;
  if (!EatShortDate(cursor, moment, "/") || !cursor.Eat(' ') || !EatClock(cursor, moment) ||
      !cursor.Eat(' ') || !EatLevelAndComponent(cursor, out)) {
    return false;
  }
  out.time_us = ToUs(moment);
  return true;
}

bool ReadZookeeper(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  Moment moment;
  if (!EatIso(cursor, moment) || !cursor.Eat(" - ") || !cursor.Word(out.level_text) ||
      !cursor.Eat('[')) {
    return false;
  }
  out.level = ParseLevel(out.level_text);
  const std::string_view rest = cursor.rest();
  const std::size_t end = rest.find("] - ");
  if (end == std::string_view::npos) return false;
  out.content = rest.substr(end + 4);
  // NODE:CLASS@ID; a node may hold colons, and a class never does.
  std::string_view place = rest.substr(0, end);
  const std::size_t id = place.rfind('@');
  if (id == std::string_view::npos) return false;
  place = place.substr(0, id);
  const std::size_t colon = place.rfind(':');
  out.source = place.substr(colon == std::string_view::npos ? 0 : colon + 1);
  out.host = colon == std::string_view::npos ? std::string_view() : place.substr(0, colon);
  out.time_us = ToUs(moment);
  return true;
}

bool ReadHadoop(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  Moment moment;
  if (!EatIso(cursor, moment)) return false;
  EatZone(cursor, moment);
  if (!cursor.Eat(' ') || !cursor.Word(out.level_text)) return false;
  out.level = ParseLevel(out.level_text);
  if (out.level == LogLevel::kUnknown || !cursor.Eat('[')) return false;
  // A thread's name may hold brackets: its end is where a class follows.
  const std::string_view rest = cursor.rest();
  for (std::size_t end = rest.find("] "); end != std::string_view::npos;
       end = rest.find("] ", end + 1)) {
    std::string_view behind = rest.substr(end + 2);
    while (behind.starts_with(' ')) behind.remove_prefix(1);
    const std::size_t colon = behind.find(':');
    const std::size_t space = behind.find(' ');
    if (colon == std::string_view::npos || colon == 0 || space < colon) continue;
    out.source = behind.substr(0, colon);
    behind.remove_prefix(colon + 1);
    if (behind.starts_with(' ')) behind.remove_prefix(1);
    out.content = behind;
    out.time_us = ToUs(moment);
    return true;
  }
  return false;
}

bool ReadAndroid(std::string_view line, const FormatContext& context, LogLine& out) {
  Cursor cursor(line);
  Moment moment;
  if (!cursor.Two(moment.month) || !cursor.Eat('-') || !cursor.Two(moment.day) ||
      !cursor.Eat(' ') || !EatClock(cursor, moment)) {
    return false;
  }
  (void)EatFraction(cursor, moment);
  std::int64_t number = 0;
  for (int i = 0; i < 2; ++i) {  // process, thread
    if (!cursor.Eat(' ')) return false;
    cursor.SkipSpaces();
    if (!cursor.Number(number, 10)) return false;
  }
  if (!cursor.Eat(' ') || !cursor.Word(out.level_text) || out.level_text.size() != 1) return false;
  out.level = ParseLevel(out.level_text);
  if (out.level_text == "A") out.level = LogLevel::kFatal;  // assert
  const std::string_view rest = cursor.rest();
  const std::size_t colon = rest.find(": ");
  if (colon == std::string_view::npos) return false;
  out.source = rest.substr(0, colon);
  while (out.source.ends_with(' ')) out.source.remove_suffix(1);
  out.content = rest.substr(colon + 2);
  moment.year = LikelyYear(moment.month, moment.day, context.last_date);
  out.time_us = ToUs(moment);
  return true;
}

bool ReadBgl(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  std::string_view label;
  std::int64_t seconds = 0;
  if (!cursor.Until(' ', label) || label.empty() || !cursor.Number(seconds, 11) ||
      !cursor.Eat(' ')) {
    return false;
  }
  Moment moment;
  if (!cursor.Four(moment.year) || !cursor.Eat('.') || !cursor.Two(moment.month) ||
      !cursor.Eat('.') || !cursor.Two(moment.day) || !cursor.Eat(' ')) {
    return false;
  }
  std::string_view time;
  std::string_view again;
  std::string_view type;
  if (!cursor.Until(' ', out.host) || !cursor.Until(' ', time) || !cursor.Until(' ', again) ||
      !cursor.Until(' ', type) || !cursor.Until(' ', out.source)) {
    return false;
  }
  if (!cursor.Until(' ', out.level_text)) {
    out.level_text = cursor.rest();
    cursor.Skip(cursor.left());
  }
  if (out.host == "NULL") out.host = {};  // no one node
  out.level = ParseLevel(out.level_text);
  out.content = cursor.rest();
  // The second since the epoch has no zone to guess; the text has the microseconds.
  Cursor fraction(
      time.substr(time.rfind('.') == std::string_view::npos ? time.size() : time.rfind('.')));
  (void)EatFraction(fraction, moment);
  out.time_us = seconds * kUsPerSecond + moment.micros;
  return true;
}

bool ReadHealthApp(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  Moment moment;
  if (!cursor.Four(moment.year) || !cursor.Two(moment.month) || !cursor.Two(moment.day) ||
      !cursor.Eat('-')) {
    return false;
  }
  std::int64_t parts[4] = {};  // without leading zeros: 23:21:0:125
  for (int i = 0; i < 4; ++i) {
    if ((i > 0 && !cursor.Eat(':')) || !cursor.Number(parts[i], 3)) return false;
  }
  std::string_view process;
  if (!cursor.Eat('|') || !cursor.Until('|', out.source) || !cursor.Until('|', process))
    return false;
  moment.hour = static_cast<std::int32_t>(parts[0]);
  moment.minute = static_cast<std::int32_t>(parts[1]);
  moment.second = static_cast<std::int32_t>(parts[2]);
  moment.micros = static_cast<std::int32_t>(parts[3]) * 1000;
  out.content = cursor.rest();
  out.time_us = ToUs(moment);
  return true;
}

bool ReadWindowsCbs(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  Moment moment;
  if (!EatIso(cursor, moment) || !cursor.Eat(", ") || !cursor.Word(out.level_text)) return false;
  out.level = ParseLevel(out.level_text);
  if (out.level == LogLevel::kUnknown) return false;
  if (!cursor.Word(out.source)) return false;
  out.content = cursor.rest();
  out.time_us = ToUs(moment);
  return true;
}

}  // namespace assay::logs::internal
