// Questions to a port. Threads: safe; each call has a connection of its own.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/scan/targets.h"

namespace assay::scan::internal {

struct HttpAnswer {
  int status = 0;  // 0: no HTTP
  std::string body;
  bool named_by_assay = false;  // its x-request-id has the gateway's form
  bool cut = false;             // longer than what is read
};

// GET, or POST where `body` is not empty. The certificate of a TLS server is not judged.
[[nodiscard]] HttpAnswer AskHttp(const std::string& url, std::string_view body,
                                 std::uint32_t timeout_ms);

// Sends the bytes and returns what came until there are `most` bytes, a pause of the time-out or
// the end; empty where there is no connection.
[[nodiscard]] std::string AskRaw(const Address& address, std::uint16_t port, std::string_view bytes,
                                 std::size_t most, std::uint32_t timeout_ms);

}  // namespace assay::scan::internal
