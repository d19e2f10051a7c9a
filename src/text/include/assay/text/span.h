// assay/text/span.h: a byte range of a text, the coin of every reader of text.
// Room: text.  Threads: plain values.
#pragma once
#include <cstdint>
#include <string_view>

namespace assay::text {

// Bytes [begin, end) of some text of at most 4 GiB. Which text is said where the span is handed
// out.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  [[nodiscard]] constexpr std::uint32_t size_bytes() const { return end - begin; }
  [[nodiscard]] constexpr bool empty() const { return begin == end; }
  // The bytes themselves. Requires: end <= text.size().
  [[nodiscard]] constexpr std::string_view of(std::string_view text) const {
    return text.substr(begin, end - begin);
  }
  friend constexpr bool operator==(const Span&, const Span&) = default;
};

}  // namespace assay::text
