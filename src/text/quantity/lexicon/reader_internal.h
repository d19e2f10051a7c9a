// reader_internal.h: looking around in a text, byte by byte and word by word, without copying.
#pragma once
#include <cstdint>
#include <string_view>

#include "assay/text/span.h"

#include "ascii_internal.h"
#include "quantity/lexicon/lexicon_internal.h"

namespace assay::text::quantity {

struct Word {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  const Entry* entry = nullptr;  // nullptr: not in the lexicon

  [[nodiscard]] bool empty() const { return begin == end; }
  [[nodiscard]] bool Is(std::uint32_t roles) const {
    return entry != nullptr && (entry->roles & roles) != 0;
  }
};

constexpr bool IsAlnum(char c) {
  return IsAlpha(c) || IsDigit(c);
}

class Reader {
 public:
  explicit Reader(std::string_view text)
      : text_(text.substr(0, UINT32_MAX)), size_(static_cast<std::uint32_t>(text_.size())) {}

  [[nodiscard]] std::uint32_t size_bytes() const { return size_; }
  [[nodiscard]] std::string_view text() const { return text_; }
  // The byte at a position, 0 outside the text.
  [[nodiscard]] char At(std::uint32_t at) const { return at < size_ ? text_[at] : '\0'; }
  [[nodiscard]] char Before(std::uint32_t at) const { return at > 0 ? text_[at - 1] : '\0'; }
  [[nodiscard]] std::string_view Slice(std::uint32_t begin, std::uint32_t end) const {
    return text_.substr(begin, end - begin);
  }
  [[nodiscard]] bool Has(std::uint32_t at, std::string_view bytes) const {
    return at <= size_ && text_.substr(at).starts_with(bytes);
  }
  [[nodiscard]] bool EndsBefore(std::uint32_t at, std::string_view bytes) const {
    return text_.substr(0, at).ends_with(bytes);
  }

  // Past blanks (also no-break and thin ones) and at most one line break.
  [[nodiscard]] std::uint32_t SkipSpace(std::uint32_t at) const;
  // The start of the blanks that end at `at`.
  [[nodiscard]] std::uint32_t SkipSpaceBack(std::uint32_t at) const;
  // Bytes of the letter that starts (ends) here: ASCII letters and UTF-8 sequences that are not
  // symbols (U+0080..U+00BF, U+2000..U+2FFF); 0 if it is none.
  [[nodiscard]] std::uint32_t LetterBytes(std::uint32_t at) const;
  [[nodiscard]] std::uint32_t LetterBytesBefore(std::uint32_t at) const;
  // The run of letters at `at` (may be empty), and the one after blanks.
  [[nodiscard]] Word WordAt(std::uint32_t at) const;
  [[nodiscard]] Word NextWord(std::uint32_t at) const { return WordAt(SkipSpace(at)); }
  // The run of letters that ends at `at` or before the blanks in front of it.
  [[nodiscard]] Word WordBefore(std::uint32_t at) const;
  // The word in lower-case ASCII equals `lower`.
  [[nodiscard]] bool Equals(const Word& word, std::string_view lower) const {
    if (word.end - word.begin != lower.size()) return false;
    for (std::uint32_t i = 0; i < lower.size(); ++i) {
      const char c = text_[word.begin + i];
      if ((IsUpper(c) ? static_cast<char>(c + ('a' - 'A')) : c) != lower[i]) return false;
    }
    return true;
  }
  // Bytes of a hyphen, a minus sign or a dash at `at`, else 0.
  [[nodiscard]] std::uint32_t DashBytes(std::uint32_t at) const;

 private:
  std::string_view text_;
  std::uint32_t size_;
};

}  // namespace assay::text::quantity
