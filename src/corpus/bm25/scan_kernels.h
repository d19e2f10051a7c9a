// SIMD scan of a window of score sums.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::corpus {

// Writes position and value of each sum above `threshold` to `out` and `out_sums` (room for
// `count` + 1 each), positions rising; sets all sums to zero; returns how many there are.
// Requires: `count` is a multiple of 64; `sums` is aligned to 64 bytes.
std::size_t TakeAbove(std::uint32_t* sums, std::size_t count, std::uint32_t threshold,
                      std::uint32_t* out, std::uint32_t* out_sums);

}  // namespace assay::corpus
