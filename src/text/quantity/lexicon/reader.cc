#include "quantity/lexicon/reader_internal.h"

namespace assay::text::quantity {
namespace {

constexpr unsigned char Byte(char c) {
  return static_cast<unsigned char>(c);
}

}  // namespace

std::uint32_t Reader::SkipSpace(std::uint32_t at) const {
  bool line_broken = false;
  for (;;) {
    const char c = At(at);
    if (c == ' ' || c == '\t' || c == '\r') {
      ++at;
    } else if (c == '\n' && !line_broken) {
      line_broken = true;
      ++at;
    } else if (Has(at, "\xC2\xA0")) {
      at += 2;
    } else if (Has(at, "\xE2\x80\xAF") || Has(at, "\xE2\x80\x89")) {
      at += 3;
    } else {
      return at;
    }
  }
}

std::uint32_t Reader::SkipSpaceBack(std::uint32_t at) const {
  bool line_broken = false;
  for (;;) {
    const char c = Before(at);
    if (c == ' ' || c == '\t' || c == '\r') {
      --at;
    } else if (c == '\n' && !line_broken) {
      line_broken = true;
      --at;
    } else if (EndsBefore(at, "\xC2\xA0")) {
      at -= 2;
    } else if (EndsBefore(at, "\xE2\x80\xAF") || EndsBefore(at, "\xE2\x80\x89")) {
      at -= 3;
    } else {
      return at;
    }
  }
}

std::uint32_t Reader::LetterBytes(std::uint32_t at) const {
  const unsigned char lead = Byte(At(at));
  if (lead < 0x80) return IsAlpha(At(at)) ? 1 : 0;
  if (lead < 0xC3 || lead == 0xE2) return 0;
  const std::uint32_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  for (std::uint32_t i = 1; i < length; ++i) {
    if ((Byte(At(at + i)) & 0xC0U) != 0x80) return i;  // cut short: what there is
  }
  return length;
}

std::uint32_t Reader::LetterBytesBefore(std::uint32_t at) const {
  if (IsAlpha(Before(at))) return 1;
  for (std::uint32_t length = 1; length <= 4 && length <= at; ++length) {
    if ((Byte(text_[at - length]) & 0xC0U) == 0x80) continue;
    return LetterBytes(at - length) == length ? length : 0;
  }
  return 0;
}

Word Reader::WordAt(std::uint32_t at) const {
  Word word{at, at, nullptr};
  while (const std::uint32_t bytes = LetterBytes(word.end)) word.end += bytes;
  if (!word.empty()) word.entry = FindWord(Slice(word.begin, word.end));
  return word;
}

Word Reader::WordBefore(std::uint32_t at) const {
  at = SkipSpaceBack(at);
  Word word{at, at, nullptr};
  // No word of the lexicon is longer; a longer one is only known to be there.
  while (word.end - word.begin <= kMaxWordBytes) {
    const std::uint32_t bytes = LetterBytesBefore(word.begin);
    if (bytes == 0) break;
    word.begin -= bytes;
  }
  if (!word.empty()) word.entry = FindWord(Slice(word.begin, word.end));
  return word;
}

std::uint32_t Reader::DashBytes(std::uint32_t at) const {
  if (At(at) == '-') return 1;
  // U+2010 to U+2014 and the minus sign U+2212
  if (Has(at, "\xE2\x80") && Byte(At(at + 2)) >= 0x90 && Byte(At(at + 2)) <= 0x94) return 3;
  return Has(at, "\xE2\x88\x92") ? 3 : 0;
}

}  // namespace assay::text::quantity
