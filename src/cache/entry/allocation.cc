#include <cstdlib>

#include <malloc.h>

#include "entry/allocation_internal.h"

namespace assay::cache {

void* AllocateLines(std::size_t size_bytes) noexcept {
  const std::size_t lines = (size_bytes + kCacheLineBytes - 1) / kCacheLineBytes;
  return std::aligned_alloc(kCacheLineBytes, lines * kCacheLineBytes);
}

void FreeLines(void* memory, std::size_t) noexcept {
  std::free(memory);
}

std::size_t FootprintOf(const void* memory, std::size_t) noexcept {
  return ::malloc_usable_size(const_cast<void*>(memory)) + sizeof(void*);
}

}  // namespace assay::cache
