// lexicon_internal.h: the words and units that numbers, dates and measures are written with.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "assay/text/quantity.h"

namespace assay::text::quantity {

// What a word can be; several at once ("second" is an ordinal and a unit).
enum Role : std::uint32_t {
  kCardinal = 1U << 0,          // number: 0 to 90
  kHundred = 1U << 1,           // "hundred"
  kScale = 1U << 2,             // number: 1e3 and more
  kOrdinal = 1U << 3,           // number: 1 to 100
  kPart = 1U << 4,              // "third", "thirds", "quarter": number is the denominator
  kMonth = 1U << 5,             // aux 1 to 12
  kShortMonth = 1U << 6,        // "jan", "sept"; aux
  kWeekday = 1U << 7,           // aux 1 to 7
  kShortWeekday = 1U << 8,      // "mon"; aux
  kUnitWord = 1U << 9,          // unit
  kCurrencyWord = 1U << 10,     // "dollars", "EUR"; code and number (0.01 for cents)
  kLabelWord = 1U << 11,        // "chapter", "war": a number after it names
  kFunctionWord = 1U << 12,     // cannot be a counted noun: prepositions, auxiliaries, pronouns
  kDatePreposition = 1U << 13,  // "in", "since": a year or month may follow
  kTrigger = 1U << 14,          // may begin a quantity
  kArticle = 1U << 15,          // "a", "an"
  kNamedTime = 1U << 16,        // "noon", "midnight"; aux hour
  kHalf = 1U << 17,             // "half"
  kDozen = 1U << 18,            // "dozen"; number 12
  kMonarch = 1U << 19,          // first names that take a single Roman numeral
  kPlural = 1U << 20,           // irregular plurals: "people"
  kEra = 1U << 21,              // "century", "centuries"
};

struct Entry {
  std::string_view word;  // lower case
  std::uint32_t roles = 0;
  double number = 0;
  std::uint8_t aux = 0;
  std::uint8_t unit = 0;
  std::uint32_t code = 0;
};

struct Unit {
  std::string_view singular;
  std::string_view plural;
  Dimension dimension;
  double factor;  // canonical = written * factor + offset
  double offset;
  std::string_view symbols;  // case-sensitive, separated by blanks; empty if none
  std::string_view words;    // lower case, single words beside singular and plural
};

// ISO 4217 code as a number.
constexpr std::uint32_t CurrencyCode(std::string_view letters) {
  std::uint32_t code = 0;
  for (const char c : letters) code = code << 8U | static_cast<unsigned char>(c);
  return code;
}
inline constexpr std::uint32_t kBareDollar = CurrencyCode("$");

inline constexpr std::size_t kMaxWordBytes = 16;

// The entry of a word in any case, or nullptr. O(1).
[[nodiscard]] const Entry* FindWord(std::string_view word);
// The unit of a symbol such as "km" or "GB" (case matters), 0 for none.
[[nodiscard]] std::uint8_t FindUnitSymbol(std::string_view symbol);
// The unit with this singular name, 0 for none.
[[nodiscard]] std::uint8_t FindUnitName(std::string_view singular);
[[nodiscard]] const Unit& UnitOf(std::uint8_t unit);
// By first and last letter (& 31): a bit for each length that a word which may begin a quantity
// has.
extern const std::array<std::array<std::uint32_t, 32>, 32> kTriggerLengths;
// False if no such word has these letters and this length.
[[nodiscard]] inline bool MayTrigger(char first, char last, std::uint32_t length_bytes) {
  const std::uint32_t lengths = kTriggerLengths[static_cast<unsigned char>(first) & 31U]
                                               [static_cast<unsigned char>(last) & 31U];
  return length_bytes <= kMaxWordBytes && (lengths >> length_bytes & 1U) != 0;
}
// "$", "€", ...; empty for a currency that is written by its code.
[[nodiscard]] std::string_view CurrencySymbol(std::uint32_t code);

}  // namespace assay::text::quantity
