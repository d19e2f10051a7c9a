// sse/reader.h: reads an event stream that comes in pieces.
// Room: gateway (private).  Threads: one at a time.
// Source: WHATWG HTML, 9.2.6 "Interpreting an event stream", except that bytes are taken as they
// are (no UTF-8 replacement) and `retry` is ignored.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::gateway {

struct SseEvent {
  std::string_view type;  // "message" unless the stream names another
  std::string_view data;  // lines joined by '\n'
  std::string_view id;    // the last one seen
};

// Events longer than this are refused: one token is some hundred bytes, an image part some
// megabytes.
inline constexpr std::size_t kMaxSseEventBytes = 8UL << 20;

class SseReader {
 public:
  // Called for each event; its views are valid during the call. `end` is the number of bytes of
  // this Feed() up to and including the event's blank line. Returns whether to go on.
  using Handler = std::function<bool(const SseEvent& event, std::size_t end)>;

  explicit SseReader(std::size_t max_event_bytes = kMaxSseEventBytes)
      : max_event_bytes_(max_event_bytes) {}

  // Takes the next piece. The events are the same however the stream is cut. An event that the
  // stream's end cuts off is never reported. Returns the bytes taken: all, unless the handler said
  // stop; the rest can be fed again. Errors: kOutOfRange when an event is too long; the reader must
  // not be fed after that.
  [[nodiscard]] Result<std::size_t> Feed(std::string_view bytes, const Handler& handler);

  // True when the bytes so far end at the end of an event (or there were none): here something may
  // be put between.
  [[nodiscard]] bool at_boundary() const { return line_.empty() && !has_data_ && !in_event_; }

 private:
  enum class After : std::uint8_t { kGoOn, kStop, kTooLong };
  After Line(std::string_view line, std::size_t end, const Handler& handler);
  After Dispatch(std::size_t end, const Handler& handler);

  std::size_t max_event_bytes_;
  std::string line_;  // the begun line
  std::string data_;
  std::string type_;
  std::string id_;
  bool has_data_ = false;
  bool in_event_ = false;  // a field of an event was seen
  bool after_cr_ = false;  // the last byte was '\r': a '\n' now belongs to it
  bool started_ = false;   // the byte order mark was looked for
};

}  // namespace assay::gateway
