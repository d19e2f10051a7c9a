// Lines of no known program that begin with a date and a time, and perhaps say a level.
#include "formats/fields_internal.h"

namespace assay::logs::internal {
namespace {

// "[INFO]", "INFO:", "<error>", "info]" to the word in it.
std::string_view Bare(std::string_view word) {
  constexpr std::string_view kAround = "[]<>():|,-";
  while (!word.empty() && kAround.find(word.front()) != std::string_view::npos)
    word.remove_prefix(1);
  while (!word.empty() && kAround.find(word.back()) != std::string_view::npos)
    word.remove_suffix(1);
  return word;
}

// "2024-01-02 03:04:05.678", the same in brackets, and seconds since the epoch with a fraction, as
// dmesg and many programs write it: "1704164645.678".
bool EatTime(Cursor& cursor, LogLine& out) {
  const bool bracket = cursor.Eat('[');
  Moment moment;
  Cursor ahead = cursor;
  if (EatIso(ahead, moment)) {
    EatZone(ahead, moment);
    out.time_us = ToUs(moment);
  } else {
    constexpr std::int64_t kYear2001 = 1'000'000'000;
    std::int64_t seconds = 0;
    ahead = cursor;
    if (!ahead.Number(seconds, 10) || seconds < kYear2001 || ahead.peek() != '.') return false;
    (void)EatFraction(ahead, moment);
    out.time_us = seconds * kUsPerSecond + moment.micros;
  }
  cursor = ahead;
  if (bracket && !cursor.Eat(']')) return false;
  return cursor.left() == 0 || !IsDigit(cursor.peek());
}

}  // namespace

bool ReadTimestamped(std::string_view line, const FormatContext&, LogLine& out) {
  Cursor cursor(line);
  if (!EatTime(cursor, out)) return false;
  (void)cursor.Eat(',');
  (void)cursor.Eat(':');
  cursor.SkipSpaces();
  out.content = cursor.rest();
  // The level is one of the first words: "- name - LEVEL - text" has it as the fourth.
  constexpr int kWords = 5;
  std::string_view before;
  for (int i = 0; i < kWords; ++i) {
    std::string_view word;
    if (!cursor.Word(word)) break;
    const std::string_view bare = Bare(word);
    const LogLevel level = bare.size() > 1 ? ParseLevel(bare) : LogLevel::kUnknown;
    if (level == LogLevel::kUnknown) {
      if (before.empty()) before = bare;
      continue;
    }
    out.level = level;
    out.level_text = bare;
    out.source = before;
    cursor.SkipSpaces();
    if (cursor.rest().starts_with("- ")) cursor.Skip(2);
    out.content = cursor.rest();
    break;
  }
  return true;
}

}  // namespace assay::logs::internal
