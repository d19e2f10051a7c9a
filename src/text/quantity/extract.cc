#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "assay/text/quantity.h"

#include "quantity/context_internal.h"
#include "quantity/date_internal.h"
#include "quantity/measure_internal.h"

namespace assay::text {
namespace {

using namespace quantity;  // NOLINT: the private half of this part

enum ByteClass : std::uint8_t { kOther, kLetter, kDigitByte, kSymbolLead2, kSymbolLead3 };

constexpr std::array<std::uint8_t, 256> kByteClass = [] {
  std::array<std::uint8_t, 256> table{};
  for (int c = 0; c < 256; ++c) {
    const auto byte = static_cast<std::size_t>(c);
    const char as_char = static_cast<char>(c);
    if (c < 0x80) {
      table[byte] = IsAlpha(as_char) ? kLetter : IsDigit(as_char) ? kDigitByte : kOther;
    } else {
      table[byte] = c < 0xC2    ? kOther
                    : c == 0xC2 ? kSymbolLead2
                    : c == 0xE2 ? kSymbolLead3
                                : kLetter;
    }
  }
  return table;
}();

// Leading ASCII letters of eight bytes, 0 to 8: Mycroft's and Lamport's tests on all bytes of a
// word at once (Warren, Hacker's Delight, 6-1), free of the branch that a loop mispredicts at each
// word.
std::uint32_t LetterRunOfEight(const char* bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  constexpr std::uint64_t kTops = 0x80 * kOnes;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  const std::uint64_t lower = word | 0x20 * kOnes;
  const std::uint64_t low_bits = lower & ~kTops;
  const std::uint64_t from_a = low_bits + (0x80 - 'a') * kOnes;
  const std::uint64_t past_z = low_bits + (0x80 - 'z' - 1) * kOnes;
  const std::uint64_t others = ~(from_a & ~past_z & ~lower) & kTops;
  return static_cast<std::uint32_t>(std::countr_zero(others)) / 8;
}

class Extractor {
 public:
  Extractor(std::string_view text, std::vector<Quantity>& out) : r_(text), out_(out) {}

  void Run();

 private:
  std::uint32_t AtWord(std::uint32_t begin);
  std::uint32_t AtMixed(const Word& word);
  std::uint32_t AtDigit(std::uint32_t at);
  std::uint32_t AtTrigger(const Word& word);
  std::uint32_t AtArticle(const Word& article);
  std::uint32_t AtRoman(const Word& word);
  // Reads and emits a number with its surroundings; returns its end, 0 if there is none.
  std::uint32_t TakeTerm(std::uint32_t at, const Prefix& prefix);
  void JoinRange(Term& first);
  bool TakeLabel(std::uint32_t at, const Term& term);
  std::uint32_t TakeDate(Quantity date);
  std::uint32_t Emit(const Quantity& quantity);
  [[nodiscard]] std::uint32_t WordEnd(std::uint32_t begin) const;
  [[nodiscard]] std::uint32_t AddressEnd(std::uint32_t begin, std::uint32_t end) const;
  [[nodiscard]] std::uint32_t SkipBlob(std::uint32_t at) const;
  [[nodiscard]] std::uint32_t SkipToBlank(std::uint32_t at) const;
  [[nodiscard]] bool IsInsideName(std::uint32_t at) const;

  Reader r_;
  std::vector<Quantity>& out_;
  std::uint32_t floor_ = 0;  // end of the last quantity: nothing is read again
};

std::uint32_t Extractor::SkipBlob(std::uint32_t at) const {
  while (IsAlnum(r_.At(at)) || r_.At(at) == '_' ||
         ((r_.At(at) == '.' || r_.At(at) == '-') && IsAlnum(r_.At(at + 1)))) {
    ++at;
  }
  return at;
}

std::uint32_t Extractor::SkipToBlank(std::uint32_t at) const {
  for (;; ++at) {
    const char c = r_.At(at);
    if (at >= r_.size_bytes() || c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == ')' ||
        c == '>' || c == '"' || c == ']') {
      return at;
    }
  }
}

std::uint32_t Extractor::Emit(const Quantity& q) {
  if (!std::isfinite(q.value) || !std::isfinite(q.value_high) || !std::isfinite(q.tolerance) ||
      !std::isfinite(q.half_width)) {
    return q.span.end;
  }
  out_.push_back(q);
  floor_ = q.span.end;
  return q.span.end;
}

std::uint32_t Extractor::TakeDate(Quantity date) {
  std::uint32_t end = date.span.end;
  const Bound bound = ReadBound(r_, date.span.begin, end);
  if (bound == Bound::kAbout) date.bound = bound;
  const Word before = r_.WordBefore(date.span.begin);
  if (date.kind == QuantityKind::kTime && bound != Bound::kAbout) date.bound = Bound::kExact;
  if (r_.Equals(before, "c")) date.bound = Bound::kAbout;
  return Emit(date);
}

// "3 to 5 days", "$3-5 million", "between 3% and 5%".
void Extractor::JoinRange(Term& first) {
  Quantity& q = first.quantity;
  if (first.number.is_ordinal) return;
  const std::uint32_t next = RangeConnector(r_, q.span.end, IsAfterBetween(r_, q.span.begin));
  if (next == 0) return;
  auto last = ReadSignedTerm(r_, next);
  if (!last || last->number.is_ordinal || last->quantity.kind == QuantityKind::kOrdinal) return;
  Term low = first;
  const bool low_is_bare = !low.has_unit;
  if (low_is_bare && last->has_unit && !last->currency_first) {
    low.quantity.kind = last->quantity.kind;
    low.quantity.unit = last->quantity.unit;
    low.quantity.currency = last->quantity.currency;
  } else if (!last->has_unit && low.currency_first) {
    // "$3-5 million": what follows the dash is money too
    last = ReadTerm(r_, next, Prefix{next, low.quantity.currency, false});
    if (!last) return;
  } else if (low.quantity.kind != last->quantity.kind ||
             low.quantity.dimension != last->quantity.dimension ||
             low.quantity.currency != last->quantity.currency) {
    return;
  }
  const bool low_takes_scale = last->number.has_scale && !low.number.has_scale &&
                               last->number.value != 0 && low.number.is_integer;
  if (low_takes_scale && low.number.value < 1000) {
    const auto bare = ReadNumber(r_, last->number.begin);
    const double factor = bare && bare->value > 0 ? last->number.value / bare->value : 1;
    if (factor > 1 && low.number.value * factor <= last->number.value) {
      low.number.value *= factor;
      low.number.half_width *= factor;
    }
  }
  if (low_is_bare || low_takes_scale) Normalise(low);
  if (low.quantity.value > last->quantity.value) return;
  const std::uint32_t begin = q.span.begin;
  Quantity joined = last->quantity;
  joined.span.begin = begin;
  joined.value = low.quantity.value;
  joined.written = low.number.value;
  joined.value_high = last->quantity.value;
  joined.written_high = last->quantity.written;
  if (low.quantity.unit != joined.unit) {  // "30 minutes to 2 hours"
    const Unit& unit = UnitOf(joined.unit);
    joined.written = (joined.value - unit.offset) / unit.factor;
  }
  joined.is_range = true;
  joined.is_written_exactly = low.quantity.is_written_exactly && last->quantity.is_written_exactly;
  first.has_unit = first.has_unit || last->has_unit;
  first.quantity = joined;
}

bool Extractor::TakeLabel(std::uint32_t at, const Term& term) {
  if (term.has_unit || term.number.in_words) return false;
  const Word label = ReadLabel(r_, at);
  if (label.empty()) return false;
  Quantity q = term.quantity;
  q.kind = QuantityKind::kLabel;
  q.noun = {label.begin, label.end};
  if (!term.number.is_integer) q.identity = IdentityOf(r_.Slice(at, term.number.end));
  Emit(q);
  return true;
}

std::uint32_t Extractor::TakeTerm(std::uint32_t at, const Prefix& prefix) {
  auto term = ReadTerm(r_, at, prefix);
  if (!term) return 0;
  if (term->number.is_year && !term->has_unit) {
    Quantity date;
    date.span = {at, term->number.end};
    date.kind = QuantityKind::kDate;
    date.grain = DateGrain::kYear;
    date.date.year = static_cast<std::int16_t>(term->number.value);
    return TakeDate(date);
  }
  if (prefix.begin == at && TakeLabel(at, *term)) return floor_;
  const char next = r_.At(term->quantity.span.end);
  if (!term->has_unit && !term->number.in_words && IsAlpha(next)) {
    const bool times = next == 'x' && !IsAlnum(r_.At(term->quantity.span.end + 1));
    if (!times) return SkipBlob(term->quantity.span.end);  // "5G", "4x4", "3D"
  }
  JoinRange(*term);
  Quantity& q = term->quantity;
  std::uint8_t rate = 0;
  std::uint32_t end = q.span.end;
  if (q.kind != QuantityKind::kOrdinal) {
    q.bound = ReadBound(r_, q.span.begin, end);
    q.span.end = end;
    if (const std::uint32_t rate_end = ReadRate(r_, end, rate); rate != 0) {
      q.span.end = rate_end;
      ApplyRate(rate, q);
    }
  }
  if (q.kind == QuantityKind::kNumber && !term->has_unit && rate == 0) {
    q.noun = ReadCountedNoun(r_, q.span.end, q.value);
    if (!q.noun.empty()) {
      q.kind = QuantityKind::kCount;
      const std::uint32_t rate_end = ReadRate(r_, q.noun.end, rate);
      ApplyRate(rate, q);
      Emit(q);
      if (rate == 0) return q.span.end;
      floor_ = rate_end;  // "5 times a week": "a week" is no duration of its own
      return rate_end;
    }
  }
  return Emit(q);
}

// "COVID-19", "F-16", "/v2/3": digits that belong to a name. "mid-2024" and "USD-5" do not.
bool Extractor::IsInsideName(std::uint32_t at) const {
  const char before = r_.Before(at);
  if (before == '_' || before == '@') return true;
  if ((before == '/' || before == '.' || before == '\\') && at >= 2) {
    const char previous = r_.At(at - 2);
    return IsAlnum(previous) || previous == before || previous == '_';
  }
  if (before != '-' || at < 2 || !IsAlnum(r_.At(at - 2)) || at - 1 == floor_) return false;
  if (IsDigit(r_.At(at - 2))) return false;
  const Word word = r_.WordBefore(at - 1);
  for (const std::string_view prefix : {"mid", "pre", "post", "early", "late", "non", "sub"}) {
    if (r_.Equals(word, prefix)) return false;
  }
  return !word.Is(kMonth | kCurrencyWord | kCardinal | kScale);
}

std::uint32_t Extractor::AtDigit(std::uint32_t at) {
  if (IsInsideName(at) || IsListMarker(r_, at)) return SkipBlob(at);
  const Prefix prefix = ReadPrefix(r_, at, floor_);
  if (prefix.currency == 0) {
    if (const auto clock = ReadClock(r_, at)) return TakeDate(*clock);
    if (ReadLabel(r_, at).empty()) {
      if (const auto date = ReadDate(r_, at)) return TakeDate(*date);
    }
    if (auto code = ReadIdentifier(r_, at)) return Emit(*code);
  }
  if (const std::uint32_t end = TakeTerm(at, prefix)) return end;
  return SkipBlob(at);
}

// A word directly followed by a digit: "Q3", "FY2024", "v1.2.3", "USD5"; anything else is a name.
std::uint32_t Extractor::AtMixed(const Word& word) {
  if (word.end - word.begin == 1 && IsDigit(r_.At(word.end))) {
    const char c = r_.At(word.begin);
    if (c == 'Q') {
      if (const auto quarter = ReadDate(r_, word.begin)) return TakeDate(*quarter);
    }
    const std::uint32_t end = SkipBlob(word.end);
    if ((c == 'v' || c == 'V') && end > word.end) {
      Quantity q;
      q.kind = QuantityKind::kIdentifier;
      q.span = {word.begin, end};
      q.identity = IdentityOf(r_.Slice(word.end, end));
      return Emit(q);
    }
    return end;
  }
  if (r_.Equals(word, "fy")) {
    if (const auto year = ReadDate(r_, word.end)) return TakeDate(*year);
  }
  const bool after_mark = r_.EndsBefore(word.end, "\xEF\xBB\xBF");  // a byte-order mark
  if (word.Is(kCurrencyWord) || after_mark) return word.end;
  return SkipBlob(word.end);
}

std::uint32_t Extractor::AtArticle(const Word& article) {
  const Word next = r_.NextWord(article.end);
  if (next.entry == nullptr) return article.end;
  if (next.Is(kPart)) {
    if (const auto clock = ReadClock(r_, article.begin)) return TakeDate(*clock);
  }
  if (next.Is(kDozen | kHundred | kScale | kPart)) {
    const std::uint32_t end = TakeTerm(article.begin, Prefix{article.begin, 0, false});
    if (end != 0) return end;
  }
  if (!next.Is(kUnitWord) || next.Is(kPart | kOrdinal)) return article.end;
  const Unit& unit = UnitOf(next.entry->unit);
  if (unit.dimension != Dimension::kSeconds && unit.dimension != Dimension::kMonths) {
    return article.end;
  }
  const Word before = r_.WordBefore(article.begin);
  if (r_.Equals(before, "once") || r_.Equals(before, "twice") || r_.Equals(before, "times") ||
      r_.Equals(before, "such") || r_.Equals(before, "what") || r_.At(next.end) == '-') {
    return article.end;
  }
  Term term;
  term.number = Number{.begin = article.begin, .end = article.end, .value = 1, .in_words = true};
  term.quantity.unit = next.entry->unit;
  term.quantity.kind = QuantityKind::kDuration;
  term.quantity.span = {article.begin, next.end};
  Normalise(term);
  std::uint32_t end = next.end;
  term.quantity.bound = ReadBound(r_, article.begin, end);
  return Emit(term.quantity);
}

std::uint32_t Extractor::AtRoman(const Word& word) {
  Word name;
  const int value = ReadRomanName(r_, word, name);
  if (value == 0) return word.end;
  Quantity q;
  q.kind = QuantityKind::kLabel;
  q.span = {word.begin, word.end};
  q.noun = {name.begin, name.end};
  q.value = q.value_high = q.written = q.written_high = value;
  return Emit(q);
}

std::uint32_t Extractor::AtTrigger(const Word& word) {
  if (word.Is(kArticle)) return AtArticle(word);
  if (word.Is(kNamedTime | kPart)) {
    if (const auto clock = ReadClock(r_, word.begin)) return TakeDate(*clock);
    if (word.Is(kNamedTime)) return word.end;
  }
  if (word.Is(kMonth | kWeekday | kOrdinal | kCardinal)) {
    if (const auto date = ReadDate(r_, word.begin)) return TakeDate(*date);
    if (word.Is(kMonth | kWeekday)) return word.end;
  }
  if (IsPronoun(r_, word)) return word.end;
  // "World War Two", "Chapter Four"
  const Word label = r_.WordBefore(word.begin);
  if (word.Is(kCardinal) && label.Is(kLabelWord) && !label.Is(kUnitWord | kFunctionWord) &&
      IsUpper(r_.At(label.begin)) && IsUpper(r_.At(word.begin)) && label.end + 1 == word.begin) {
    if (const auto number = ReadNumberWords(r_, word)) {
      Quantity q;
      q.kind = QuantityKind::kLabel;
      q.span = {word.begin, number->end};
      q.noun = {label.begin, label.end};
      q.value = q.value_high = q.written = q.written_high = number->value;
      return Emit(q);
    }
  }
  const Prefix prefix = ReadPrefix(r_, word.begin, floor_);
  const std::uint32_t end =
      TakeTerm(word.begin, prefix.currency != 0 ? prefix : Prefix{word.begin, 0, false});
  return end != 0 ? end : word.end;
}

std::uint32_t Extractor::WordEnd(std::uint32_t begin) const {
  const std::string_view text = r_.text();
  std::uint32_t end = begin;
  while (end + 8 <= text.size()) {
    const std::uint32_t letters = LetterRunOfEight(text.data() + end);
    end += letters;
    if (letters == 8) continue;
    if (end > begin && static_cast<unsigned char>(text[end]) < 0x80) return end;
    break;
  }
  if (end == begin) ++end;
  // Bytes 0x80 and up inside a word continue its letters, but for the leads of symbols.
  while (end < text.size()) {
    const auto byte = static_cast<unsigned char>(text[end]);
    if (kByteClass[byte] != kLetter && (byte < 0x80 || byte >= 0xC2)) break;
    ++end;
  }
  return end;
}

// The end of a URL, a host with a path, or an e-mail address whose first word is [begin, end); else
// 0.
std::uint32_t Extractor::AddressEnd(std::uint32_t begin, std::uint32_t end) const {
  const char next = r_.At(end);
  if (next == '@' || (next == ':' && r_.Has(end, "://"))) return SkipToBlank(end);
  if (next != '.' || !IsAlpha(r_.At(end + 1))) return 0;
  if (end - begin == 3 && r_.Has(begin, "www")) return SkipToBlank(end);
  std::uint32_t p = end + 1;  // "example.com/2024"
  while (IsAlnum(r_.At(p)) || r_.At(p) == '.' || r_.At(p) == '-') ++p;
  return r_.At(p) == '/' || r_.At(p) == '@' ? SkipToBlank(p) : 0;
}

std::uint32_t Extractor::AtWord(std::uint32_t begin) {
  const std::string_view text = r_.text();
  const std::uint32_t end = WordEnd(begin);
  const char next = r_.At(end);
  if (next != ' ') {
    if (const std::uint32_t address = AddressEnd(begin, end); address != 0) return address;
    if (IsDigit(next) || next == '_') return AtMixed({begin, end, FindWord(r_.Slice(begin, end))});
  }
  const std::uint32_t length = end - begin;
  const char first = text[begin];
  if (first <= 'X' && (first == 'I' || first == 'V' || first == 'X' || first == 'L') &&
      length <= 7 && (length == 1 || IsUpper(text[begin + 1]))) {
    return AtRoman({begin, end, nullptr});
  }
  if (!MayTrigger(first, text[end - 1], length)) return end;
  const Word word{begin, end, FindWord(r_.Slice(begin, end))};
  if (!word.Is(kTrigger)) return end;
  return AtTrigger(word);
}

void Extractor::Run() {
  const std::string_view text = r_.text();
  std::uint32_t at = 0;
  while (at < text.size()) {
    switch (kByteClass[static_cast<unsigned char>(text[at])]) {
      case kLetter:
        at = AtWord(at);
        break;
      case kDigitByte:
        at = AtDigit(at);
        break;
      case kSymbolLead2:
      case kSymbolLead3:
        if (ReadFractionSign(r_, at)) {
          const std::uint32_t end = TakeTerm(at, ReadPrefix(r_, at, floor_));
          at = end > at ? end : at + 1;
        } else {
          ++at;
        }
        break;
      default:
        ++at;
    }
  }
}

}  // namespace

void ExtractQuantities(std::string_view text, std::vector<Quantity>& out) {
  Extractor(text, out).Run();
}

}  // namespace assay::text
