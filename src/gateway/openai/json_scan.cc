#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "assay/text/utf8.h"

#include "openai/json_scan_internal.h"

namespace assay::gateway {
namespace {

constexpr std::size_t kMaxDigits = 18;    // of a number: fits into 63 bits, and no double rounds it
constexpr std::size_t kMostNesting = 64;  // deeper texts are not usual

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = 0x8080808080808080;

// Bit 7 of each byte of the result: the byte of `word` is `c`. May be wrong above the lowest hit.
constexpr std::uint64_t Equal(std::uint64_t word, char c) {
  const std::uint64_t other = word ^ (kOnes * static_cast<unsigned char>(c));
  return (other - kOnes) & ~other & kHighs;
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool IsHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// A reader of values; each step returns the place behind what it read, or null to give up.
class Reader {
 public:
  Reader(const char* end, bool& ascii) : end_(end), ascii_(ascii) {}

  const char* Blanks(const char* at) const {
    while (at != end_ && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) ++at;
    return at;
  }

  // `at` is behind the opening quote. `escaped` is set where there is an escape.
  const char* String(const char* at, bool& escaped);
  // `at` is at the value's first byte; `nesting` is how deep containers may still go.
  const char* Value(const char* at, std::size_t nesting);

 private:
  const char* Plain(const char* at);
  const char* Escape(const char* at) const;
  const char* Number(const char* at) const;
  const char* Word(const char* at, std::string_view word) const;
  const char* Object(const char* at, std::size_t nesting);
  const char* Array(const char* at, std::size_t nesting);

  const char* end_;
  bool& ascii_;
};

// Up to the first quote, backslash or control character.
const char* Reader::Plain(const char* at) {
  std::uint64_t seen = 0;
  while (end_ - at >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
    const std::uint64_t stops = control | Equal(word, '"') | Equal(word, '\\');
    if (stops != 0) {
      const std::uint64_t before = (stops & (0 - stops)) - 1;  // all bits below the first stop
      if (((seen | (word & before)) & kHighs) != 0) ascii_ = false;
      return at + std::countr_zero(stops) / 8;
    }
    seen |= word;
    at += 8;
  }
  while (at != end_ && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) >= 0x20) {
    seen |= static_cast<unsigned char>(*at++);
  }
  if ((seen & kHighs) != 0) ascii_ = false;
  return at;
}

// `at` is behind the backslash.
const char* Reader::Escape(const char* at) const {
  constexpr std::string_view kSimple = "\"\\/bfnrt";
  if (at == end_) return nullptr;
  if (kSimple.find(*at) != std::string_view::npos) return at + 1;
  if (*at != 'u' || end_ - at < 5 || !std::all_of(at + 1, at + 5, IsHex)) return nullptr;
  const bool surrogate = (at[1] == 'd' || at[1] == 'D') && at[2] >= '8';
  return surrogate ? nullptr : at + 5;
}

const char* Reader::String(const char* at, bool& escaped) {
  while (true) {
    at = Plain(at);
    if (at == end_ || static_cast<unsigned char>(*at) < 0x20) return nullptr;
    if (*at == '"') return at + 1;
    escaped = true;
    at = Escape(at + 1);
    if (at == nullptr) return nullptr;
  }
}

const char* Reader::Number(const char* at) const {
  if (*at == '-') ++at;
  const char* const whole = at;
  while (at != end_ && IsDigit(*at)) ++at;
  auto digits = static_cast<std::size_t>(at - whole);
  if (digits == 0 || (digits > 1 && *whole == '0')) return nullptr;
  if (at != end_ && *at == '.') {
    const char* const fraction = ++at;
    while (at != end_ && IsDigit(*at)) ++at;
    if (at == fraction) return nullptr;
    digits += static_cast<std::size_t>(at - fraction);
  }
  const bool exponent = at != end_ && (*at == 'e' || *at == 'E');
  return exponent || digits > kMaxDigits ? nullptr : at;
}

const char* Reader::Word(const char* at, std::string_view word) const {
  const bool there = static_cast<std::size_t>(end_ - at) >= word.size() &&
                     std::memcmp(at, word.data(), word.size()) == 0;
  return there ? at + word.size() : nullptr;
}

const char* Reader::Object(const char* at, std::size_t nesting) {
  at = Blanks(at);
  if (at != end_ && *at == '}') return at + 1;
  while (at != end_ && *at == '"') {
    bool escaped = false;
    at = String(at + 1, escaped);
    if (at == nullptr) return nullptr;
    at = Blanks(at);
    if (at == end_ || *at != ':') return nullptr;
    at = Value(Blanks(at + 1), nesting);
    if (at == nullptr) return nullptr;
    at = Blanks(at);
    if (at != end_ && *at == '}') return at + 1;
    if (at == end_ || *at != ',') return nullptr;
    at = Blanks(at + 1);
  }
  return nullptr;
}

const char* Reader::Array(const char* at, std::size_t nesting) {
  at = Blanks(at);
  if (at != end_ && *at == ']') return at + 1;
  while (true) {
    at = Value(at, nesting);
    if (at == nullptr) return nullptr;
    at = Blanks(at);
    if (at != end_ && *at == ']') return at + 1;
    if (at == end_ || *at != ',') return nullptr;
    at = Blanks(at + 1);
  }
}

const char* Reader::Value(const char* at, std::size_t nesting) {
  if (at == end_) return nullptr;
  bool escaped = false;
  switch (*at) {
    case '"':
      return String(at + 1, escaped);
    case '{':
      return nesting == 0 ? nullptr : Object(at + 1, nesting - 1);
    case '[':
      return nesting == 0 ? nullptr : Array(at + 1, nesting - 1);
    case 't':
      return Word(at, "true");
    case 'f':
      return Word(at, "false");
    case 'n':
      return Word(at, "null");
    default:
      return Number(at);
  }
}

}  // namespace

JsonObjectScan::JsonObjectScan(std::string_view text, std::size_t max_nesting)
    : at_(text.data()),
      end_(text.data() + text.size()),
      text_(text),
      max_nesting_(std::min(max_nesting, kMostNesting)) {}

bool JsonObjectScan::Next(JsonMember& member) {
  if (at_ == nullptr || whole_ || max_nesting_ == 0) return false;
  Reader reader(end_, ascii_);
  const char* at = reader.Blanks(std::exchange(at_, nullptr));
  if (at == end_ || (first_ && *at != '{')) return false;
  if (first_) at = reader.Blanks(at + 1);
  if (at == end_) return false;
  if (*at == '}') {
    whole_ = reader.Blanks(at + 1) == end_ && (ascii_ || !text::FindUtf8Error(text_));
    return false;
  }
  if (!first_) {
    if (*at != ',') return false;
    at = reader.Blanks(at + 1);
  }
  first_ = false;
  if (at == end_ || *at != '"') return false;
  const char* const name = at + 1;
  bool escaped = false;
  at = reader.String(name, escaped);
  if (at == nullptr || escaped) return false;
  member.name = {name, at - 1};
  at = reader.Blanks(at);
  if (at == end_ || *at != ':') return false;
  const char* const value = reader.Blanks(at + 1);
  at = reader.Value(value, max_nesting_ - 1);
  if (at == nullptr) return false;
  member.value = {value, at};
  at_ = at;
  return true;
}

std::string_view PlainJsonString(std::string_view value) {
  const bool plain =
      value.size() >= 2 && value.front() == '"' && value.find('\\') == std::string_view::npos;
  return plain ? value.substr(1, value.size() - 2) : std::string_view();
}

}  // namespace assay::gateway
