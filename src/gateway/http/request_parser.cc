#include <algorithm>
#include <charconv>
#include <cstring>

#include "assay/gateway/http_message.h"

#include "http/field_bytes_internal.h"
#include "request_parser_internal.h"
namespace assay::gateway {
namespace {

constexpr std::size_t kMaxChunkLineBytes = 256;  // sizes have at most 16 digits; extensions are few
constexpr std::size_t kMaxTrailerBytes = 8 << 10;

enum CharKind : std::uint8_t { kBad = 0, kTokenByte = 1, kTargetByte = 2 };

constexpr bool IsTokenPunctuation(char c) {
  constexpr std::string_view kPunctuation = "!#$%&'*+-.^_`|~";
  return kPunctuation.find(c) != std::string_view::npos;
}

constexpr std::array<std::uint8_t, 256> MakeKinds() {
  std::array<std::uint8_t, 256> kinds{};
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool alphanumeric =
        (i >= '0' && i <= '9') || (i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z');
    std::uint8_t kind = kBad;
    if (alphanumeric || IsTokenPunctuation(c)) kind |= kTokenByte;
    if (i > 0x20 && i < 0x7F) kind |= kTargetByte;
    kinds[static_cast<std::size_t>(i)] = kind;
  }
  return kinds;
}
constexpr std::array<std::uint8_t, 256> kKinds = MakeKinds();

bool AllAre(std::string_view text, CharKind kind) {
  std::uint8_t common = 0xFF;
  for (const char c : text) common &= kKinds[static_cast<unsigned char>(c)];
  return text.empty() || (common & kind) != 0;
}

constexpr ParseError Bad(std::string_view code, std::string_view message) {
  return ParseError{.status = 400, .code = code, .message = message};
}

// The place after the empty line that ends a head, or npos. `from`: where to begin.
std::size_t FindHeadEnd(std::string_view bytes, std::size_t from) {
  const std::size_t place = bytes.find("\r\n\r\n", from);
  return place == std::string_view::npos ? place : place + 4;
}

ParseError ParseTarget(RequestView& request) {
  std::string_view target = request.target;
  if (target.empty() || !AllAre(target, kTargetByte)) {
    return Bad("bad_request_line", "The request target has bytes that are not allowed in a URL.");
  }
  if (!target.starts_with('/')) {
    const std::size_t scheme = target.find("://");  // absolute form (RFC 9112, 3.2.2)
    if (scheme != std::string_view::npos) {
      const std::size_t slash = target.find('/', scheme + 3);
      target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    } else if (target != "*" || request.method != "OPTIONS") {
      return Bad("bad_request_line", "The request target must be a path that begins with '/'.");
    }
  }
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  request.query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  return {};
}

ParseError ParseRequestLine(std::string_view line, RequestView& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return Bad("bad_request_line", "The request line must be 'METHOD TARGET HTTP/1.1'.");
  }
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (request.method.empty() || !AllAre(request.method, kTokenByte)) {
    return Bad("bad_request_line", "The method has bytes that are not allowed.");
  }
  if (version == "HTTP/1.0") {
    request.http_1_0 = true;
    request.keep_alive = false;
  } else if (version != "HTTP/1.1") {
    if (version.starts_with("HTTP/") && version.size() == 8) {
      return ParseError{.status = 505,
                        .code = "http_version_not_supported",
                        .message = "This server speaks HTTP/1.1 and HTTP/1.0."};
    }
    return Bad("bad_request_line", "The request line must be 'METHOD TARGET HTTP/1.1'.");
  }
  return ParseTarget(request);
}

ParseError ReadContentLength(std::string_view value, RequestView& request) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (error != std::errc() || end != value.data() + value.size()) {
    return Bad("bad_content_length", "content-length is not a number.");
  }
  if (request.has_content_length && request.content_length != length) {
    return Bad("bad_content_length", "Two content-length fields disagree.");
  }
  request.has_content_length = true;
  request.content_length = length;
  return {};
}

void ReadConnection(std::string_view value, RequestView& request) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    std::string_view option = value.substr(0, comma);
    value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
    while (option.starts_with(' ') || option.starts_with('\t')) option.remove_prefix(1);
    while (option.ends_with(' ') || option.ends_with('\t')) option.remove_suffix(1);
    if (EqualsIgnoreCase(option, "close")) {
      request.keep_alive = false;
      return;  // close wins
    }
    if (EqualsIgnoreCase(option, "keep-alive")) request.keep_alive = true;
  }
}

ParseError ReadKnownField(const FieldView& field, RequestView& request) {
  const auto is = [&field](std::string_view name) { return EqualsIgnoreCase(field.name, name); };
  switch (field.name.size()) {
    case 4:
      if (is("host")) {
        if (!request.host.empty()) return Bad("bad_host", "The request has two host fields.");
        request.host = field.value;
      }
      break;
    case 6:
      if (is("expect")) {
        if (!EqualsIgnoreCase(field.value, "100-continue")) {
          return ParseError{.status = 417,
                            .code = "expectation_failed",
                            .message = "The only expectation known is 100-continue."};
        }
        request.expects_continue = true;
      }
      break;
    case 10:
      if (is("connection")) ReadConnection(field.value, request);
      break;
    case 11:
      if (is("traceparent")) request.traceparent = field.value;
      if (is("x-assay-ttl")) request.assay_ttl = field.value;
      break;
    case 12:
      if (is("x-request-id")) request.request_id = field.value;
      break;
    case 13:
      if (is("authorization")) request.authorization = field.value;
      if (is("cache-control")) request.cache_control = field.value;
      break;
    case 14:
      if (is("content-length")) return ReadContentLength(field.value, request);
      if (is("x-assay-tenant")) request.assay_tenant = field.value;
      break;
    case 16:
      if (is("content-encoding")) request.content_encoding = field.value;
      break;
    case 17:
      if (is("transfer-encoding")) {
        if (request.chunked || !EqualsIgnoreCase(field.value, "chunked")) {
          return ParseError{.status = 501,
                            .code = "transfer_encoding_not_supported",
                            .message = "The only transfer-encoding known is chunked."};
        }
        request.chunked = true;
      }
      break;
    default:
      break;
  }
  return {};
}

ParseError ParseField(std::string_view line, const ParseLimits& limits, RequestView& request) {
  if (line.front() == ' ' || line.front() == '\t') {
    return Bad("bad_header", "A header field is folded over two lines, which is obsolete.");
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0 || !AllAre(line.substr(0, colon), kTokenByte)) {
    return Bad("bad_header", "A header field is not of the form 'name: value'.");
  }
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
  while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
  if (!AllFieldBytes(value)) {
    return Bad("bad_header", "A header field's value has control characters.");
  }
  if (request.field_count >= std::min(limits.fields, kMaxFields)) {
    return ParseError{.status = 431,
                      .code = "too_many_headers",
                      .message = "The request has too many header fields."};
  }
  FieldView& field = request.field_store[request.field_count++];
  field = FieldView{.name = line.substr(0, colon), .value = value};
  return ReadKnownField(field, request);
}

// What only the whole head shows.
ParseError CheckWhole(const ParseLimits& limits, const RequestView& request) {
  if (request.chunked && (request.has_content_length || request.http_1_0)) {
    return Bad("bad_content_length",
               "transfer-encoding and content-length (or HTTP/1.0) exclude each other.");
  }
  if (!request.http_1_0 && request.host.data() == nullptr) {
    return Bad("bad_host", "An HTTP/1.1 request needs a host field.");
  }
  if (request.content_length > limits.body_bytes) {
    return ParseError{.status = 413,
                      .code = "body_too_large",
                      .message = "The request body is larger than this server allows."};
  }
  return {};
}

ParseError ParseLines(std::string_view head, const ParseLimits& limits, RequestView& request) {
  bool first = true;
  while (true) {
    const std::size_t end = head.find("\r\n");  // there is one: the head ends with an empty line
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    if (line.empty()) return CheckWhole(limits, request);
    const ParseError error =
        first ? ParseRequestLine(line, request) : ParseField(line, limits, request);
    if (error.status != 0) return error;
    first = false;
  }
}

void Reset(RequestView& request) {
  const std::size_t used = request.field_count;
  std::fill_n(request.field_store.begin(), used, FieldView{});
  request.field_count = 0;
  request.http_1_0 = request.chunked = request.expects_continue = false;
  request.has_content_length = false;
  request.keep_alive = true;
  request.content_length = 0;
  request.method = request.target = request.path = request.query = request.body = {};
  request.host = request.authorization = request.cache_control = request.content_encoding = {};
  request.traceparent = request.request_id = request.assay_tenant = request.assay_ttl = {};
}

}  // namespace

HeadResult ParseHead(std::string_view bytes, std::size_t searched, const ParseLimits& limits,
                     RequestView& request) {
  HeadResult result;
  std::size_t begin = 0;
  while (begin + 2 <= bytes.size() && bytes.substr(begin, 2) == "\r\n") begin += 2;
  const std::size_t end = FindHeadEnd(bytes, std::max(begin, searched < 3 ? 0 : searched - 3));
  if (end == std::string_view::npos ? bytes.size() > limits.head_bytes : end > limits.head_bytes) {
    result.status = HeadStatus::kRefused;
    result.error =
        ParseError{.status = 431,
                   .code = "headers_too_large",
                   .message = "The request's headers are larger than this server allows."};
    return result;
  }
  if (end == std::string_view::npos) {
    // A first line that is not HTTP is refused before it grows: somebody speaks TLS or nonsense.
    if (begin < bytes.size() &&
        (kKinds[static_cast<unsigned char>(bytes[begin])] & kTokenByte) == 0 &&
        bytes[begin] != '\r') {
      result.status = HeadStatus::kRefused;
      result.error = Bad("bad_request_line", "This is not an HTTP request.");
    }
    return result;
  }
  Reset(request);
  result.error = ParseLines(bytes.substr(begin, end - begin), limits, request);
  result.status = result.error.status == 0 ? HeadStatus::kComplete : HeadStatus::kRefused;
  result.head_bytes = end;
  return result;
}

void ChunkDecoder::Refuse(int status, std::string_view code, std::string_view message) {
  state_ = State::kRefused;
  error_ = ParseError{.status = status, .code = code, .message = message};
}

void ChunkDecoder::EndSizeLine(const ParseLimits& limits, std::size_t body_bytes) {
  std::string_view digits = line_;
  digits.remove_suffix(1);                      // the CR
  digits = digits.substr(0, digits.find(';'));  // extensions are not for us
  while (digits.ends_with(' ') || digits.ends_with('\t')) digits.remove_suffix(1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), left_bytes_, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return Refuse(400, "bad_chunk", "The size of a chunk is not a hexadecimal number.");
  }
  if (left_bytes_ > limits.body_bytes - std::min(limits.body_bytes, body_bytes)) {
    return Refuse(413, "body_too_large", "The request body is larger than this server allows.");
  }
  line_.clear();
  state_ = left_bytes_ == 0 ? State::kTrailer : State::kData;
}

void ChunkDecoder::EndTrailerLine() {
  const bool empty = line_ == "\r";
  line_.clear();
  if (empty) state_ = State::kDone;
}

std::size_t ChunkDecoder::Feed(std::string_view bytes, const ParseLimits& limits,
                               std::string& body) {
  std::size_t taken = 0;
  while (taken < bytes.size() && state_ != State::kDone && state_ != State::kRefused) {
    if (state_ == State::kData) {
      const std::size_t part =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_bytes_, bytes.size() - taken));
      body.append(bytes.substr(taken, part));
      taken += part;
      left_bytes_ -= part;
      if (left_bytes_ == 0) state_ = State::kDataEnd;
      continue;
    }
    const char c = bytes[taken++];
    if (c != '\n') {
      line_ += c;
      if (state_ == State::kDataEnd && line_ != "\r") {
        Refuse(400, "bad_chunk", "A chunk is longer than its size says.");
        break;
      }
      if (state_ == State::kTrailer && ++trailer_bytes_ > kMaxTrailerBytes) {
        Refuse(431, "headers_too_large", "The trailer fields are too large.");
      } else if (state_ != State::kTrailer && line_.size() > kMaxChunkLineBytes) {
        Refuse(400, "bad_chunk", "The size line of a chunk is too long.");
      }
      continue;
    }
    if (!line_.ends_with('\r')) {
      Refuse(400, "bad_chunk", "A line of the chunked body does not end with CR LF.");
    } else if (state_ == State::kSize) {
      EndSizeLine(limits, body.size());
    } else if (state_ == State::kTrailer) {
      EndTrailerLine();
    } else {
      line_.clear();
      state_ = State::kSize;
    }
  }
  return taken;
}

}  // namespace assay::gateway
