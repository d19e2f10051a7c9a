// assay/core/record_file.h: an append-only file of checksummed records.
// Room: core.  Threads: a writer belongs to one thread at a time; readers of their own are free.
// Format: docs/formats/record_file.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::core {

inline constexpr std::uint16_t kRecordFileVersion = 1;
inline constexpr std::size_t kRecordFileHeaderBytes = 32;
inline constexpr std::size_t kRecordHeaderBytes = 16;
inline constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 30;  // of one payload

// What a file holds, so that one of another program part or version is refused.
struct RecordFileKind {
  std::string_view tag;  // 1 to 8 bytes, such as "verdicts"
  std::uint32_t version = 1;
};

struct Record {
  std::uint64_t sequence = 0;  // 1 for the first record, then one more each
  std::uint64_t offset = 0;    // of the record's header in the file
  std::string_view payload;    // at a multiple of 8 bytes from the file's start
};

// The rest of a write that never finished.
struct TornTail {
  std::uint64_t offset = 0;  // where the last whole record ends
  std::uint64_t size_bytes = 0;
};

// Walks through the records from the front. Views into the file live as long as the reader.
class RecordReader {
 public:
  // Errors: those of FileSystem::Map; kDataLoss when the file is not a record file or its header
  // is damaged; kFailedPrecondition when it is of another kind, version or byte order.
  [[nodiscard]] static Result<RecordReader> Open(FileSystem& files, const std::string& path,
                                                 const RecordFileKind& kind);
  // The same over bytes in memory, which must outlive the reader; `name` stands in errors.
  [[nodiscard]] static Result<RecordReader> Over(std::string_view bytes, std::string name,
                                                 const RecordFileKind& kind);

  // The next record; nullopt at the end, where torn_tail() is known. Errors: kDataLoss, naming the
  // offset, when a record is damaged and whole ones follow it: the records before it are good.
  // Time: O(record), O(rest of the file) once at damage.
  [[nodiscard]] Result<std::optional<Record>> Next();

  [[nodiscard]] const std::optional<TornTail>& torn_tail() const { return torn_tail_; }
  // Where the next record begins: the end of the last good one.
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] std::uint64_t next_sequence() const { return next_sequence_; }

 private:
  RecordReader(std::string_view bytes, std::string name) : bytes_(bytes), name_(std::move(name)) {}

  std::unique_ptr<MappedFile> file_;  // absent over memory
  std::string_view bytes_;
  std::string name_;
  std::uint64_t offset_ = kRecordFileHeaderBytes;
  std::uint64_t next_sequence_ = 1;
  std::optional<TornTail> torn_tail_;
};

// Appends records. What was synced survives `kill -9` and a power failure.
class RecordWriter {
 public:
  // Opens the file, or creates it (durably, with its header). A torn tail is cut off and reported
  // by cut_tail(). One writer per file at a time. Errors: those of RecordReader, of its Next(),
  // and of the disk; the file is then left as it was.
  [[nodiscard]] static Result<RecordWriter> Open(FileSystem& files, const std::string& path,
                                                 const RecordFileKind& kind);

  // Returns the record's sequence number. After an error the file is as before the call, or, when
  // even that fails, the writer refuses further calls with kFailedPrecondition.
  // Errors: kOutOfRange when payload.size() > kMaxRecordBytes; those of WritableFile::Append.
  [[nodiscard]] Result<std::uint64_t> Append(std::string_view payload);

  // All appended records are on the disk when this returns without error. After an error nobody
  // knows what is there: the writer refuses further calls; open the file anew.
  [[nodiscard]] Result<void> Sync();

  [[nodiscard]] const std::optional<TornTail>& cut_tail() const { return cut_tail_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] std::uint64_t next_sequence() const { return next_sequence_; }

 private:
  RecordWriter(FileSystem& files, std::string path) : files_(&files), path_(std::move(path)) {}
  [[nodiscard]] Result<void> Usable() const;

  FileSystem* files_;
  std::string path_;
  std::unique_ptr<WritableFile> file_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t next_sequence_ = 1;
  std::optional<TornTail> cut_tail_;
  std::string buffer_;  // one record as written, kept for its capacity
  bool broken_ = false;
};

}  // namespace assay::core
