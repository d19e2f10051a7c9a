// Blocks of a few sizes on huge pages: where entries live.
//
// Look-ups go to random entries, and with pages of 4 KiB nearly each of them would first wait for
// the page tables. Chunks of 2 MiB, for which the system is asked to use a huge page, are cut into
// slabs of 64 KiB, each with blocks of one size (Bonwick, USENIX 1994). An empty slab serves any
// size again, so memory follows the sizes in use; of empty chunks one is kept, the others go back
// to the system. Threads: safe, one lock; it is taken once for an entry that is made and once for
// one that goes.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace assay::cache {

class Slabs {
 public:
  static constexpr std::size_t kMostBytes = 8192;  // of a block; larger ones are not for slabs

  // Aligned to 64 bytes; null when memory is out. Requires: size_bytes <= kMostBytes.
  [[nodiscard]] void* Allocate(std::size_t size_bytes) noexcept;
  void Free(void* block) noexcept;
  // What a block of this size takes, with its share of the slab's head and rest.
  [[nodiscard]] static std::size_t FootprintOf(std::size_t size_bytes) noexcept;
  // Of all chunks.
  [[nodiscard]] std::size_t size_bytes() const noexcept;

 private:
  static constexpr std::size_t kChunkBytes = std::size_t{2} << 20;
  static constexpr std::size_t kSlabBytes = std::size_t{64} << 10;
  static constexpr std::size_t kSlabsOfChunk = kChunkBytes / kSlabBytes;
  static constexpr std::size_t kLine = 64;
  static constexpr std::size_t kClasses = 16 + 3 * 8;  // by lines up to 1 KiB, then 8 a doubling

  struct Block {
    Block* next;
  };
  struct alignas(kLine) Slab {
    Slab* next = nullptr;
    Slab* previous = nullptr;
    Block* free = nullptr;
    std::uint32_t used = 0;        // blocks
    std::uint32_t cut = 0;         // blocks that were ever handed out; the others are untouched
    std::uint32_t size_class = 0;  // while it is used
    std::uint32_t chunk_used = 0;  // in a chunk's first slab: slabs of the chunk in use
  };
  static_assert(sizeof(Slab) == kLine);
  struct List {
    Slab* first = nullptr;
    void Add(Slab* slab) noexcept;
    void Remove(Slab* slab) noexcept;
  };

  [[nodiscard]] static std::size_t ClassOf(std::size_t size_bytes) noexcept;
  [[nodiscard]] static std::size_t BytesOf(std::size_t size_class) noexcept;
  [[nodiscard]] static std::uint32_t BlocksOf(std::size_t size_class) noexcept;
  [[nodiscard]] static Slab* ChunkOf(Slab* slab) noexcept;
  [[nodiscard]] bool AddChunk() noexcept;
  void GiveBack(Slab* slab) noexcept;

  mutable std::mutex mutex_;              // guards all below
  List empty_;                            // slabs of no class
  std::array<List, kClasses> partial_{};  // slabs with room
  std::size_t chunks_ = 0;
  std::size_t empty_chunks_ = 0;
};

}  // namespace assay::cache
