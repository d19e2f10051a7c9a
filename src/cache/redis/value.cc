#include "redis/value.h"

#include <charconv>
#include <limits>

#include "assay/core/hash.h"

namespace assay::cache::redis {
namespace {

constexpr std::uint32_t kValueVersion = 1;
constexpr std::size_t kHexDigits = 32;

template <typename T>
void Append(std::string& out, T value) {
  for (unsigned shift = 0; shift < 8 * sizeof(T); shift += 8) {
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xFF));
  }
}

template <typename T>
T LoadAt(std::string_view bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < sizeof(T); ++i) {
    value |= std::uint64_t{static_cast<std::uint8_t>(bytes[at + i])} << (8 * i);
  }
  return static_cast<T>(value);
}

bool IsHead(std::string_view value) {
  return value.size() >= kValueHeadBytes && LoadAt<std::uint32_t>(value, 28) == kValueVersion;
}

}  // namespace

std::string KeyName(std::string_view prefix, const Key& key) {
  return std::string(prefix) + core::ToHex(key);
}

bool KeyOfName(std::string_view prefix, std::string_view name, Key& key) {
  if (!name.starts_with(prefix) || name.size() != prefix.size() + kHexDigits) return false;
  const char* begin = name.data() + prefix.size();
  const char* middle = begin + kHexDigits / 2;
  const char* end = begin + kHexDigits;
  return std::from_chars(begin, middle, key.high, 16).ptr == middle &&
         std::from_chars(middle, end, key.low, 16).ptr == end;
}

std::string PatternOf(std::string_view prefix) {
  std::string pattern;
  for (const char c : prefix) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern + "*";
}

Result<std::string> ValueOf(const Entry& entry, const PayloadCodec& codec) {
  std::string value;
  Append(value, entry.info().stored_ms);
  Append(value, entry.info().expires_ms);
  Append(value, TagOf(entry.tenant()));
  Append(value, TagOf(entry.route()));
  Append(value, TagOf(entry.model()));
  Append(value, kValueVersion);
  ASSAY_TRY(codec.Append(entry, value));
  return value;
}

Result<EntryRef> EntryOf(const Key& key, std::string_view value, const PayloadCodec& codec) {
  if (!IsHead(value)) return Fail(Code::kDataLoss, "a value in Redis is no cache entry");
  return codec.Read(key, value.substr(kValueHeadBytes));
}

bool HeadMatches(std::string_view head, const Filter& filter) {
  if (!IsHead(head)) return false;
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
  const auto fits = [&](const std::optional<std::string>& text, std::size_t at) {
    return !text || TagOf(*text) == LoadAt<std::uint32_t>(head, at);
  };
  return fits(filter.tenant, 16) && fits(filter.route, 20) && fits(filter.model, 24) &&
         (filter.stored_before_ms == kAny ||
          LoadAt<std::int64_t>(head, 0) < filter.stored_before_ms) &&
         (filter.expires_before_ms == kAny ||
          LoadAt<std::int64_t>(head, 8) < filter.expires_before_ms);
}

}  // namespace assay::cache::redis
