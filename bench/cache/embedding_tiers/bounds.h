// What no cache of so many rows can pass on a trace, whatever its policy.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::bench {

// A trace of `lookups` keys in [0, keys), key i drawn with a probability in proportion to
// 1 / (i + 1)^exponent (Zipf), the same for the same seed.
[[nodiscard]] std::vector<std::uint32_t> ZipfTrace(std::size_t lookups, std::size_t keys,
                                                   double exponent, std::uint64_t seed);

// The share of `trace` that the best fixed set of `rows` keys holds, chosen with hindsight: the
// most popular ones.
[[nodiscard]] double BestFixedShare(std::span<const std::uint32_t> trace, std::size_t keys,
                                    std::size_t rows);

// The share of hits of Belady's optimal policy (1966) with bypassing, which knows the future: a row
// that is asked for later than all that are held is not taken in. The first look-up of a key is a
// miss. O(n log rows).
[[nodiscard]] double BeladyShare(std::span<const std::uint32_t> trace, std::size_t keys,
                                 std::size_t rows);

}  // namespace assay::bench
