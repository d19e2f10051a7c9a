// Numbers and escapes that the syntaxes have in common.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace assay::config {

// The prefix of a text that is a decimal number by the grammar of JSON (RFC 8259, 6).
struct Decimal {
  std::size_t size = 0;     // of the prefix; 0: there is no number
  bool is_integer = false;  // neither fraction nor exponent, and within int64
  bool too_large = false;   // beyond double
  std::int64_t integer = 0;
  double number = 0;  // nearest to the text; also set for integers
};
[[nodiscard]] Decimal ReadDecimal(std::string_view text);

// The value of `size` hexadecimal digits at the beginning of `text`, or nothing.
[[nodiscard]] std::optional<char32_t> ReadHex(std::string_view text, std::size_t size);

// Writes 1..4 bytes of UTF-8 and returns the end; `code_point` is no surrogate and at most 10FFFF.
char* WriteUtf8(char32_t code_point, char* out);

[[nodiscard]] constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool IsScalarValue(char32_t c) {
  return c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
}

// Whether one of the bytes of a word is `byte` (Mycroft 1987; false alarms come only above a hit).
template <typename Word>
[[nodiscard]] bool WordHolds(const char* at, char byte) {
  constexpr Word kOnes = static_cast<Word>(~Word{0} / 0xFF);
  Word word = 0;
  std::memcpy(&word, at, sizeof(word));
  word = static_cast<Word>(word ^ (kOnes * static_cast<unsigned char>(byte)));
  return ((word - kOnes) & ~word & (kOnes << 7)) != 0;
}

// Whether `text` holds that byte; for short texts, of which most are keys and names.
[[nodiscard]] inline bool Holds(std::string_view text, char byte) {
  const char* const begin = text.data();
  const std::size_t size = text.size();
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
      if (WordHolds<std::uint64_t>(begin + i, byte)) return true;
    }
    return WordHolds<std::uint64_t>(begin + size - 8, byte);  // may overlap
  }
  if (size >= 4) {
    return WordHolds<std::uint32_t>(begin, byte) ||
           WordHolds<std::uint32_t>(begin + size - 4, byte);
  }
  for (const char c : text) {
    if (c == byte) return true;
  }
  return false;
}

}  // namespace assay::config
