#include <cstring>

#include "assay/core/check.h"

#include "shared/ring_internal.h"

namespace assay::core::internal {
namespace {

std::uint64_t Padded(std::uint64_t bytes) {
  return (bytes + kFrameHeadBytes - 1) / kFrameHeadBytes * kFrameHeadBytes;
}

auto Damaged() {
  return Fail(Code::kDataLoss, "the other side of the shared memory has broken its form");
}

}  // namespace

Result<std::optional<std::span<char>>> RingWriter::Reserve(std::size_t bytes) {
  ASSAY_DCHECK(bytes <= MaxFrameBytes(ring_.size()));
  // Acquires the room; partner: RingReader::Pop.
  const std::uint64_t read = positions_->read.load(std::memory_order_acquire);
  if (read > written_ || written_ - read > ring_.size()) return Damaged();
  const std::uint64_t frame = kFrameHeadBytes + Padded(bytes);
  const std::uint64_t at = written_ & (ring_.size() - 1);
  const std::uint64_t to_end = ring_.size() - at;
  const std::uint64_t skipped = frame <= to_end ? 0 : to_end;
  if (written_ - read + skipped + frame > ring_.size()) return std::nullopt;
  if (skipped > 0) std::memcpy(ring_.data() + at, &kSkipFrame, kFrameHeadBytes);
  const std::uint64_t head = (at + skipped) & (ring_.size() - 1);
  const std::uint64_t size = bytes;
  std::memcpy(ring_.data() + head, &size, kFrameHeadBytes);
  reserved_ = skipped + frame;
  return ring_.subspan(head + kFrameHeadBytes, bytes);
}

void RingWriter::Commit() {
  written_ += reserved_;
  reserved_ = 0;
  // Releases the frame's bytes; partner: RingReader.
  positions_->written.store(written_, std::memory_order_release);
}

Result<std::optional<std::string_view>> RingReader::Front() {
  // Acquires the frame's bytes; partner: RingWriter::Commit.
  const std::uint64_t written = positions_->written.load(std::memory_order_acquire);
  if (written < read_ || written - read_ > ring_.size()) return Damaged();
  while (written != read_) {
    const std::uint64_t at = read_ & (ring_.size() - 1);
    const std::uint64_t to_end = ring_.size() - at;
    std::uint64_t size = 0;
    std::memcpy(&size, ring_.data() + at, kFrameHeadBytes);
    if (size == kSkipFrame) {
      if (to_end > written - read_) return Damaged();
      read_ += to_end;
      continue;
    }
    if (size > MaxFrameBytes(ring_.size())) return Damaged();
    front_ = kFrameHeadBytes + Padded(size);
    if (front_ > written - read_ || front_ > to_end) return Damaged();
    return std::string_view(ring_.data() + at + kFrameHeadBytes, size);
  }
  return std::nullopt;
}

void RingReader::Pop() {
  read_ += front_;
  front_ = 0;
  // Releases the room; partner: RingWriter::Reserve.
  positions_->read.store(read_, std::memory_order_release);
}

}  // namespace assay::core::internal
