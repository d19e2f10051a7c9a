// disk/format.h: the bytes of a segment of the log. Format: docs/formats/cache-log.md.
// Room: cache, private.  Threads: pure functions.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "assay/cache/entry.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::cache::disk {

inline constexpr std::uint16_t kLogVersion = 1;
inline constexpr std::uint32_t kByteOrderMark = 0x01020304;  // as the writing machine stores it
inline constexpr std::size_t kAlignBytes = 8;
inline constexpr std::string_view kSegmentPrefix = "segment-";
inline constexpr std::string_view kSegmentSuffix = ".log";
inline constexpr std::string_view kCheckpointName = "index.checkpoint";

struct SegmentHeader {
  std::array<char, 8> magic;
  std::uint32_t byte_order;
  std::uint16_t version;
  std::uint16_t reserved;  // 0
  std::uint32_t segment;
  std::uint32_t reserved2;  // 0
  std::uint64_t first_sequence;
  std::array<std::uint32_t, 7> reserved3;  // 0
  std::uint32_t crc;                       // of the 60 bytes before it
};
static_assert(sizeof(SegmentHeader) == 64);

// A put when it has a payload, otherwise "this key was erased".
struct RecordHeader {
  std::uint32_t header_crc;   // of segment, offset in it, and the 60 bytes behind
  std::uint32_t payload_crc;  // of payload and padding
  std::uint64_t sequence;     // rising by one from record to record of the whole log
  std::uint64_t key_high;
  std::uint64_t key_low;
  std::int64_t stored_ms;
  std::int64_t expires_ms;
  std::uint32_t payload_bytes;
  std::uint32_t tenant_tag;  // TagOf() of each
  std::uint32_t route_tag;
  std::uint32_t model_tag;

  [[nodiscard]] Key key() const { return {key_high, key_low}; }
  [[nodiscard]] bool is_erase() const { return payload_bytes == 0; }
};
static_assert(sizeof(RecordHeader) == 64);

inline constexpr std::uint64_t kMaxPayloadBytes = kMaxEntryBytes + 4096;

[[nodiscard]] constexpr std::uint64_t Padded(std::uint64_t size_bytes) {
  return (size_bytes + kAlignBytes - 1) / kAlignBytes * kAlignBytes;
}
// What a record with so long a payload takes in the file.
[[nodiscard]] constexpr std::uint64_t RecordBytes(std::uint64_t payload_bytes) {
  return sizeof(RecordHeader) + Padded(payload_bytes);
}

[[nodiscard]] std::string SegmentName(std::uint32_t segment);
// The number in a segment's name; 0, which no segment has, for another name.
[[nodiscard]] std::uint32_t SegmentOfName(std::string_view name);

[[nodiscard]] SegmentHeader MakeSegmentHeader(std::uint32_t segment, std::uint64_t first_sequence);
// Errors: kDataLoss; kFailedPrecondition for another version or byte order. `name` stands in them.
[[nodiscard]] Result<SegmentHeader> ParseSegmentHeader(std::string_view bytes,
                                                       std::string_view name);

[[nodiscard]] std::uint32_t HeaderCrc(const RecordHeader& header, std::uint32_t segment,
                                      std::uint64_t offset);
// Whether 64 bytes are the header of a record at this very place.
[[nodiscard]] bool IsHeaderAt(const RecordHeader& header, std::uint32_t segment,
                              std::uint64_t offset);

// A stretch of a segment that holds no record.
struct BadStretch {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
  bool torn = false;  // nothing good follows: a write that was cut off
};

struct ScanReport {
  std::uint64_t end = 0;            // of the last good record
  std::uint64_t next_sequence = 0;  // 1 + that of the last good record, or as given
  std::uint64_t records = 0;
};

// Walks through the records of a segment from `offset` on, whose first may have a sequence number
// from `sequence` on; looks for the next good record behind damage. Payloads are not read, but for
// the last one, which a crash can cut off. Errors: I/O only.
[[nodiscard]] Result<ScanReport> ScanSegment(
    const core::ReadableFile& file, std::uint64_t file_bytes, std::uint32_t segment,
    std::uint64_t offset, std::uint64_t sequence,
    const std::function<void(const RecordHeader&, std::uint64_t offset)>& on_record,
    const std::function<void(const BadStretch&)>& on_bad);

}  // namespace assay::cache::disk
