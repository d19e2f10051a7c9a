#include <charconv>

#include <fmt/format.h>

#include "cache_wish_internal.h"

namespace assay::gateway {
namespace {

constexpr std::int64_t kLongestSeconds = 10LL * 365 * 86'400;  // ten years: more is a mistake

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::int64_t> ReadSeconds(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) return std::nullopt;
  return std::min(seconds, kLongestSeconds);
}

std::optional<std::int64_t> ReadTtlSeconds(std::string_view text) {
  std::int64_t unit = 1;
  if (text.ends_with('s')) unit = 1;
  if (text.ends_with('m')) unit = 60;
  if (text.ends_with('h')) unit = 3'600;
  if (text.ends_with('d')) unit = 86'400;
  if (!text.empty() && (text.back() < '0' || text.back() > '9')) {
    if (unit == 1 && text.back() != 's') return std::nullopt;
    text.remove_suffix(1);
  }
  const auto count = ReadSeconds(text);
  if (!count) return std::nullopt;
  return std::min(*count, kLongestSeconds / unit) * unit;
}

ApiError Bad(std::string_view header, std::string_view value, std::string_view wanted) {
  return ApiError{
      .status = 400,
      .type = "invalid_request_error",
      .code = "invalid_header",
      .param = std::string(header),
      .message = fmt::format("The header {} holds '{}'; {}.", header, value.substr(0, 64), wanted)};
}

}  // namespace

std::optional<ApiError> ReadCacheWish(std::string_view cache_control, std::string_view assay_ttl,
                                      CacheWish& wish) {
  wish = {};
  std::string_view rest = cache_control;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string_view directive = Trimmed(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const std::size_t equals = directive.find('=');
    const std::string_view name = directive.substr(0, equals);
    if (EqualsIgnoreCase(name, "no-cache")) {
      wish.may_read = false;
    } else if (EqualsIgnoreCase(name, "no-store")) {
      wish.may_read = wish.may_write = false;
    } else if (EqualsIgnoreCase(name, "only-if-cached")) {
      wish.only_if_cached = true;
    } else if (EqualsIgnoreCase(name, "max-age")) {
      const auto seconds = equals == std::string_view::npos
                               ? std::nullopt
                               : ReadSeconds(directive.substr(equals + 1));
      if (!seconds) return Bad("cache-control", directive, "max-age needs whole seconds");
      wish.max_age_ms = *seconds * 1000;
    }
  }
  if (!assay_ttl.empty()) {
    const auto seconds = ReadTtlSeconds(assay_ttl);
    if (!seconds) {
      return Bad("x-assay-ttl", assay_ttl, "it needs whole seconds, or 90s, 15m, 12h, 7d");
    }
    wish.ttl_ms = *seconds * 1000;
    if (*seconds == 0) wish.may_write = false;
  }
  return std::nullopt;
}

}  // namespace assay::gateway
