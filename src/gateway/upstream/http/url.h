// upstream/http/url.h: the base URL of an upstream.
// Room: gateway (private).  Threads: pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::gateway {

struct UpstreamUrl {
  bool tls = false;
  std::string host;  // name or address, IPv6 without brackets
  std::uint16_t port = 0;
  std::string prefix;     // "" or "/v1": no slash at the end
  std::string authority;  // for the Host field: the port only where it is not the scheme's own
};

// Parses http(s)://host[:port][/prefix].
// Errors: kInvalidArgument for another scheme, user names, queries, fragments, and bytes that no
// URL has.
[[nodiscard]] Result<UpstreamUrl> ParseUpstreamUrl(std::string_view url);

}  // namespace assay::gateway
