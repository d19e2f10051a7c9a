// upstream/http/request_head.h: writes the head of a request to an upstream.
// Room: gateway (private).  Threads: const after Make().
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/result.h"
#include "assay/crypto/secret.h"

#include "upstream/http/url.h"
#include "upstream/provider.h"

namespace assay::gateway {

// What is the same in every request is written once; it holds the upstream's key, so it is wiped at
// the end.
class RequestHead {
 public:
  RequestHead() = default;

  // Errors: kInvalidArgument for a field that no HTTP header can be, or that Assay sets itself; the
  // value is not shown.
  [[nodiscard]] static Result<RequestHead> Make(
      const UpstreamUrl& url, std::string_view api_key,
      const std::vector<std::pair<std::string, std::string>>& headers);

  // Appends the request line and all fields, up to the empty line. A traceparent, request id or
  // path with bytes that do not belong there is left out (the path: cut), so that nothing can be
  // put into the head from outside.
  void Append(std::string& out, const UpstreamRequest& request, std::size_t body_bytes) const;

 private:
  std::string prefix_;           // of the path
  crypto::SecretString fields_;  // from " HTTP/1.1" to the last field that is always the same
};

// Appends `text` as a JSON string, quotes included. Bytes that are not ASCII are taken as they are.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace assay::gateway
