// assay/text/utf8.h: validation, decoding, repair, character classes and case folding of UTF-8.
// Room: text (uses core).  Threads: pure functions.
// Method: well-formed sequences as in table 3-7 of the Unicode Standard; ASCII is passed over eight
// bytes at a time; classes and folding come from generated tables (scripts/gen_unicode.py).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::text {

inline constexpr char32_t kReplacement = 0xFFFD;

// What is wrong at a byte that starts no well-formed sequence.
enum class Utf8Fault : std::uint8_t {
  kStrayContinuation,  // 80..BF without a lead byte
  kInvalidByte,        // C0, C1, F5..FF occur in no UTF-8 text
  kOverlong,           // a shorter sequence exists for the code point
  kSurrogate,          // U+D800..DFFF
  kTooLarge,           // above U+10FFFF
  kTruncated,          // a lead byte whose continuation bytes are missing
};

struct Utf8Error {
  std::size_t offset = 0;  // of the first byte of the ill-formed sequence
  Utf8Fault fault = Utf8Fault::kInvalidByte;
};

// The first ill-formed sequence of `text`, or nothing where all of it is well formed. O(n).
[[nodiscard]] std::optional<Utf8Error> FindUtf8Error(std::string_view text);

// kInvalidArgument that names the byte offset, the bytes and the fault, where FindUtf8Error() finds
// one.
[[nodiscard]] Result<void> ValidateUtf8(std::string_view text);

// "a surrogate (U+D800..DFFF)" and the like, for messages.
[[nodiscard]] std::string_view Describe(Utf8Fault fault);

// One decoded code point.
struct Decoded {
  char32_t code_point = kReplacement;
  std::uint8_t size_bytes = 1;  // of the sequence; of the ill-formed part when !valid; at least 1
  bool valid = false;
};

// The code point that starts at `offset`. An ill-formed sequence gives U+FFFD and the length of its
// longest prefix that a well-formed sequence could have ("maximal subpart", Unicode 3.9 D93b), so a
// decoder that goes on from there emits one U+FFFD where browsers and Python do.
// Requires: offset < text.size().
[[nodiscard]] Decoded DecodeUtf8(std::string_view text, std::size_t offset);

// The code point that ends just before `offset` (walks back at most 4 bytes); an ill-formed byte is
// U+FFFD of one byte. Requires: 0 < offset <= text.size().
[[nodiscard]] Decoded DecodeUtf8Before(std::string_view text, std::size_t offset);

// Appends `code_point` in 1..4 bytes; surrogates and values above U+10FFFF become U+FFFD.
void AppendUtf8(char32_t code_point, std::string& out);

// A copy of `text` with every ill-formed part replaced by U+FFFD (see DecodeUtf8). O(n).
[[nodiscard]] std::string RepairUtf8(std::string_view text);

// `text` as the content of an HTML, XML or SVG element, or of an attribute in double quotes: & < >
// and " as entities, U+FFFD for ill-formed parts, a space for control characters that XML 1.0
// forbids. O(n).
[[nodiscard]] std::string EscapeMarkup(std::string_view text);

// General categories of Unicode in the groups that text reading needs.
enum class CharClass : std::uint8_t {
  kOther,         // unassigned, private use
  kControl,       // Cc without the white space
  kFormat,        // Cf: soft hyphen, zero-width joiner, byte-order mark, ...
  kSpace,         // Zs, Zl, Zp and U+0009..000D, U+0085
  kUpper,         // Lu, Lt
  kLower,         // Ll
  kLetter,        // Lo, Lm: letters without case (Arabic, Hangul, Katakana, ...)
  kIdeograph,     // Han and Hiragana: scripts written without spaces, one word a character
  kMark,          // Mn, Mc, Me
  kDigit,         // Nd
  kNumber,        // Nl, No: Roman numerals, fractions, superscripts
  kOpen,          // Ps
  kClose,         // Pe
  kInitialQuote,  // Pi
  kFinalQuote,    // Pf
  kDash,          // Pd
  kConnector,     // Pc: underscore
  kPunctuation,   // Po
  kSymbol,        // Sm, Sc, Sk, So
};

// Class of a code point; kOther above U+10FFFF. O(1).
[[nodiscard]] CharClass Classify(char32_t code_point);

[[nodiscard]] constexpr bool IsLetter(CharClass c) {
  return c >= CharClass::kUpper && c <= CharClass::kIdeograph;
}
// Part of a word: letters, marks, digits and numbers.
[[nodiscard]] constexpr bool IsWordPart(CharClass c) {
  return c >= CharClass::kUpper && c <= CharClass::kNumber;
}
[[nodiscard]] constexpr bool IsPunctuation(CharClass c) {
  return c >= CharClass::kOpen && c <= CharClass::kPunctuation;
}

// Simple case folding (CaseFolding.txt, status C and S): the length in code points stays, so
// U+00DF (sharp s) and U+0130 stay as they are. O(log 200) outside Latin-1.
[[nodiscard]] char32_t FoldCase(char32_t code_point);

// Appends the case-folded `text`; ill-formed bytes are copied as they are. O(n).
void AppendFolded(std::string_view text, std::string& out);

}  // namespace assay::text
