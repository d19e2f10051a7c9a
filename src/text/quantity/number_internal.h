// number_internal.h: one number, in digits or words, without its unit.
#pragma once
#include <cstdint>
#include <optional>

#include "quantity/lexicon/reader_internal.h"

namespace assay::text::quantity {

struct Number {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  double value = 0;
  double half_width = 0.5;   // half of the last written digit's unit
  std::uint32_t digits = 0;  // of a plain run of digits its length, else 0
  bool in_words = false;     // "three", "a dozen"
  bool is_integer = true;    // written as an integer without scale
  bool has_scale = false;    // million, k, ...
  bool is_part = false;      // half, two thirds, 1/2: may be a share of a whole
  bool is_ordinal = false;   // 3rd, third
  bool is_year = false;      // "nineteen eighty-four"
};

// The number whose first digit is at `at` (sign not included), with grouping, decimals, exponent,
// mixed fraction and scale. Requires: a digit at `at`.
[[nodiscard]] std::optional<Number> ReadDigits(const Reader& reader, std::uint32_t at);
// The number that starts with the word at `at`: "three", "a dozen", "two and a half million",
// "two thirds", "twenty-first".
[[nodiscard]] std::optional<Number> ReadNumberWords(const Reader& reader, const Word& first);
// A vulgar fraction character at `at`.
[[nodiscard]] std::optional<Number> ReadFractionSign(const Reader& reader, std::uint32_t at);
// Either of them.
[[nodiscard]] std::optional<Number> ReadNumber(const Reader& reader, std::uint32_t at);
// Multiplies by "million", "k", "bn" after the number; letters "m" and "b" only where `is_money`.
void ReadScale(const Reader& reader, bool is_money, Number& number);
// The value of a canonical Roman numeral, 0 for none. Upper case only.
[[nodiscard]] int RomanValue(std::string_view letters);

}  // namespace assay::text::quantity
