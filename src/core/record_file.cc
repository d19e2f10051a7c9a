#include "assay/core/record_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "assay/core/check.h"
#include "assay/core/format/bytes.h"
#include "assay/core/hash.h"

namespace assay::core {
namespace {

constexpr std::array<char, 8> kMagic = {'A', 'S', 'S', 'A', 'Y', 'R', 'E', 'C'};
constexpr std::uint32_t kByteOrderMark = 0x01020304;  // as the writing machine stores it
constexpr std::size_t kAlignBytes = 8;

struct FileHeader {
  std::array<char, 8> magic;
  std::uint32_t byte_order;
  std::uint16_t format_version;
  std::uint16_t reserved;  // 0
  std::array<char, 8> tag;
  std::uint32_t kind_version;
  std::uint32_t crc;  // of the 28 bytes before it
};
static_assert(sizeof(FileHeader) == kRecordFileHeaderBytes);

struct RecordHeader {
  std::uint32_t payload_bytes;
  std::uint32_t crc;  // of offset, payload_bytes, sequence, payload and padding
  std::uint64_t sequence;
};
static_assert(sizeof(RecordHeader) == kRecordHeaderBytes);

std::uint64_t Padded(std::uint64_t size) {
  return (size + kAlignBytes - 1) / kAlignBytes * kAlignBytes;
}

FileHeader MakeHeader(const RecordFileKind& kind) {
  ASSAY_CHECK(!kind.tag.empty() && kind.tag.size() <= 8);
  FileHeader header{.magic = kMagic,
                    .byte_order = kByteOrderMark,
                    .format_version = kRecordFileVersion,
                    .reserved = 0,
                    .tag = {},
                    .kind_version = kind.version,
                    .crc = 0};
  std::ranges::copy(kind.tag, header.tag.begin());
  header.crc = Crc32c(BytesOf(header).substr(0, offsetof(FileHeader, crc)));
  return header;
}

// The offset is a part of the checksum: a copy of a record elsewhere (in a payload, say) is none.
std::uint32_t RecordCrc(std::uint64_t offset, const RecordHeader& header, std::string_view body) {
  std::uint32_t crc = Crc32c(BytesOf(offset));
  crc = Crc32c(BytesOf(header.payload_bytes), crc);
  crc = Crc32c(BytesOf(header.sequence), crc);
  return Crc32c(body, crc);
}

// The record at `offset` if it is whole and undamaged.
std::optional<Record> RecordAt(std::string_view bytes, std::uint64_t offset) {
  if (bytes.size() - offset < sizeof(RecordHeader)) return std::nullopt;
  const auto header = LoadAt<RecordHeader>(bytes, offset);
  const std::uint64_t begin = offset + sizeof(RecordHeader);
  const std::uint64_t body_bytes = Padded(header.payload_bytes);
  if (header.payload_bytes > kMaxRecordBytes || body_bytes > bytes.size() - begin) {
    return std::nullopt;
  }
  const std::string_view body = bytes.substr(begin, body_bytes);
  if (header.crc != RecordCrc(offset, header, body)) return std::nullopt;
  return Record{.sequence = header.sequence,
                .offset = offset,
                .payload = body.substr(0, header.payload_bytes)};
}

// Whether a good record begins anywhere behind `offset`. The sequence numbers that it can have are
// few, which spares nearly all checksums.
bool GoodRecordFollows(std::string_view bytes, std::uint64_t offset, std::uint64_t sequence) {
  const std::uint64_t most = sequence + (bytes.size() - offset) / kRecordHeaderBytes;
  for (std::uint64_t at = offset + kAlignBytes; at + kRecordHeaderBytes <= bytes.size();
       at += kAlignBytes) {
    const auto header = LoadAt<RecordHeader>(bytes, at);
    if (header.sequence <= sequence || header.sequence > most) continue;
    if (RecordAt(bytes, at)) return true;
  }
  return false;
}

Result<void> CheckHeader(std::string_view bytes, const std::string& name,
                         const RecordFileKind& kind) {
  if (bytes.size() < sizeof(FileHeader)) {
    return Fail(
        Code::kDataLoss,
        fmt::format("'{}' is cut off at byte {}, inside its header; delete it and let it be "
                    "made again",
                    name, bytes.size()));
  }
  const auto found = LoadAt<FileHeader>(bytes, 0);
  const FileHeader wanted = MakeHeader(kind);
  if (found.magic != kMagic) {
    return Fail(
        Code::kDataLoss,
        fmt::format("'{}' is not a file of Assay's (wrong bytes at offset 0); check the path",
                    name));
  }
  if (found.byte_order == 0x04030201) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("'{}' was written on a machine of the other byte order; make it anew here",
                    name));
  }
  if (found.crc != Crc32c(bytes.substr(0, offsetof(FileHeader, crc)))) {
    return Fail(Code::kDataLoss,
                fmt::format("the header of '{}' is damaged (checksum at offset {}); delete it and "
                            "let it be made again",
                            name, offsetof(FileHeader, crc)));
  }
  if (found.tag != wanted.tag) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' does not hold '{}' records; check the path", name, kind.tag));
  }
  if (found.format_version != kRecordFileVersion || found.kind_version != kind.version) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' is of version {}.{}, this program reads {}.{}; make it anew with "
                            "this version",
                            name, found.format_version, found.kind_version, kRecordFileVersion,
                            kind.version));
  }
  return {};
}

}  // namespace

Result<RecordReader> RecordReader::Over(std::string_view bytes, std::string name,
                                        const RecordFileKind& kind) {
  ASSAY_TRY(CheckHeader(bytes, name, kind));
  return RecordReader(bytes, std::move(name));
}

Result<RecordReader> RecordReader::Open(FileSystem& files, const std::string& path,
                                        const RecordFileKind& kind) {
  ASSAY_ASSIGN(std::unique_ptr<MappedFile> file, files.Map(path));
  ASSAY_ASSIGN(RecordReader reader, Over(file->bytes(), path, kind));
  reader.file_ = std::move(file);
  return reader;
}

Result<std::optional<Record>> RecordReader::Next() {
  if (torn_tail_ || offset_ == bytes_.size()) return std::nullopt;
  const std::optional<Record> record = RecordAt(bytes_, offset_);
  if (record && record->sequence == next_sequence_) {
    offset_ += kRecordHeaderBytes + Padded(record->payload.size());
    ++next_sequence_;
    return record;
  }
  if (record || GoodRecordFollows(bytes_, offset_, next_sequence_)) {
    return Fail(
        Code::kDataLoss,
        fmt::format("record {} of '{}' is damaged at offset {}, with good records behind it; "
                    "the {} records before it can be used",
                    next_sequence_, name_, offset_, next_sequence_ - 1));
  }
  torn_tail_ = TornTail{.offset = offset_, .size_bytes = bytes_.size() - offset_};
  return std::nullopt;
}

Result<RecordWriter> RecordWriter::Open(FileSystem& files, const std::string& path,
                                        const RecordFileKind& kind) {
  RecordWriter writer(files, path);
  if (const Result<FileStat> stat = files.Stat(path); !stat) {
    if (stat.error().code != Code::kNotFound) return std::unexpected(stat.error());
    ASSAY_TRY(WriteFileAtomically(files, path, BytesOf(MakeHeader(kind))));
  }
  {
    ASSAY_ASSIGN(RecordReader reader, RecordReader::Open(files, path, kind));
    while (true) {
      ASSAY_ASSIGN(const std::optional<Record> record, reader.Next());
      if (!record) break;
    }
    writer.size_bytes_ = reader.offset();
    writer.next_sequence_ = reader.next_sequence();
    writer.cut_tail_ = reader.torn_tail();
  }
  if (writer.cut_tail_) ASSAY_TRY(files.Truncate(path, writer.size_bytes_));
  ASSAY_ASSIGN(writer.file_, files.OpenAppend(path));
  // Records must never follow a tail that is cut only in memory.
  if (writer.cut_tail_) ASSAY_TRY(writer.file_->Sync());
  return writer;
}

Result<void> RecordWriter::Usable() const {
  if (!broken_) return {};
  return Fail(
      Code::kFailedPrecondition,
      fmt::format("'{}' could not be written before, and its state is unknown; open it anew",
                  path_));
}

Result<std::uint64_t> RecordWriter::Append(std::string_view payload) {
  ASSAY_TRY(Usable());
  if (payload.size() > kMaxRecordBytes) {
    return Fail(Code::kOutOfRange,
                fmt::format("a record of {} bytes for '{}' is larger than {}; split it",
                            payload.size(), path_, kMaxRecordBytes));
  }
  RecordHeader header{.payload_bytes = static_cast<std::uint32_t>(payload.size()),
                      .crc = 0,
                      .sequence = next_sequence_};
  buffer_.assign(BytesOf(header));
  buffer_ += payload;
  buffer_.resize(kRecordHeaderBytes + Padded(payload.size()), '\0');
  header.crc = RecordCrc(size_bytes_, header, std::string_view(buffer_).substr(kRecordHeaderBytes));
  std::memcpy(buffer_.data(), &header, sizeof(header));
  if (Result<void> written = file_->Append(buffer_); !written) {
    broken_ = !files_->Truncate(path_, size_bytes_).has_value();
    return std::unexpected(std::move(written).error());
  }
  size_bytes_ += buffer_.size();
  return next_sequence_++;
}

Result<void> RecordWriter::Sync() {
  ASSAY_TRY(Usable());
  Result<void> synced = file_->Sync();
  broken_ = !synced.has_value();
  return synced;
}

}  // namespace assay::core
