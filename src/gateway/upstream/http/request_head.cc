#include "upstream/http/request_head.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

#include "http/field_bytes_internal.h"

namespace assay::gateway {
namespace {

bool VisibleByte(char c) {
  return c > ' ' && c < '\x7f';
}

constexpr std::array<std::string_view, 9> kOwnFields = {
    "host",          "connection",  "content-length", "content-type",   "transfer-encoding",
    "authorization", "traceparent", "x-request-id",   "accept-encoding"};

std::string LowerOf(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

void AppendField(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty() || !AllFieldBytes(value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

Result<RequestHead> RequestHead::Make(
    const UpstreamUrl& url, std::string_view api_key,
    const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string fields = fmt::format(
      " HTTP/1.1\r\nhost: {}\r\nuser-agent: assay\r\naccept: application/json, "
      "text/event-stream\r\n"
      "accept-encoding: identity\r\n",
      url.authority);
  for (const auto& [name, value] : headers) {
    const std::string lower = LowerOf(name);
    const bool token = !name.empty() && std::ranges::all_of(name, [](char c) {
      return VisibleByte(c) &&
             std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
    });
    if (!token || !AllFieldBytes(value) ||
        std::ranges::find(kOwnFields, lower) != kOwnFields.end()) {
      return Fail(
          Code::kInvalidArgument,
          fmt::format("upstream header '{}' cannot be set: its name or value is not allowed",
                      name));
    }
    AppendField(fields, name, value);
  }
  if (!std::ranges::all_of(api_key, VisibleByte)) {
    crypto::Wipe(fields);
    return Fail(Code::kInvalidArgument, "the upstream's key holds a space or control character");
  }
  RequestHead head;
  head.prefix_ = url.prefix;
  constexpr std::string_view kBearer = "authorization: Bearer ";
  if (api_key.empty()) {
    head.fields_ = crypto::SecretString::Copy(fields);
    return head;
  }
  head.fields_ = crypto::SecretString(fields.size() + kBearer.size() + api_key.size() + 2);
  auto out = std::ranges::copy(fields, head.fields_.span().begin()).out;
  out = std::ranges::copy(kBearer, out).out;
  out = std::ranges::copy(api_key, out).out;
  std::ranges::copy(std::string_view("\r\n"), out);
  return head;
}

void RequestHead::Append(std::string& out, const UpstreamRequest& request,
                         std::size_t body_bytes) const {
  const auto bad = std::ranges::find_if_not(request.path, VisibleByte);
  const std::string_view path =
      request.path.substr(0, static_cast<std::size_t>(bad - request.path.begin()));
  constexpr std::size_t kOwnBytes = 192;  // what the fields below usually take
  out.reserve(out.size() + request.method.size() + prefix_.size() + path.size() + fields_.size() +
              kOwnBytes);
  out.append(request.method).append(" ").append(prefix_).append(path).append(fields_.view());
  AppendField(out, "traceparent", request.traceparent);
  AppendField(out, "x-request-id", request.request_id);
  if (body_bytes > 0 || request.method == "POST") {
    out.append("content-type: application/json\r\ncontent-length: ");
    fmt::format_to(std::back_inserter(out), "{}", body_bytes);
    out.append("\r\n");
  }
  out.append("\r\n");
}

void AppendJsonString(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

}  // namespace assay::gateway
