#include "scalars.h"

#include <array>
#include <charconv>
#include <limits>
#include <system_error>

namespace assay::config {
namespace {

constexpr std::int64_t kExactPower = 22;  // 10^22 is the largest exact one in a double
constexpr std::uint64_t kExactMantissa = 1ULL << 53;
constexpr std::array<double, kExactPower + 1> kPowers = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Digits of a number, of which a word holds the first 19.
struct Digits {
  std::uint64_t mantissa = 0;
  std::int64_t count = 0;  // of significant digits: leading zeros do not count
  std::size_t end = 0;

  void Read(std::string_view text, std::size_t at) {
    for (; at < text.size() && IsDigit(text[at]); ++at) {
      const auto digit = static_cast<std::uint64_t>(text[at] - '0');
      if (count < 19) mantissa = mantissa * 10 + digit;
      if (count > 0 || digit != 0) ++count;
    }
    end = at;
  }
};

// The exponent behind an 'e', bounded; false when there are no digits.
bool ReadExponent(std::string_view text, std::size_t& at, std::int64_t& exponent) {
  bool negative = false;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) negative = text[at++] == '-';
  const std::size_t first = at;
  for (; at < text.size() && IsDigit(text[at]); ++at) {
    if (exponent < 100'000) exponent = exponent * 10 + (text[at] - '0');
  }
  if (negative) exponent = -exponent;
  return at > first;
}

}  // namespace

Decimal ReadDecimal(std::string_view text) {
  Decimal result;
  std::size_t at = 0;
  const bool negative = text.starts_with('-');
  if (negative) ++at;
  const std::size_t first = at;
  Digits digits;
  digits.Read(text, at);
  at = digits.end;
  if (at == first || (text[first] == '0' && at > first + 1)) return result;
  bool integral = true;
  std::int64_t exponent = 0;
  if (at < text.size() && text[at] == '.') {
    integral = false;
    digits.Read(text, at + 1);
    if (digits.end == at + 1) return result;
    exponent = -static_cast<std::int64_t>(digits.end - at - 1);
    at = digits.end;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    integral = false;
    std::int64_t written = 0;
    if (!ReadExponent(text, ++at, written)) return result;
    exponent += written;
  }
  result.size = at;
  if (integral && digits.count <= 19) {
    const std::uint64_t limit = std::numeric_limits<std::int64_t>::max() + std::uint64_t{negative};
    if (digits.mantissa <= limit) {
      result.is_integer = true;
      result.integer = static_cast<std::int64_t>(negative ? 0 - digits.mantissa : digits.mantissa);
    }
  }
  if (digits.count <= 19 && digits.mantissa <= kExactMantissa && exponent >= -kExactPower &&
      exponent <= kExactPower) {
    // Both are exact, so one rounding is all there is (Clinger 1990, section 4).
    const auto mantissa = static_cast<double>(digits.mantissa);
    const double value = exponent < 0 ? mantissa / kPowers[static_cast<std::size_t>(-exponent)]
                                      : mantissa * kPowers[static_cast<std::size_t>(exponent)];
    result.number = negative ? -value : value;
    return result;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + at, result.number);
  if (error == std::errc::result_out_of_range) {
    // Too small is zero, too large is for the caller to say; leading and final zeros may be many.
    result.too_large = exponent + digits.count > 0;
    result.number = negative ? -0.0 : 0.0;
  }
  return result;
}

std::optional<char32_t> ReadHex(std::string_view text, std::size_t size) {
  if (text.size() < size) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + size, value, 16);
  if (error != std::errc() || end != text.data() + size) return std::nullopt;
  return static_cast<char32_t>(value);
}

char* WriteUtf8(char32_t code_point, char* out) {
  const auto put = [&](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  const std::uint32_t c = code_point;
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
  return out;
}

}  // namespace assay::config
