// assay/gateway/http_message.h: an HTTP request and its answer, free of sockets.
// Room: gateway (uses core).  Threads: plain values.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/result.h"

namespace assay::gateway {

// Header fields in the order in which they came. Names compare without regard to ASCII case
// (RFC 9110, 5.1). A request has few fields, so all of it is linear.
class HttpHeaders {
 public:
  struct Field {
    std::string name;
    std::string value;
  };

  HttpHeaders() = default;
  HttpHeaders(std::initializer_list<Field> fields) : fields_(fields) {}

  // The first field of that name; empty when there is none.
  [[nodiscard]] std::string_view Get(std::string_view name) const;
  [[nodiscard]] bool Has(std::string_view name) const;
  void Add(std::string name, std::string value);
  // Replaces all fields of that name by one.
  void Set(std::string_view name, std::string value);
  void Remove(std::string_view name);

  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

struct HttpRequest {
  std::string method;  // "GET", as sent
  std::string path;    // "/v1/keys/7", percent-decoded, without the query
  std::string query;   // "limit=10&model=gpt", as sent, without '?'
  HttpHeaders headers;
  std::string body;
  std::string peer;        // "127.0.0.1:52114"
  std::string request_id;  // sent by the client in x-request-id, or made by the server

  // Who asks, filled by authentication before a handler sees the request; empty without keys.
  std::string key_id;
  std::string tenant;

  // Values of the {names} of the route's pattern, filled by the router.
  std::vector<std::pair<std::string, std::string>> path_parameters;

  // "" when the pattern has no such name.
  [[nodiscard]] std::string_view PathParameter(std::string_view name) const;
  // The first query parameter of that name, percent-decoded ('+' is a space); nullopt when absent.
  [[nodiscard]] std::optional<std::string> QueryParameter(std::string_view name) const;
};

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";  // empty: no content-type (204, 304)
  HttpHeaders headers;  // besides content-type, content-length, date, connection, x-request-id
  std::string body;

  [[nodiscard]] static HttpReply Json(std::string body, int status = 200);
  [[nodiscard]] static HttpReply Text(std::string body, int status = 200);
};

// An error as OpenAI's clients expect it: {"error":{"message","type","param","code"}}.
struct ApiError {
  int status = 500;
  std::string_view type = "server_error";  // "invalid_request_error", "authentication_error", ...
  std::string code = {};                   // "model_not_found"; null in the JSON when empty
  std::string param = {};                  // the field that is wrong; null in the JSON when empty
  std::string message = {};
  int retry_after_s = 0;  // 0: no retry-after header
};

[[nodiscard]] HttpReply ErrorReply(const ApiError& error);
// The code's HTTP status from core::kCodeTable, its name as `code`, its message.
[[nodiscard]] HttpReply ErrorReply(const Error& error);
[[nodiscard]] std::string ErrorJson(const ApiError& error);
// OpenAI's `type` that goes with an HTTP status.
[[nodiscard]] std::string_view ErrorTypeOf(int http_status);

// "Not Found"; "Unknown" for a status outside the registry.
[[nodiscard]] std::string_view ReasonPhrase(int http_status);

// Percent-decoding of a path or a query value. nullopt for a broken escape.
[[nodiscard]] std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);

// Compares ASCII letters without regard to case.
[[nodiscard]] bool EqualsIgnoreCase(std::string_view a, std::string_view b);

}  // namespace assay::gateway
