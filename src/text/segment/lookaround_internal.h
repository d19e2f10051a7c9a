// What stands around a terminator: its kind, closing signs, the next word, the word before.
// Every look is bounded by kWindow or less.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "assay/text/utf8.h"

#include "ascii_internal.h"

namespace assay::text::segment {

constexpr bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
constexpr bool IsNonAscii(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}

enum class Mark : std::uint8_t { kNone, kDot, kStrong, kEllipsis, kWide };

struct MarkAt {
  Mark mark = Mark::kNone;
  std::size_t size_bytes = 0;
};

// The terminator at `at`, if there is one.
MarkAt ReadMark(std::string_view text, std::size_t at);

// Bytes of the white space character at `at`, or 0.
std::size_t SpaceLength(std::string_view text, std::size_t at);

// What stands between the terminator and the next word.
struct Closers {
  std::size_t end = 0;
  bool quote_or_bracket = false;
};

// Closing quotes, brackets, emphasis marks and citation marks such as "[12]" after a terminator.
Closers ReadClosers(std::string_view text, std::size_t at, std::size_t end);

// The first letter, digit or other sign of the next sentence, past white space and openers (at most
// kWindow bytes of them).
struct Follower {
  std::size_t at = 0;  // == the block's end where nothing follows
  CharClass char_class = CharClass::kOther;
  bool quote = false;    // an opening quote stands before it
  bool bracket = false;  // an opening bracket stands before it
};

Follower ReadFollower(std::string_view text, std::size_t at, std::size_t end);

// The part of a compound that an abbreviation can be: "Gov" of "then-Gov".
std::string_view AfterHyphen(std::string_view word);

// The word (ASCII letters, other letters, digits, inner dots, hyphens and apostrophes) that ends at
// `at`; at most 40 bytes of it. Tokenised text has a space before the dot.
std::string_view WordBefore(std::string_view text, std::size_t from, std::size_t at);

// The word that starts at `at`; at most 40 bytes of it.
std::string_view WordAt(std::string_view text, std::size_t at, std::size_t end);

}  // namespace assay::text::segment
