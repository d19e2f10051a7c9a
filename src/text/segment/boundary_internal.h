// Decides whether a terminator ends a sentence. Works on one block of text (see BlockReader).
#pragma once
#include <cstddef>
#include <string_view>

namespace assay::text::segment {

// The first sentence end after `from` in the block [from, end) of `text`, where a sentence starts
// at `from`: the offset after its terminator and closing quotes and brackets; `end` where the rest
// is one sentence. Looks at most kWindow bytes around a terminator, so a block costs O(n).
[[nodiscard]] std::size_t NextBoundary(std::string_view text, std::size_t from, std::size_t end);

inline constexpr std::size_t kWindow = 240;  // longest bracket or code span kept whole, in bytes

}  // namespace assay::text::segment
