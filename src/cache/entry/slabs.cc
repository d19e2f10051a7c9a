#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>

#include "entry/slabs_internal.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace assay::cache {
namespace {

void* MapChunk(std::size_t size_bytes) noexcept {
#if defined(__linux__)
  // Twice as much, so that an aligned part is in it; what lies around that part goes back.
  void* whole = ::mmap(nullptr, 2 * size_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (whole == MAP_FAILED) return nullptr;
  char* begin = static_cast<char*>(whole);
  const std::size_t before =
      (size_bytes - reinterpret_cast<std::uintptr_t>(begin) % size_bytes) % size_bytes;
  if (before != 0) ::munmap(begin, before);
  ::munmap(begin + before + size_bytes, size_bytes - before);
  ::madvise(begin + before, size_bytes, MADV_HUGEPAGE);  // a wish; small pages do as well
  return begin + before;
#else
  return std::aligned_alloc(size_bytes, size_bytes);
#endif
}

void UnmapChunk(void* chunk, [[maybe_unused]] std::size_t size_bytes) noexcept {
#if defined(__linux__)
  ::munmap(chunk, size_bytes);
#else
  std::free(chunk);
#endif
}

}  // namespace

void Slabs::List::Add(Slab* slab) noexcept {
  slab->previous = nullptr;
  slab->next = first;
  if (first != nullptr) first->previous = slab;
  first = slab;
}

void Slabs::List::Remove(Slab* slab) noexcept {
  (slab->previous == nullptr ? first : slab->previous->next) = slab->next;
  if (slab->next != nullptr) slab->next->previous = slab->previous;
}

std::size_t Slabs::ClassOf(std::size_t size_bytes) noexcept {
  const std::size_t lines = std::max<std::size_t>((size_bytes + kLine - 1) / kLine, 1);
  if (lines <= 16) return lines - 1;
  // 17 to 32 lines in steps of 2, 33 to 64 in steps of 4, 65 to 128 in steps of 8.
  const auto doubling = static_cast<std::size_t>(std::bit_width(lines - 1)) - 5;
  return 16 + doubling * 8 + (((lines - 1) >> (doubling + 1)) - 8);
}

std::size_t Slabs::BytesOf(std::size_t size_class) noexcept {
  if (size_class < 16) return (size_class + 1) * kLine;
  const std::size_t doubling = (size_class - 16) / 8;
  return ((size_class % 8 + 9) << (doubling + 1)) * kLine;
}

std::uint32_t Slabs::BlocksOf(std::size_t size_class) noexcept {
  return static_cast<std::uint32_t>((kSlabBytes - sizeof(Slab)) / BytesOf(size_class));
}

std::size_t Slabs::FootprintOf(std::size_t size_bytes) noexcept {
  return kSlabBytes / BlocksOf(ClassOf(size_bytes));
}

std::size_t Slabs::size_bytes() const noexcept {
  const std::scoped_lock lock(mutex_);
  return chunks_ * kChunkBytes;
}

Slabs::Slab* Slabs::ChunkOf(Slab* slab) noexcept {
  return reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(slab) & ~(kChunkBytes - 1));
}

bool Slabs::AddChunk() noexcept {
  void* chunk = MapChunk(kChunkBytes);
  if (chunk == nullptr) return false;
  ++chunks_;
  ++empty_chunks_;
  for (std::size_t i = kSlabsOfChunk; i-- > 0;) {
    empty_.Add(new (static_cast<char*>(chunk) + i * kSlabBytes) Slab());
  }
  return true;
}

void* Slabs::Allocate(std::size_t size_bytes) noexcept {
  const std::size_t size_class = ClassOf(size_bytes);
  const std::scoped_lock lock(mutex_);
  List& partial = partial_[size_class];
  if (partial.first == nullptr) {
    if (empty_.first == nullptr && !AddChunk()) return nullptr;
    Slab* fresh = empty_.first;
    empty_.Remove(fresh);
    fresh->free = nullptr;
    fresh->used = fresh->cut = 0;
    fresh->size_class = static_cast<std::uint32_t>(size_class);
    if (ChunkOf(fresh)->chunk_used++ == 0) --empty_chunks_;
    partial.Add(fresh);
  }
  Slab* slab = partial.first;
  void* block = slab->free;
  if (block != nullptr) {
    slab->free = slab->free->next;
  } else {
    block = reinterpret_cast<char*>(slab + 1) + slab->cut++ * BytesOf(size_class);
  }
  if (++slab->used == BlocksOf(size_class)) partial.Remove(slab);
  return block;
}

void Slabs::Free(void* block) noexcept {
  const std::scoped_lock lock(mutex_);
  auto* slab = reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(block) & ~(kSlabBytes - 1));
  List& partial = partial_[slab->size_class];
  if (slab->used == BlocksOf(slab->size_class)) partial.Add(slab);
  slab->free = new (block) Block{slab->free};
  if (--slab->used != 0) return;
  partial.Remove(slab);
  GiveBack(slab);
}

void Slabs::GiveBack(Slab* slab) noexcept {
  empty_.Add(slab);
  Slab* chunk = ChunkOf(slab);
  if (--chunk->chunk_used != 0 || ++empty_chunks_ <= 1) return;
  --empty_chunks_;
  --chunks_;
  for (std::size_t i = 0; i < kSlabsOfChunk; ++i) {
    empty_.Remove(reinterpret_cast<Slab*>(reinterpret_cast<char*>(chunk) + i * kSlabBytes));
  }
  UnmapChunk(chunk, kChunkBytes);
}

}  // namespace assay::cache
