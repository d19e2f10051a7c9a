// Line ends of a buffer by SIMD; `ends` takes one entry for each.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace assay::logs::internal {

// Writes the offsets of all "\n" in order and returns how many. Requires: room for bytes.size().
std::size_t FindLineEnds(std::string_view bytes, std::uint32_t* ends);
[[nodiscard]] std::size_t CountLineEnds(std::string_view bytes);

}  // namespace assay::logs::internal
