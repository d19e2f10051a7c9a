// The head of an HTTP/1.1 request, and bodies in chunks, without copying and without sockets.
// Method: one pass over the lines of RFC 9112; strict where leniency lets requests be smuggled
// (bare LF, folded lines, two lengths, a length beside chunks, space before a colon).
// Threads: pure functions; a ChunkDecoder belongs to one thread.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace assay::gateway {

struct ParseLimits {
  std::size_t head_bytes = 32 << 10;  // request line and fields
  std::size_t fields = 100;           // at most kMaxFields
  std::size_t body_bytes = 4 << 20;
};
inline constexpr std::size_t kMaxFields = 128;

// Why a request is refused; `code` is for programs, `message` for people.
struct ParseError {
  int status = 0;  // 0: no error
  std::string_view code;
  std::string_view message;
};

struct FieldView {
  std::string_view name;
  std::string_view value;  // without surrounding blanks
};

// Views into the bytes that were parsed.
struct RequestView {
  std::string_view method;
  std::string_view target;  // as sent
  std::string_view path;    // still encoded
  std::string_view query;   // without '?'
  bool http_1_0 = false;
  bool keep_alive = true;
  bool chunked = false;
  bool expects_continue = false;
  bool has_content_length = false;
  std::uint64_t content_length = 0;
  std::string_view body;  // filled by the connection
  // Fields that the gateway itself reads; empty when absent.
  std::string_view host;
  std::string_view authorization;
  std::string_view cache_control;
  std::string_view content_encoding;
  std::string_view traceparent;
  std::string_view request_id;
  std::string_view assay_tenant;
  std::string_view assay_ttl;

  [[nodiscard]] std::span<const FieldView> fields() const {
    return std::span(field_store).first(field_count);
  }
  std::array<FieldView, kMaxFields> field_store;
  std::size_t field_count = 0;
};

enum class HeadStatus : std::uint8_t { kNeedMore, kComplete, kRefused };

struct HeadResult {
  HeadStatus status = HeadStatus::kNeedMore;
  std::size_t head_bytes = 0;  // where the body begins, when complete
  ParseError error;            // when refused
};

// Parses the head at the front of `bytes`. `searched` bytes are known to hold no end of a head
// (pass what was there at the last kNeedMore), so a head that trickles in costs linear time.
// Empty lines in front are skipped (RFC 9112, 2.2).
[[nodiscard]] HeadResult ParseHead(std::string_view bytes, std::size_t searched,
                                   const ParseLimits& limits, RequestView& request);

// Decodes "Transfer-Encoding: chunked" as it comes in. Trailer fields are dropped.
class ChunkDecoder {
 public:
  enum class State : std::uint8_t { kSize, kData, kDataEnd, kTrailer, kDone, kRefused };

  // Takes bytes from the front of `bytes`, appends what they carry to `body`, and returns how many
  // it took: all, unless the body ends inside them or is refused.
  std::size_t Feed(std::string_view bytes, const ParseLimits& limits, std::string& body);

  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  [[nodiscard]] bool refused() const { return state_ == State::kRefused; }
  [[nodiscard]] const ParseError& error() const { return error_; }

 private:
  void Refuse(int status, std::string_view code, std::string_view message);
  void EndSizeLine(const ParseLimits& limits, std::size_t body_bytes);
  void EndTrailerLine();

  State state_ = State::kSize;
  std::string line_;  // of a size or a trailer, until it is whole
  std::size_t trailer_bytes_ = 0;
  std::uint64_t left_bytes_ = 0;  // of the chunk
  ParseError error_;
};

}  // namespace assay::gateway
