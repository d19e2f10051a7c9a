#include "disk/format.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "assay/core/format/bytes.h"
#include "assay/core/hash.h"

namespace assay::cache::disk {
namespace {

constexpr std::array<char, 8> kMagic = {'A', 'S', 'S', 'A', 'Y', 'L', 'O', 'G'};
constexpr std::size_t kWindowBytes = std::size_t{1} << 20;
constexpr std::size_t kSegmentDigits = 10;

// A part of the file in memory, moved forward as it is asked for.
class Window {
 public:
  Window(const core::ReadableFile& file, std::uint64_t file_bytes)
      : file_(file), file_bytes_(file_bytes) {}

  // The bytes [offset, offset + size) as far as the file has them.
  Result<std::string_view> At(std::uint64_t offset, std::size_t size_bytes) {
    if (offset < begin_ || offset + size_bytes > begin_ + have_) {
      const std::uint64_t left = offset < file_bytes_ ? file_bytes_ - offset : 0;
      const std::size_t want = static_cast<std::size_t>(
          std::min<std::uint64_t>(left, std::max(size_bytes, kWindowBytes)));
      if (buffer_.size() < want) buffer_.resize(want);
      ASSAY_ASSIGN(have_, file_.ReadAt(offset, std::span(buffer_.data(), want)));
      begin_ = offset;
    }
    const auto skip = static_cast<std::size_t>(offset - begin_);
    return std::string_view(buffer_).substr(skip, std::min(size_bytes, have_ - skip));
  }

 private:
  const core::ReadableFile& file_;
  std::uint64_t file_bytes_;
  std::uint64_t begin_ = 0;
  std::size_t have_ = 0;
  std::string buffer_;
};

// The walk itself; one object for one segment.
class Scan {
 public:
  Scan(const core::ReadableFile& file, std::uint64_t file_bytes, std::uint32_t segment)
      : window_(file, file_bytes), file_bytes_(file_bytes), segment_(segment) {}

  // The record at `offset` when it is whole; the payload is checked when nothing follows it.
  Result<std::optional<RecordHeader>> RecordAt(std::uint64_t offset, std::uint64_t sequence) {
    if (file_bytes_ - offset < sizeof(RecordHeader)) return std::nullopt;
    ASSAY_ASSIGN(const std::string_view bytes, window_.At(offset, sizeof(RecordHeader)));
    if (bytes.size() < sizeof(RecordHeader)) return std::nullopt;
    const auto header = core::LoadAt<RecordHeader>(bytes, 0);
    if (header.sequence < sequence || header.payload_bytes > kMaxPayloadBytes) return std::nullopt;
    const std::uint64_t end = offset + RecordBytes(header.payload_bytes);
    if (end > file_bytes_ || !IsHeaderAt(header, segment_, offset)) return std::nullopt;
    if (end == file_bytes_) {
      const auto body_bytes = static_cast<std::size_t>(Padded(header.payload_bytes));
      ASSAY_ASSIGN(const std::string_view body,
                   window_.At(offset + sizeof(RecordHeader), body_bytes));
      if (body.size() != body_bytes || core::Crc32c(body) != header.payload_crc) {
        return std::nullopt;
      }
    }
    return header;
  }

  // Where the next good record begins behind `offset`; nullopt when there is none.
  Result<std::optional<std::uint64_t>> NextGood(std::uint64_t offset, std::uint64_t sequence) {
    for (offset += kAlignBytes; offset + sizeof(RecordHeader) <= file_bytes_;
         offset += kAlignBytes) {
      ASSAY_ASSIGN(const std::optional<RecordHeader> header, RecordAt(offset, sequence));
      if (header) return offset;
    }
    return std::nullopt;
  }

 private:
  Window window_;
  std::uint64_t file_bytes_;
  std::uint32_t segment_;
};

}  // namespace

std::string SegmentName(std::uint32_t segment) {
  return fmt::format("{}{:010}{}", kSegmentPrefix, segment, kSegmentSuffix);
}

std::uint32_t SegmentOfName(std::string_view name) {
  if (!name.starts_with(kSegmentPrefix) || !name.ends_with(kSegmentSuffix)) return 0;
  name.remove_prefix(kSegmentPrefix.size());
  name.remove_suffix(kSegmentSuffix.size());
  if (name.size() != kSegmentDigits) return 0;
  std::uint32_t segment = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), segment);
  return error == std::errc() && end == name.data() + name.size() ? segment : 0;
}

SegmentHeader MakeSegmentHeader(std::uint32_t segment, std::uint64_t first_sequence) {
  SegmentHeader header{};
  header.magic = kMagic;
  header.byte_order = kByteOrderMark;
  header.version = kLogVersion;
  header.segment = segment;
  header.first_sequence = first_sequence;
  header.crc = core::Crc32c(core::BytesOf(header).substr(0, offsetof(SegmentHeader, crc)));
  return header;
}

Result<SegmentHeader> ParseSegmentHeader(std::string_view bytes, std::string_view name) {
  if (bytes.size() < sizeof(SegmentHeader)) {
    return Fail(Code::kDataLoss, fmt::format("'{}' is cut off inside its header", name));
  }
  const auto header = core::LoadAt<SegmentHeader>(bytes, 0);
  if (header.magic != kMagic) {
    return Fail(Code::kDataLoss, fmt::format("'{}' is no segment of a cache log", name));
  }
  if (header.byte_order == 0x04030201) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' was written on a machine of the other byte order; name another "
                            "folder for the cache here",
                            name));
  }
  if (header.crc != core::Crc32c(bytes.substr(0, offsetof(SegmentHeader, crc)))) {
    return Fail(Code::kDataLoss, fmt::format("the header of '{}' is damaged", name));
  }
  if (header.version != kLogVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' is of format version {}, this program reads {}; name another "
                            "folder for the cache",
                            name, header.version, kLogVersion));
  }
  return header;
}

// The place is a part of the checksum: a copy of a record elsewhere, in a payload say, is none.
std::uint32_t HeaderCrc(const RecordHeader& header, std::uint32_t segment, std::uint64_t offset) {
  const std::array<std::uint64_t, 2> place = {segment, offset};
  return core::Crc32c(core::BytesOf(header).substr(sizeof(header.header_crc)),
                      core::Crc32c(core::BytesOf(place)));
}

bool IsHeaderAt(const RecordHeader& header, std::uint32_t segment, std::uint64_t offset) {
  return header.header_crc == HeaderCrc(header, segment, offset);
}

Result<ScanReport> ScanSegment(
    const core::ReadableFile& file, std::uint64_t file_bytes, std::uint32_t segment,
    std::uint64_t offset, std::uint64_t sequence,
    const std::function<void(const RecordHeader&, std::uint64_t offset)>& on_record,
    const std::function<void(const BadStretch&)>& on_bad) {
  Scan scan(file, file_bytes, segment);
  ScanReport report{.end = offset, .next_sequence = sequence, .records = 0};
  while (offset < file_bytes) {
    ASSAY_ASSIGN(const std::optional<RecordHeader> header,
                 scan.RecordAt(offset, report.next_sequence));
    if (header) {
      on_record(*header, offset);
      ++report.records;
      report.next_sequence = header->sequence + 1;
      offset += RecordBytes(header->payload_bytes);
      report.end = offset;
      continue;
    }
    ASSAY_ASSIGN(const std::optional<std::uint64_t> next,
                 scan.NextGood(offset, report.next_sequence));
    const std::uint64_t until = next.value_or(file_bytes);
    on_bad({.offset = offset, .size_bytes = until - offset, .torn = !next});
    if (!next) break;
    offset = *next;
  }
  return report;
}

}  // namespace assay::cache::disk
