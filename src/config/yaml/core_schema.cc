#include "yaml/core_schema.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>

#include "scalars.h"

namespace assay::config::yaml {
namespace {

template <std::size_t kCount>
bool IsOneOf(std::string_view text, const std::array<std::string_view, kCount>& words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

constexpr std::array<std::string_view, 4> kNull = {"~", "null", "Null", "NULL"};
constexpr std::array<std::string_view, 3> kTrue = {"true", "True", "TRUE"};
constexpr std::array<std::string_view, 3> kFalse = {"false", "False", "FALSE"};
constexpr std::array<std::string_view, 3> kNan = {".nan", ".NaN", ".NAN"};
constexpr std::array<std::string_view, 3> kInfinity = {".inf", ".Inf", ".INF"};

std::optional<std::int64_t> ParseInteger(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) base = 16;
  if (text.starts_with("0o")) base = 8;
  std::string_view digits = base == 10 ? text : text.substr(2);
  if (digits.starts_with('+') && base == 10) digits.remove_prefix(1);
  if (base != 10 && digits.starts_with('-')) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty())
    return std::nullopt;
  return value;
}

std::optional<double> ParseFloat(std::string_view text) {
  if (IsOneOf(text, kNan)) return std::numeric_limits<double>::quiet_NaN();
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  if (IsOneOf(digits, kInfinity)) {
    value = std::numeric_limits<double>::infinity();
  } else {
    if (digits.empty() || digits.find_first_not_of("0123456789.eE+-") != std::string_view::npos ||
        digits.find_first_of("0123456789") == std::string_view::npos ||
        (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) {
      return std::nullopt;
    }
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (end != digits.data() + digits.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) value = std::numeric_limits<double>::infinity();
  }
  return negative ? -value : value;
}

}  // namespace

Value MakePlain(std::string_view text, std::uint32_t offset) {
  if (text.empty()) return Value(nullptr, offset);
  switch (text[0]) {
    case '~':
    case 'n':
    case 'N':
      if (IsOneOf(text, kNull)) return Value(nullptr, offset);
      break;
    case 't':
    case 'T':
      if (IsOneOf(text, kTrue)) return Value(true, offset);
      break;
    case 'f':
    case 'F':
      if (IsOneOf(text, kFalse)) return Value(false, offset);
      break;
    default:
      if (!IsDigit(text[0]) && text[0] != '-' && text[0] != '+' && text[0] != '.') break;
      if (const Decimal decimal = ReadDecimal(text);
          decimal.size == text.size() && !decimal.too_large) {
        return decimal.is_integer ? Value(decimal.integer, offset) : Value(decimal.number, offset);
      }
      if (const auto integer = ParseInteger(text)) return Value(*integer, offset);
      if (const auto number = ParseFloat(text)) return Value(*number, offset);
  }
  return Value(text, offset);
}

}  // namespace assay::config::yaml
