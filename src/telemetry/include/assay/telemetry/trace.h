// assay/telemetry/trace.h: W3C Trace Context (level 1) and the spans of one exchange.
// Room: telemetry (uses core).  Threads: plain values.
// Source: https://www.w3.org/TR/trace-context-1/
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/clock.h"

namespace assay::telemetry {

inline constexpr std::size_t kTraceparentLength = 55;  // "00-" 32 hex "-" 16 hex "-" 2 hex

// Who called, and in which trace.
struct TraceContext {
  std::array<std::uint8_t, 16> trace_id{};  // not all zero
  std::array<std::uint8_t, 8> span_id{};    // of the span that is open here; not all zero
  bool sampled = true;

  // Reads a `traceparent` header as section 3.2 says: lower-case hex only, version ff refused,
  // later versions read by their first 55 bytes. Nothing when it is not valid: start a new trace
  // then.
  [[nodiscard]] static std::optional<TraceContext> Parse(std::string_view traceparent);

  // A new trace.
  [[nodiscard]] static TraceContext NewRoot(core::Rng& rng);
  // The same trace with a new span.
  [[nodiscard]] TraceContext Child(core::Rng& rng) const;

  // The header, version 00.
  [[nodiscard]] std::string Traceparent() const;
  [[nodiscard]] std::string TraceIdHex() const;
  [[nodiscard]] std::string SpanIdHex() const;
};

// Several `tracestate` headers joined into the one to send on: at most 32 members and 512 bytes,
// whole members dropped from the end. Empty when it is not valid (section 3.3).
[[nodiscard]] std::string JoinTracestate(std::span<const std::string_view> headers);

// One stage of an exchange. Names and details are literals or outlive the trace.
struct Span {
  std::string_view name;
  std::int64_t start_ns = 0;  // since the exchange began
  std::int64_t end_ns = 0;
  std::string_view detail;  // "hit", "refused: budget", ...; never text of the client's
};

// The spans of one exchange, in the order in which they began; never allocates. Spans beyond
// kMaxSpans are counted, not kept.
class SpanList {
 public:
  static constexpr std::size_t kMaxSpans = 16;  // stages of design.md section 1, twice over

  void Add(const Span& span) {
    if (size_ < kMaxSpans) {
      spans_[size_++] = span;
    } else {
      ++dropped_;
    }
  }
  [[nodiscard]] std::span<const Span> spans() const { return {spans_.data(), size_}; }
  [[nodiscard]] std::uint32_t dropped() const { return dropped_; }

 private:
  std::array<Span, kMaxSpans> spans_;
  std::size_t size_ = 0;
  std::uint32_t dropped_ = 0;
};

}  // namespace assay::telemetry
