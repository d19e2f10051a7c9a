#include <charconv>
#include <string>

#include <fmt/format.h>

#include "assay/cache/redis_tier.h"

namespace assay::cache {
namespace {

constexpr std::uint32_t kMostDatabases = 1'000'000;

// Without the URL itself, which can hold a password.
std::unexpected<Error> Bad(std::string_view what) {
  return Fail(
      Code::kInvalidArgument,
      fmt::format(
          "the Redis URL has {}; write redis://[user:password@]host[:port][,host...][/number], "
          "rediss:// for TLS, or unix:/path/to/socket",
          what));
}

template <typename T>
bool ParseNumber(std::string_view text, T most, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number <= most;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// %40 and the like in user names and passwords (RFC 3986, 2.1).
Result<std::string> Unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return Bad("a % without two hexadecimal digits");
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

Result<void> ParseHost(std::string_view text, RedisAddress& address) {
  std::string_view port;
  if (text.starts_with('[')) {  // an IPv6 address
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return Bad("no ']' behind its IPv6 address");
    address.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (!text.empty() && !text.starts_with(':')) return Bad("something behind its IPv6 address");
    port = text.empty() ? text : text.substr(1);
  } else {
    const std::size_t colon = text.find(':');
    address.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  }
  if (address.host.empty()) return Bad("no host");
  const std::uint16_t most = UINT16_MAX;
  if (!port.empty() && (!ParseNumber(port, most, address.port) || address.port == 0)) {
    return Bad("no valid port");
  }
  return {};
}

}  // namespace

Result<RedisAddress> RedisAddress::Parse(std::string_view url) {
  ASSAY_ASSIGN(const std::vector<RedisAddress> addresses, ParseList(url));
  if (addresses.size() > 1) return Bad("more than one host");
  return addresses.front();
}

Result<std::vector<RedisAddress>> RedisAddress::ParseList(std::string_view url) {
  RedisAddress address;
  if (url.starts_with("unix:")) {
    url.remove_prefix(5);
    if (url.starts_with("//")) url.remove_prefix(2);
    if (!url.starts_with('/')) return Bad("no absolute path behind unix:");
    address.socket_path = url;
    return std::vector{address};
  }
  if (url.starts_with("redis://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("rediss://")) {
    url.remove_prefix(9);
    address.tls = true;
  } else {
    return Bad("another scheme than redis, rediss and unix");
  }
  // A password may hold a '/', so what is behind the last '@' is looked at first.
  if (const std::size_t at = url.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = url.substr(0, at);
    url.remove_prefix(at + 1);
    const std::size_t colon = login.find(':');
    if (colon == std::string_view::npos) return Bad("no ':' between user and password");
    ASSAY_ASSIGN(address.user, Unescaped(login.substr(0, colon)));
    ASSAY_ASSIGN(address.password, Unescaped(login.substr(colon + 1)));
  }
  if (const std::size_t slash = url.find('/'); slash != std::string_view::npos) {
    const std::string_view number = url.substr(slash + 1);
    if (!number.empty() && !ParseNumber(number, kMostDatabases, address.database)) {
      return Bad("no database number behind the /");
    }
    url = url.substr(0, slash);
  }
  std::vector<RedisAddress> addresses;
  while (true) {
    const std::size_t comma = url.find(',');
    RedisAddress& one = addresses.emplace_back(address);
    ASSAY_TRY(ParseHost(url.substr(0, comma), one));
    if (comma == std::string_view::npos) return addresses;
    url.remove_prefix(comma + 1);
  }
}

std::string RedisAddress::Display() const {
  if (!socket_path.empty()) return "unix:" + socket_path;
  return fmt::format("{}://{}:{}/{}", tls ? "rediss" : "redis", host, port, database);
}

}  // namespace assay::cache
