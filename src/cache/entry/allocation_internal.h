// Where entries and tables live: memory aligned to cache lines, entries of up to 8 KiB in slabs.
#pragma once
#include <cstddef>

namespace assay::cache {

inline constexpr std::size_t kCacheLineBytes = 64;

// Null when memory is out. Aligned to kCacheLineBytes.
[[nodiscard]] void* AllocateLines(std::size_t size_bytes) noexcept;
// `size_bytes` is what was asked for.
void FreeLines(void* memory, std::size_t size_bytes) noexcept;
// What the allocator set aside for it.
[[nodiscard]] std::size_t FootprintOf(const void* memory, std::size_t size_bytes) noexcept;

}  // namespace assay::cache
