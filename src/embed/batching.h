// Cuts texts of different lengths into inference runs of like length.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::embed::internal {

inline constexpr std::size_t kMaxRunRows = 32;     // more rows a run are not faster
inline constexpr std::size_t kMaxRunTokens = 512;  // nor are more tokens, whatever the rows

// One inference: texts order[begin, begin + rows), each padded to `length` tokens.
struct Run {
  std::size_t begin = 0;
  std::size_t rows = 0;
  std::size_t length = 0;
};

struct Plan {
  std::vector<std::uint32_t> order;  // text indices
  std::vector<Run> runs;             // longest first
};

// The length to which a text is padded: a multiple of 2 up to 16, of 4 up to 32, of 8 up to 64, of
// 16 above, which wastes about 6% of the tokens and keeps the shapes few (each costs about 3 ms
// when it is first seen).
[[nodiscard]] std::size_t PaddedLength(std::size_t length);

// Groups the texts by padded length. A text's padding depends on its own length alone: another
// padding rounds the attention's sums differently, and quantised activations turn that last bit
// into differences of 2e-3. Texts of length 0 are left out. Time O(n log n).
// No padding reaches beyond `max_length`, the most that the network takes; no text may be longer.
[[nodiscard]] Plan PlanRuns(std::span<const std::uint32_t> lengths,
                            std::size_t max_length = static_cast<std::size_t>(-1));

}  // namespace assay::embed::internal
