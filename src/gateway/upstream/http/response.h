// upstream/http/response.h: reads HTTP/1.1 answers from bytes that come in pieces.
// Room: gateway (private).  Threads: pure functions; a decoder belongs to one thread at a time.
// Source: RFC 9112, 4 to 7.  Method: one pass over the head; the body is decoded in place.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "assay/core/result.h"

namespace assay::gateway {

// Servers send some hundred bytes; cookies and policies can make it some kilobytes. As large as a
// read buffer.
inline constexpr std::size_t kMaxResponseHeadBytes = 16UL << 10;

// Views point into the bytes that were parsed.
struct ResponseHead {
  int status = 0;                    // 100..599
  std::size_t head_bytes = 0;        // the body begins here
  std::int64_t content_length = -1;  // -1 = not given
  bool chunked = false;
  bool keep_alive = true;  // what version and Connection say
  std::string_view content_type;
  std::string_view content_encoding;
  std::string_view retry_after;
  std::string_view retry_after_ms;
  std::string_view request_id;
};

// Parses the head at the front of `bytes`; nullopt when it is not whole yet.
// Errors: kDataLoss when this is no HTTP/1.x answer or its framing is contradictory; kOutOfRange
// for too long a head.
[[nodiscard]] Result<std::optional<ResponseHead>> ParseResponseHead(std::string_view bytes);

// Takes the framing off a body.
class BodyDecoder {
 public:
  struct Step {
    std::size_t taken = 0;       // bytes of the input that belong to this answer
    std::size_t body_bytes = 0;  // bytes of the body, moved to the front of the input
  };

  BodyDecoder() = default;
  // How RFC 9112, 6.3 says that the body of this answer ends (to a request that is not HEAD).
  explicit BodyDecoder(const ResponseHead& head);

  // Decodes in place. Takes everything unless the body ends before.
  // Errors: kDataLoss for a malformed chunk; the decoder must not be used after that.
  [[nodiscard]] Result<Step> Decode(std::span<char> bytes);

  // All of the body was seen.
  [[nodiscard]] bool done() const { return phase_ == Phase::kDone; }
  // Only the end of the connection ends the body.
  [[nodiscard]] bool until_close() const { return phase_ == Phase::kUntilClose; }

 private:
  enum class Phase : std::uint8_t {
    kLength,          // remaining_ bytes are left
    kChunkSize,       // in the digits of a chunk's size
    kChunkExtension,  // after them, up to the line's end
    kChunkData,       // remaining_ bytes of the chunk are left
    kChunkEnd,        // the line end after a chunk
    kTrailer,         // lines after the last chunk
    kUntilClose,
    kDone,
  };

  // One byte of the framing; false when it is malformed.
  bool Framing(char byte);
  bool SizeByte(char byte);
  void EndSizeLine();

  Phase phase_ = Phase::kDone;
  std::uint64_t remaining_ = 0;
  std::uint32_t digits_ = 0;       // of a chunk's size
  std::size_t line_bytes_ = 0;     // of the extension or trailer line
  std::size_t trailer_bytes_ = 0;  // of all trailers
  bool after_cr_ = false;
};

}  // namespace assay::gateway
