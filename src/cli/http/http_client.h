// A plain HTTP/1.1 client, for asking a running gateway.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::cli {

struct HttpAnswer {
  int status = 0;
  std::string cache;  // the header x-assay-cache
  std::int64_t retry_after_s = 0;
  std::string body;
};

struct HttpTarget {
  std::string host;
  std::string port;
  std::string prefix;  // of the path, without a slash at its end
  bool tls = false;

  // http(s)://host[:port][/prefix]; a "/v1" at the end is left out. Errors: kInvalidArgument.
  [[nodiscard]] static Result<HttpTarget> Parse(std::string_view url);
};

// One connection, kept between requests and opened again where it broke. Threads: one at a time.
class HttpClient {
 public:
  // `token` is sent as a bearer token where it is not empty. A step that takes longer than
  // timeout_s fails.
  HttpClient(HttpTarget target, std::string token, int timeout_s);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Errors: kUnavailable when there is no connection or it breaks twice.
  [[nodiscard]] Result<HttpAnswer> Post(std::string_view path, std::string_view json);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::cli
