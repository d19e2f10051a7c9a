#include "assay/text/segment.h"
#include "assay/text/utf8.h"

namespace assay::text {
namespace {

struct Char {
  char32_t code_point = 0;
  CharClass char_class = CharClass::kOther;
  std::uint32_t size_bytes = 0;  // 0: past the end
  [[nodiscard]] bool letter() const {
    return IsLetter(char_class) && char_class != CharClass::kIdeograph;
  }
  [[nodiscard]] bool digit() const { return char_class == CharClass::kDigit; }
};

Char CharAt(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return {};
  const auto byte = static_cast<unsigned char>(text[offset]);
  if (byte < 0x80) return {byte, Classify(byte), 1};
  const Decoded decoded = DecodeUtf8(text, offset);
  // Invalid bytes count as letters, so that a damaged word stays one word.
  const CharClass char_class = decoded.valid ? Classify(decoded.code_point) : CharClass::kLetter;
  return {decoded.code_point, char_class, decoded.size_bytes};
}

bool IsApostrophe(char32_t c) {
  return c == U'\'' || c == 0x2019 || c == 0x02BC;
}
bool IsHyphen(char32_t c) {
  return c == U'-' || c == 0x2010 || c == 0x2011;
}

// Whether `joint` between the characters `left` and `right` is inside a word.
bool Joins(const Char& left, char32_t joint, const Char& right) {
  if (right.size_bytes == 0) return false;
  if (IsApostrophe(joint) || IsHyphen(joint)) return left.letter() && right.letter();
  if (joint == U'.' || joint == U',') return left.digit() && right.digit();
  if (joint == U'_') {
    return (left.letter() || left.digit()) && (right.letter() || right.digit());
  }
  return joint == 0xAD && left.letter() && right.letter();  // soft hyphen
}

// Length of a dotted abbreviation ("U.S.", "e.g.") that starts at `offset`: at least two single
// letters, each with its dot, the last dot optional. 0 where there is none.
std::size_t DottedLength(std::string_view text, std::size_t offset) {
  std::size_t end = offset;
  std::size_t letters = 0;
  for (;;) {
    const Char letter = CharAt(text, end);
    if (!letter.letter()) break;
    const std::size_t after = end + letter.size_bytes;
    const Char dot = CharAt(text, after);
    if (dot.code_point != U'.' || dot.size_bytes == 0) {
      // "U.S" lacks its last dot; in "J.R.Smith" the name is a word of its own.
      if (letters > 0 && !IsWordPart(dot.char_class)) return after - offset;
      break;
    }
    ++letters;
    end = after + 1;
  }
  return letters >= 2 ? end - offset : 0;
}

// End of the word that starts at `offset`, whose first character is `first`.
std::size_t WordEnd(std::string_view text, std::size_t offset, const Char& first) {
  if (first.char_class == CharClass::kIdeograph) return offset + first.size_bytes;
  if (first.letter()) {
    const std::size_t after = offset + first.size_bytes;
    if (after < text.size() && text[after] == '.') {
      if (const std::size_t dotted = DottedLength(text, offset); dotted > 0) return offset + dotted;
    }
  }
  Char last = first;
  std::size_t end = offset + first.size_bytes;
  for (;;) {
    const Char next = CharAt(text, end);
    if (next.size_bytes == 0 || next.char_class == CharClass::kIdeograph) return end;
    if (IsWordPart(next.char_class)) {
      end += next.size_bytes;
      if (next.char_class != CharClass::kMark) last = next;
      continue;
    }
    const Char right = CharAt(text, end + next.size_bytes);
    if (!Joins(last, next.code_point, right)) return end;
    end += next.size_bytes;
  }
}

}  // namespace

void SplitWords(std::string_view text, std::vector<Span>& out) {
  for (std::size_t offset = 0; offset < text.size();) {
    const Char c = CharAt(text, offset);
    if (!IsWordPart(c.char_class)) {
      offset += c.size_bytes;
      continue;
    }
    const std::size_t end = WordEnd(text, offset, c);
    out.push_back({static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(end)});
    offset = end;
  }
}

}  // namespace assay::text
