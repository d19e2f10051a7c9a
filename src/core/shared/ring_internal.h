// A ring of frames in shared memory, between one writer and one reader (Lamport 1983). A frame lies
// in one piece: where it would pass the end of the ring, a skip frame fills the rest.
// Either side keeps its own position in private memory and believes only the other one's, after
// looking whether it is possible.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "assay/core/result.h"

#include "shared/bell_internal.h"

namespace assay::core::internal {

// Positions count bytes since the ring was empty. Lives in shared memory; zeros are an empty ring.
struct RingPositions {
  alignas(kSharedLine) std::atomic<std::uint64_t> written;
  alignas(kSharedLine) std::atomic<std::uint64_t> read;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

inline constexpr std::size_t kFrameHeadBytes = 8;  // the frame's bytes, as 64 bits
inline constexpr std::uint64_t kSkipFrame = ~std::uint64_t{0};

// The most that a frame may hold: half the ring, so that it fits wherever the positions are.
[[nodiscard]] constexpr std::size_t MaxFrameBytes(std::size_t ring_bytes) {
  return ring_bytes / 2 - kFrameHeadBytes;
}

class RingWriter {
 public:
  RingWriter() = default;
  // The ring must be empty. `ring` has a power of two bytes.
  RingWriter(RingPositions& positions, std::span<char> ring)
      : positions_(&positions), ring_(ring) {}

  // Room for a frame, nothing while the reader is too far behind.
  // Requires: bytes <= MaxFrameBytes. Errors: kDataLoss for an impossible position of the reader.
  [[nodiscard]] Result<std::optional<std::span<char>>> Reserve(std::size_t bytes);
  // Shows the reserved frame to the reader.
  void Commit();

 private:
  RingPositions* positions_ = nullptr;
  std::span<char> ring_;
  std::uint64_t written_ = 0;
  std::uint64_t reserved_ = 0;  // bytes behind written_, head and skipped end included
};

class RingReader {
 public:
  RingReader() = default;
  RingReader(RingPositions& positions, std::span<const char> ring)
      : positions_(&positions), ring_(ring) {}

  [[nodiscard]] bool empty() const {
    // Acquires the frame's bytes; partner: RingWriter::Commit.
    return positions_->written.load(std::memory_order_acquire) == read_;
  }
  // The oldest frame, nothing where there is none. Errors: kDataLoss for an impossible position or
  // size.
  [[nodiscard]] Result<std::optional<std::string_view>> Front();
  // Gives the room of the frame that Front() returned back to the writer.
  void Pop();

 private:
  RingPositions* positions_ = nullptr;
  std::span<const char> ring_;
  std::uint64_t read_ = 0;
  std::uint64_t front_ = 0;  // bytes of the frame that Front() returned, head included
};

}  // namespace assay::core::internal
