// Times of day: "5 pm", "17:30", "noon", "half past nine", and ranges of them.
#include "quantity/date_internal.h"

namespace assay::text::quantity {
namespace {

struct Clock {
  std::uint32_t end = 0;  // 0: none
  int seconds = 0;
  bool has_minutes = false;
  bool has_half = false;  // a.m. or p.m.
  bool leading_zero = false;
  int hour = 0;
};

// "am", "PM", "a.m." after blanks; 1 for a.m., 2 for p.m.
int HalfDay(const Reader& r, std::uint32_t at, std::uint32_t& end) {
  const std::uint32_t p = r.SkipSpace(at);
  const char c = static_cast<char>(r.At(p) | 0x20);
  if (c != 'a' && c != 'p') return 0;
  std::uint32_t q = p + 1;
  const bool dotted = r.At(q) == '.';
  if (dotted) ++q;
  if ((r.At(q) | 0x20) != 'm' || IsAlnum(r.At(q + 1))) return 0;
  end = q + 1;
  if (dotted && r.At(end) == '.') ++end;
  return c == 'a' ? 1 : 2;
}

// "in the morning", "in the afternoon", "at night" after blanks; 1 before noon, 2 after it, 3 at
// night.
int DayPart(const Reader& r, std::uint32_t at, std::uint32_t& end) {
  const Word in = r.NextWord(at);
  if (r.Equals(in, "at")) {
    const Word night = r.NextWord(in.end);
    if (!r.Equals(night, "night")) return 0;
    end = night.end;
    return 3;
  }
  const Word the = r.NextWord(in.end);
  if (!r.Equals(in, "in") || !r.Equals(the, "the")) return 0;
  const Word part = r.NextWord(the.end);
  const bool morning = r.Equals(part, "morning");
  if (!morning && !r.Equals(part, "afternoon") && !r.Equals(part, "evening")) return 0;
  end = part.end;
  return morning ? 1 : 2;
}

// The hour of a spoken time, 0 to 12 ("nine", "9", "noon"); -1 if there is none.
int SpokenHour(const Reader& r, std::uint32_t at, std::uint32_t& end) {
  if (IsDigit(r.At(at))) {
    const Digits d = DigitsAt(r, at);
    const char next = r.At(d.end);
    const bool plain = next != '%' && next != ':' && next != '-' && next != '/' &&
                       !((next == '.' || next == ',') && IsDigit(r.At(d.end + 1)));
    if (d.length == 0 || d.length > 2 || d.value < 1 || d.value > 12 || !plain) return -1;
    end = d.end;
    return d.value;
  }
  const Word word = r.WordAt(at);
  if (word.Is(kNamedTime)) {
    end = word.end;
    return word.entry->aux;
  }
  if (!word.Is(kCardinal) || word.Is(kHundred | kScale) || r.At(word.end) == '-') return -1;
  const auto number = ReadNumber(r, at);
  if (!number || number->end != word.end || number->value < 1 || number->value > 12) return -1;
  end = word.end;
  return static_cast<int>(number->value);
}

// "half past nine", "a quarter to ten in the morning". "half nine" is half past eight for some and
// half past nine for others: not read.
Clock SpokenClockAt(const Reader& r, std::uint32_t at) {
  Clock clock;
  Word part = r.WordAt(at);
  if (r.Equals(part, "a")) part = r.NextWord(part.end);
  const bool half = r.Equals(part, "half");
  if (!half && !r.Equals(part, "quarter")) return clock;
  const Word side = r.WordAt(r.At(part.end) == '-' ? part.end + 1 : r.SkipSpace(part.end));
  const bool past = r.Equals(side, "past");
  const bool to = !half && r.Equals(side, "to");
  if (!past && !to) return clock;
  std::uint32_t end = 0;
  const std::uint32_t hour_at = r.SkipSpace(side.end);
  const int hour = SpokenHour(r, hour_at, end);
  if (hour < 0) return clock;
  const bool named = r.WordAt(hour_at).Is(kNamedTime);
  int half_day = HalfDay(r, end, end);
  if (half_day == 0) half_day = DayPart(r, end, end);
  if (half_day == 0) {
    // "from a quarter to ten percent", "a quarter to two thirds"
    const Word after = r.NextWord(end);
    const bool other =
        after.Is(kUnitWord | kScale | kHundred | kPart | kCurrencyWord | kCardinal) ||
        r.Equals(after, "percent") || r.Equals(after, "per");
    if (to && (other || r.At(r.SkipSpace(end)) == '%')) return clock;
  }
  // Night: "half past twelve" and "half past two" are after midnight, "a quarter to twelve" before.
  if (half_day == 3) half_day = hour < 6 || (hour == 12 && past) ? 1 : 2;
  int seconds = hour * 3600 + (half ? 1800 : past ? 900 : -900);
  if (!named && half_day != 0) {
    if (hour == 12 && past) seconds -= 12 * 3600;
    if (half_day == 2) seconds += 12 * 3600;
  }
  seconds = (seconds + 24 * 3600) % (24 * 3600);
  clock.end = end;
  clock.seconds = seconds;
  clock.hour = hour;
  clock.has_minutes = true;
  clock.has_half = named || half_day != 0;
  return clock;
}

Clock ClockAt(const Reader& r, std::uint32_t at) {
  Clock clock;
  const Word word = r.WordAt(at);
  if (word.Is(kNamedTime)) {
    clock.end = word.end;
    clock.seconds = word.entry->aux * 3600;
    clock.has_half = true;
    clock.hour = word.entry->aux;
    return clock;
  }
  if (!word.empty()) return SpokenClockAt(r, at);
  const Digits hour = DigitsAt(r, at);
  if (hour.length == 0 || hour.length > 2 || hour.value > 24) return clock;
  clock.hour = hour.value;
  clock.leading_zero = r.At(at) == '0';
  std::uint32_t end = hour.end;
  int seconds = hour.value * 3600;
  if (r.At(end) == ':' || (r.At(end) == '.' && IsDigit(r.At(end + 1)))) {
    const Digits minute = DigitsAt(r, end + 1);
    std::uint32_t half_end = 0;
    const bool dot = r.At(end) == '.';  // "5.30 pm"
    const bool valid = minute.length == 2 || (minute.length == 1 && minute.value == 0 && !dot);
    if (!valid || minute.value > 59 || (dot && HalfDay(r, minute.end, half_end) == 0)) return clock;
    end = minute.end;
    seconds += minute.value * 60;
    clock.has_minutes = true;
    if (!dot && r.At(end) == ':') {
      const Digits second = DigitsAt(r, end + 1);
      if (second.length != 2 || second.value > 59) return clock;
      end = second.end;
      seconds += second.value;
    }
  }
  const int half = HalfDay(r, end, end);
  if (half != 0) {
    if (hour.value > 12 && half == 1) return clock;
    clock.has_half = true;
    if (hour.value == 12 && half == 1) seconds -= 12 * 3600;
    if (hour.value < 12 && half == 2) seconds += 12 * 3600;
  } else if (const Word oclock = r.NextWord(end);
             r.Equals(oclock, "o") && clock.has_minutes == false) {
    const std::uint32_t quote = r.At(oclock.end) == '\''            ? 1U
                                : r.Has(oclock.end, "\xE2\x80\x99") ? 3U
                                                                    : 0U;
    const Word rest = r.WordAt(oclock.end + quote);
    if (quote == 0 || !r.Equals(rest, "clock")) return clock;
    end = rest.end;
    clock.has_minutes = true;
  }
  if (IsAlnum(r.At(end)) || seconds > 86400) return clock;
  clock.end = end;
  clock.seconds = seconds;
  return clock;
}

}  // namespace

std::optional<Quantity> ReadClock(const Reader& r, std::uint32_t at) {
  Clock first = ClockAt(r, at);
  if (first.end == 0) return {};
  Clock last;
  const std::uint32_t next = RangeConnector(r, first.end, IsAfterBetween(r, at));
  if (next != 0) last = ClockAt(r, next);
  const bool last_is_clock = last.end != 0 && (last.has_half || last.has_minutes);
  const bool first_is_clock = first.has_half || first.has_minutes;
  if (!first_is_clock && (!last_is_clock || !last.has_half || first.hour > 12 || first.hour == 0)) {
    return {};
  }
  if (first_is_clock && !first.has_half && first.end - at < 4 && !last_is_clock)
    return {};  // "3:0"
  Quantity q;
  q.kind = QuantityKind::kTime;
  q.span = {at, first.end};
  if (last_is_clock) {
    if (!first.has_half && last.has_half && first.hour < 12 && !first.leading_zero) {
      // "9-11 am", "2 to 5 pm": the half of the last, unless that would turn the range round
      if (last.seconds >= 12 * 3600 && first.seconds + 12 * 3600 < last.seconds) {
        first.seconds += 12 * 3600;
      }
    }
    q.is_range = true;
    q.span.end = last.end;
  }
  const bool sure = first.has_half || first.hour > 12 || first.hour == 0 || first.leading_zero ||
                    (last_is_clock && (last.has_half || last.hour > 12));
  q.is_ambiguous = !sure;
  q.value = q.written = first.seconds;
  q.value_high = q.written_high = last_is_clock ? last.seconds : first.seconds;
  q.half_width = 30;
  return q;
}

}  // namespace assay::text::quantity
