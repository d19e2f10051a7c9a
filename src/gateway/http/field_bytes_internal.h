// What a field's value may hold (RFC 9110, 5.5). Threads: pure functions.
#pragma once
#include <cstdint>
#include <string_view>

namespace assay::gateway {

// Whether there is no control character but the tab. Written so that compilers look at many bytes
// at once.
[[nodiscard]] inline bool AllFieldBytes(std::string_view text) {
  std::uint8_t bad = 0;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    const bool control = byte < 0x20 && byte != '\t';
    bad |= static_cast<std::uint8_t>(control) | static_cast<std::uint8_t>(byte == 0x7F);
  }
  return bad == 0;
}

}  // namespace assay::gateway
