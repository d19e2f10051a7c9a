// Counts of bits that a row's code shares with a query, by the widest instructions of this CPU.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::vector::internal {

inline constexpr std::size_t kQueryPlanes = 8;

// sums[r] = sum over planes p of 2^p * (number of bits that codes[r] and planes[p] share).
// Shapes: codes [rows * words], planes [kQueryPlanes * words], sums [rows].
void SharedBits(const std::uint64_t* codes, const std::uint64_t* planes, std::size_t rows,
                std::size_t words, std::uint32_t* sums);

}  // namespace assay::vector::internal
