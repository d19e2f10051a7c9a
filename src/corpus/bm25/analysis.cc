#include "assay/corpus/analysis.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "assay/text/utf8.h"

namespace assay::corpus {
namespace {

constexpr std::size_t kMaxTermBytes = 64;  // longer runs are keys and hashes; their head is enough

constexpr auto kStopWords = std::to_array<std::string_view>({
    "a",    "an",   "and",  "are",  "as",   "at",    "be",   "been",  "but",
    "by",   "for",  "from", "had",  "has",  "have",  "he",   "her",   "his",
    "if",   "in",   "into", "is",   "it",   "its",   "of",   "on",    "or",
    "she",  "such", "than", "that", "the",  "their", "then", "there", "these",
    "they", "this", "to",   "was",  "were", "which", "who",  "will",  "with",
});
constexpr std::size_t kStopSlots = 256;

// Packs a word of at most 8 bytes into an integer; longer words give 0, which is no stop word.
constexpr std::uint64_t Pack(std::string_view word) {
  if (word.size() > 8) return 0;
  std::uint64_t packed = 0;
  for (const char c : word) packed = packed << 8 | static_cast<std::uint8_t>(c);
  return packed;
}

constexpr std::size_t StopSlot(std::uint64_t packed) {
  return static_cast<std::size_t>((packed * 0x9E3779B97F4A7C15ull) >> 56) & (kStopSlots - 1);
}

constexpr auto kStopTable = [] {
  std::array<std::uint64_t, kStopSlots> table{};
  for (const std::string_view word : kStopWords) {
    std::size_t slot = StopSlot(Pack(word));
    while (table[slot] != 0) slot = (slot + 1) % kStopSlots;
    table[slot] = Pack(word);
  }
  return table;
}();

// ASCII letters of U+00C0..U+017F without their accents; 0 where a letter has no plain twin, and
// '*' for the two signs (multiplication, division). Two-letter twins (ae, oe, ss) are written
// below.
constexpr std::string_view kLatinFold =
    "aaaaaa\1ceeeeiiii"
    "dnooooo*ouuuuy\2\3"
    "aaaaaa\1ceeeeiiii"
    "dnooooo*ouuuuy\2y"
    "aaaaaaccccccccdd"
    "ddeeeeeeeeeegggg"
    "gggghhhhiiiiiiii"
    "ii\4\4jjkkklllllll"
    "lllnnnnnnnnnoooo"
    "oo\5\5rrrrrrssssss"
    "ssttttttuuuuuuuu"
    "uuuuwwyyyzzzzzzs";
static_assert(kLatinFold.size() == 0x180 - 0xC0);

constexpr std::string_view TwoLetters(char code) {
  switch (code) {
    case 1:
      return "ae";
    case 2:
      return "th";
    case 3:
      return "ss";
    case 4:
      return "ij";
    default:
      return "oe";
  }
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsAsciiLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Writes the folded form of a letter, at most 4 bytes; returns its length.
std::size_t Fold(char32_t c, char* out) {
  if (c >= 0xC0 && c < 0x180) {
    const char twin = kLatinFold[c - 0xC0];
    if (twin >= 'a') {
      *out = twin;
      return 1;
    }
    const std::string_view two = TwoLetters(twin);
    std::memcpy(out, two.data(), 2);
    return 2;
  }
  c = text::FoldCase(c);
  const auto tail = [c](int shift) { return static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    out[0] = static_cast<char>(c);
    return 1;
  }
  if (c < 0x800) {
    out[0] = static_cast<char>(0xC0 | c >> 6);
    out[1] = tail(0);
    return 2;
  }
  if (c < 0x10000) {
    out[0] = static_cast<char>(0xE0 | c >> 12);
    out[1] = tail(6);
    out[2] = tail(0);
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | c >> 18);
  out[1] = tail(12);
  out[2] = tail(6);
  out[3] = tail(0);
  return 4;
}

// Reads one term from `at`, which stands on a letter or digit; writes it to `out`.
class TermReader {
 public:
  TermReader(const char* at, const char* end, char* out) : at_(at), end_(end), out_(out) {}

  const char* Read() {
    while (at_ < end_ && Step()) {
    }
    return at_;
  }
  [[nodiscard]] std::size_t length() const { return length_; }

 private:
  bool Step() {
    const char c = *at_;
    if (IsAsciiLetter(c) || IsDigit(c)) {
      Put(static_cast<char>(IsDigit(c) ? c : c | 0x20));
      ++at_;
      return true;
    }
    const bool digit_follows = at_ + 1 < end_ && IsDigit(at_[1]);
    if ((c == '.' || c == ',') && digit_follows && IsDigit(at_[-1])) {
      if (c == '.') Put('.');
      ++at_;
      return true;
    }
    if (c == '\'') return SkipApostrophe(1);
    if (static_cast<std::uint8_t>(c) < 0x80) return false;
    return StepWide();
  }

  bool StepWide() {
    const text::Decoded point = text::DecodeUtf8({at_, static_cast<std::size_t>(end_ - at_)}, 0);
    if (point.code_point == 0x2019) return SkipApostrophe(3);
    const text::CharClass kind = text::Classify(point.code_point);
    const bool ideograph = kind == text::CharClass::kIdeograph;
    const bool skipped = kind == text::CharClass::kMark || point.code_point == 0xAD;
    if (!text::IsWordPart(kind) && !skipped) return false;
    if (ideograph && length_ > 0) return false;
    if (!skipped && length_ + 4 <= kMaxTermBytes) length_ += Fold(point.code_point, out_ + length_);
    at_ += point.size_bytes;
    return !ideograph;
  }

  // "don't" is one word; the possessive ends it.
  bool SkipApostrophe(std::ptrdiff_t bytes) {
    const char* next = at_ + bytes;
    if (next >= end_ || !IsAsciiLetter(*next)) return false;
    const bool ends = next + 1 >= end_ || !IsAsciiLetter(next[1]);
    if ((*next | 0x20) == 's' && ends) {
      at_ = next + 1;
      return false;
    }
    at_ = next;
    return true;
  }

  void Put(char c) {
    if (length_ < kMaxTermBytes) out_[length_++] = c;
  }

  const char* at_;
  const char* end_;
  char* out_;
  std::size_t length_ = 0;
};

bool StartsTerm(const char* at, const char* end, std::size_t& skip) {
  skip = 1;
  if (IsAsciiLetter(*at) || IsDigit(*at)) return true;
  if (static_cast<std::uint8_t>(*at) < 0x80) return false;
  const text::Decoded point = text::DecodeUtf8({at, static_cast<std::size_t>(end - at)}, 0);
  skip = point.size_bytes;
  const text::CharClass kind = text::Classify(point.code_point);
  return text::IsWordPart(kind) && kind != text::CharClass::kMark;
}

}  // namespace

bool IsStopWord(std::string_view lower_case) {
  const std::uint64_t packed = Pack(lower_case);
  if (packed == 0) return false;
  for (std::size_t slot = StopSlot(packed); kStopTable[slot] != 0; slot = (slot + 1) % kStopSlots) {
    if (kStopTable[slot] == packed) return true;
  }
  return false;
}

void Analyzer::Analyze(std::string_view text, std::vector<std::string_view>& terms) {
  // A folded letter takes at most twice the bytes.
  if (buffer_.size() < 2 * text.size() + 4) buffer_.resize(3 * text.size() + 64);
  char* out = buffer_.data();
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    std::size_t skip = 1;
    if (!StartsTerm(at, end, skip)) {
      at += skip;
      continue;
    }
    TermReader reader(at, end, out);
    at = reader.Read();
    const std::size_t length = reader.length();
    if (length == 0 || IsStopWord({out, length})) continue;
    const std::size_t stemmed = Stem(out, length);
    terms.emplace_back(out, stemmed);
    out += stemmed;
  }
}

}  // namespace assay::corpus
