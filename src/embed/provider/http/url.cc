#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "provider/http/http_client.h"

namespace assay::embed::internal {
namespace {

constexpr int kHttpPort = 80;
constexpr int kHttpsPort = 443;

bool HostChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool ValidHost(std::string_view host) {
  if (host.starts_with('[')) {
    return host.size() > 2 && host.ends_with(']') &&
           host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1;
  }
  if (host.empty()) return false;
  for (const char c : host) {
    if (!HostChar(c)) return false;
  }
  return true;
}

}  // namespace

Result<Url> Url::Parse(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' is no address of a server: {}; write it as "
                            "https://host[:port][/path]",
                            text, why));
  };
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    url.tls = false;
  } else {
    return wrong("it begins with neither https:// nor http://");
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  std::string_view path = rest.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  for (const char c : path) {
    if (c <= ' ' || c == 0x7F || c == '?' || c == '#' || c == '"' || c == '\\') {
      return wrong("its path holds a character that a path cannot");
    }
  }
  int port = url.tls ? kHttpsPort : kHttpPort;
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && !authority.substr(colon).contains(']')) {
    const std::string_view digits = authority.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc() || end != digits.data() + digits.size() || port < 1 || port > 65'535) {
      return wrong("its port is no number from 1 to 65535");
    }
    authority = authority.substr(0, colon);
  }
  if (!ValidHost(authority)) return wrong("its host is empty or holds what a host cannot");
  url.host = authority;
  url.authority =
      port == (url.tls ? kHttpsPort : kHttpPort) ? url.host : fmt::format("{}:{}", url.host, port);
  url.path = path;
  return url;
}

std::string Url::Origin() const {
  return fmt::format("{}://{}", tls ? "https" : "http", authority);
}

bool Url::loopback() const {
  const bool numbers = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "[::1]" || (numbers && host.starts_with("127."));
}

Result<void> CheckSecrecy(const Url& url, const HttpOptions& options) {
  if (url.tls || url.loopback() || options.allow_plain_http) return {};
  return Fail(
      Code::kFailedPrecondition,
      fmt::format("texts and keys would travel to {} unencrypted; use https, or allow plain "
                  "http if the network is yours",
                  url.authority));
}

}  // namespace assay::embed::internal
