// provider/aws/sigv4.h: AWS Signature Version 4 of a whole request.
// Room: embed (private).  Threads: pure functions.
// Source: "Create a signed AWS API request", AWS IAM user guide; agrees byte for byte with
// botocore.auth.SigV4Auth, which the tests run beside it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/result.h"

namespace assay::embed::internal {

struct SignedRequest {
  std::string method;
  std::string path;   // as it is sent: percent-encoded, "/" at least
  std::string query;  // as it is sent, without "?"
  // Every header to sign, in any case and order; `host` and `x-amz-date` must be among them.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;
};

struct SigningScope {
  std::string region;
  std::string service;
  std::string time;  // as in x-amz-date
};

struct Signature {
  std::string canonical_request;  // for tests and for nobody else: holds the session token
  std::string string_to_sign;
  std::string authorization;  // the value of the header
};

// "20150830T123600Z" of seconds since the Unix epoch.
[[nodiscard]] std::string AmzTime(std::int64_t epoch_s);

// Percent-encodes all but A-Z a-z 0-9 - . _ ~ and, where kept, "/".
enum class Slash : bool { kEncode, kKeep };
[[nodiscard]] std::string UriEncode(std::string_view text, Slash slash);

// The path is normalised (no "." and "..", no empty segments) and encoded once more, as every
// service but S3 has it.
[[nodiscard]] Result<Signature> SignV4(const SignedRequest& request, const SigningScope& scope,
                                       std::string_view access_key_id, std::string_view secret_key);

}  // namespace assay::embed::internal
