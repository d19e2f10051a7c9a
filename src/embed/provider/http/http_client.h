// provider/http/http_client.h: blocking HTTPS calls over kept connections, by libcurl.
// Room: embed (private).  Threads: safe; a call in flight has a handle of its own.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/result.h"
#include "assay/embed/provider.h"
#include "assay/embed/remote_providers.h"

namespace assay::embed::internal {

// scheme://host[:port][/path]
struct Url {
  bool tls = true;
  std::string host;       // in brackets for IPv6
  std::string authority;  // as the `host` header has it: the port only where it is not the scheme's
  std::string path;       // "" or "/..." without a slash at its end

  // Errors: kInvalidArgument, also for user names, queries and fragments.
  [[nodiscard]] static Result<Url> Parse(std::string_view text);
  [[nodiscard]] std::string Origin() const;  // scheme://authority
  [[nodiscard]] bool loopback() const;
};

// kFailedPrecondition where something secret would travel unencrypted.
[[nodiscard]] Result<void> CheckSecrecy(const Url& url, const HttpOptions& options);

struct HttpReply {
  int status = 0;
  std::string body;
  std::string error_type;            // x-amzn-errortype
  std::int64_t retry_after_ms = -1;  // -1: none was sent
};

class HttpClient {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  HttpClient(HttpOptions options, core::Clock& clock);
  ~HttpClient();

  // One POST; any status is a reply. Errors: kUnavailable when there is no connection, it breaks,
  // or the answer is cut; kDeadlineExceeded; kOutOfRange for an answer that is too large;
  // kFailedPrecondition when the server's certificate is not to be trusted.
  [[nodiscard]] Result<HttpReply> Post(const std::string& url, const Headers& headers,
                                       std::string_view body, const CallContext& context);

 private:
  class Handle;
  [[nodiscard]] Result<std::unique_ptr<Handle>> Take();
  void Return(std::unique_ptr<Handle> handle);

  struct Pool;
  HttpOptions options_;
  core::Clock& clock_;
  std::unique_ptr<Pool> pool_;
};

// What a status other than 2xx means, with the server's own words (`said`) in the message.
[[nodiscard]] Error ErrorOfStatus(std::string_view who, int status, std::string_view said);

}  // namespace assay::embed::internal
