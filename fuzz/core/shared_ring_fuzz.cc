// Reads arbitrary bytes as the memory of a shared channel's ring: every frame must lie inside it,
// and the walk must end, whatever the other side has written.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "shared/ring_internal.h"

namespace internal = assay::core::internal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kRingBytes = 128;
  std::array<char, kRingBytes> ring{};
  std::uint64_t written = 0;
  if (size < sizeof(written)) return 0;
  std::memcpy(&written, data, sizeof(written));
  size -= sizeof(written);
  if (size > 0)
    std::memcpy(ring.data(), data + sizeof(written), size < kRingBytes ? size : kRingBytes);

  internal::RingPositions positions{};
  positions.written.store(written);
  internal::RingReader reader(positions, ring);
  std::size_t frames = 0;
  while (true) {
    const auto front = reader.Front();
    if (!front || !*front) break;
    const std::string_view frame = **front;
    if (frame.size() > internal::MaxFrameBytes(kRingBytes)) std::abort();
    if (frame.data() < ring.data() || frame.data() + frame.size() > ring.data() + kRingBytes) {
      std::abort();
    }
    reader.Pop();
    if (++frames > kRingBytes / internal::kFrameHeadBytes) std::abort();
  }
  return 0;
}
