// Syntax trees of the regular expressions that assay/text/pattern_set.h describes.
#pragma once
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::text::patterns {

using ByteSet = std::bitset<256>;

// [0-9A-Za-z_], the word bytes of \w and \b.
[[nodiscard]] constexpr bool IsWordByte(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= 'a' && byte <= 'z') || byte == '_';
}
[[nodiscard]] constexpr bool IsAsciiLetter(std::uint8_t byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

inline constexpr int kUnbounded = -1;

struct RegexNode {
  enum class Kind : std::uint8_t {
    kClass,        // one byte of `bytes`
    kConcat,       // the children one after the other; none: the empty text
    kAlternate,    // one of the children
    kRepeat,       // the only child `min` to `max` times
    kBoundary,     // \b
    kNotBoundary,  // \B
  };
  Kind kind = Kind::kConcat;
  ByteSet bytes;
  int min = 0;
  int max = 0;  // kUnbounded for no limit
  std::vector<RegexNode> children;
};

// Errors: kInvalidArgument; the message starts with "at byte N: ".
[[nodiscard]] Result<RegexNode> ParseRegex(std::string_view pattern, bool ignore_case);

// Length of the shortest match, and of the longest if there is one.
[[nodiscard]] std::size_t ShortestMatch(const RegexNode& node);
[[nodiscard]] std::optional<std::size_t> LongestMatch(const RegexNode& node);

// The bytes with which a match can begin (assertions are taken as true).
[[nodiscard]] ByteSet FirstBytes(const RegexNode& node);

// The expression that matches the reversed texts.
[[nodiscard]] RegexNode Reversed(const RegexNode& node);

// Lower-case strings of which every match, lower-cased, begins with one; empty when there is no
// such list of at most `limit` strings.
[[nodiscard]] std::vector<std::string> RequiredPrefixes(const RegexNode& node, std::size_t limit);

}  // namespace assay::text::patterns
