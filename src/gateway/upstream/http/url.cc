#include "upstream/http/url.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace assay::gateway {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::unexpected<Error> Wrong(std::string_view url, std::string_view why) {
  // A user name would carry a password: then nothing of the URL is shown.
  const bool shown = url.find('@') == std::string_view::npos;
  return Fail(Code::kInvalidArgument,
              fmt::format("upstream URL{}{}: {}; write http://host[:port][/path] or https://...",
                          shown ? " " : "", shown ? url : std::string_view(), why));
}

bool Printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

}  // namespace

Result<UpstreamUrl> ParseUpstreamUrl(std::string_view url) {
  UpstreamUrl parsed;
  std::string_view rest = url;
  if (!Printable(url))
    return Fail(Code::kInvalidArgument, "upstream URL: it holds a space or a control character");
  if (rest.starts_with("https://")) {
    parsed.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return Wrong(url, "it must begin with http:// or https://");
  }
  if (rest.find_first_of("?#@") != std::string_view::npos) {
    return Wrong(url, "it must not hold a user name, a query or a fragment");
  }
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view host = rest.substr(0, slash);
  std::string_view prefix = rest.substr(slash);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);

  std::string_view port;
  bool has_port = false;
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return Wrong(url, "a bracket is not closed");
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    has_port = !port.empty();
    if (has_port && port.front() != ':')
      return Wrong(url, "something stands between the address and its port");
    if (has_port) port.remove_prefix(1);
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    has_port = true;
    port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  if (host.empty()) return Wrong(url, "the host is missing");
  const std::uint16_t usual = parsed.tls ? kHttpsPort : kHttpPort;
  parsed.port = usual;
  if (has_port) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
    if (error != std::errc() || end != port.data() + port.size() || parsed.port == 0) {
      return Wrong(url, "the port must be 1 to 65535");
    }
  }
  parsed.host = host;
  parsed.prefix = prefix;
  const bool six = host.find(':') != std::string_view::npos;
  parsed.authority = six ? fmt::format("[{}]", host) : parsed.host;
  if (parsed.port != usual) parsed.authority += fmt::format(":{}", parsed.port);
  return parsed;
}

}  // namespace assay::gateway
