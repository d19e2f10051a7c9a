// An address as the socket calls want it.
#pragma once
#include <algorithm>
#include <cstdint>

#include <netinet/in.h>
#include <sys/socket.h>

#include "assay/scan/targets.h"

namespace assay::scan::internal {

// Fills `out` in; returns how much of it counts.
inline socklen_t SocketAddress(const Address& address, std::uint16_t port, sockaddr_storage& out) {
  out = {};
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(out);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::copy_n(address.bytes.begin() + 12, 4, reinterpret_cast<std::uint8_t*>(&v4.sin_addr));
    return sizeof(v4);
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::copy_n(address.bytes.begin(), 16, v6.sin6_addr.s6_addr);
  return sizeof(v6);
}

}  // namespace assay::scan::internal
