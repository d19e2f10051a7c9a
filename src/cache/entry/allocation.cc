#include <cstdlib>

#include <malloc.h>

#include "entry/allocation_internal.h"
#include "entry/slabs_internal.h"

namespace assay::cache {
namespace {

// The sanitizers must see every allocation.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kUseSlabs = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kUseSlabs = false;
#else
constexpr bool kUseSlabs = true;
#endif
#else
constexpr bool kUseSlabs = true;
#endif

// Never destroyed: entries may outlive static objects.
Slabs& TheSlabs() {
  static auto* slabs = new Slabs();
  return *slabs;
}

}  // namespace

void* AllocateLines(std::size_t size_bytes) noexcept {
  if (kUseSlabs && size_bytes <= Slabs::kMostBytes) return TheSlabs().Allocate(size_bytes);
  const std::size_t lines = (size_bytes + kCacheLineBytes - 1) / kCacheLineBytes;
  return std::aligned_alloc(kCacheLineBytes, lines * kCacheLineBytes);
}

void FreeLines(void* memory, std::size_t size_bytes) noexcept {
  if (kUseSlabs && size_bytes <= Slabs::kMostBytes) {
    TheSlabs().Free(memory);
  } else {
    std::free(memory);
  }
}

std::size_t FootprintOf(const void* memory, std::size_t size_bytes) noexcept {
  if (kUseSlabs && size_bytes <= Slabs::kMostBytes) return Slabs::FootprintOf(size_bytes);
  return ::malloc_usable_size(const_cast<void*>(memory)) + sizeof(void*);
}

}  // namespace assay::cache
