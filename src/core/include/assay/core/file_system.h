// assay/core/file_system.h: the seam through which Assay touches a disk.
// Room: core.  Threads: a FileSystem may be used by many threads; one file object by one at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/result.h"

namespace assay::core {

struct FileStat {
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  // since the Unix epoch
  bool is_directory = false;
};

// A file that only grows. Data is on the disk for certain only after Sync().
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  // Writes all bytes or fails; after a failure the file may hold a part of them.
  // Errors: kResourceExhausted on a full disk, kPermissionDenied, kUnavailable on an I/O error.
  [[nodiscard]] virtual Result<void> Append(std::string_view bytes) = 0;
  // Flushes data and size to the disk (fdatasync).
  [[nodiscard]] virtual Result<void> Sync() = 0;
  [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;
};

// A read-only view of a whole file. Later changes of the file may or may not be seen; truncation by
// another process while mapped is a fault, so Assay's own files are replaced by rename, never cut.
class MappedFile {
 public:
  virtual ~MappedFile() = default;
  [[nodiscard]] virtual std::string_view bytes() const = 0;
};

// Reads anywhere in a file that may still grow. Unlike a mapping, an I/O error is a Result and no
// signal. Threads: many at once. A file that was removed or replaced stays readable.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  // Fills `into` from `offset` on and returns how many bytes there were: fewer only at the end of
  // the file. Errors: kUnavailable on an I/O error.
  [[nodiscard]] virtual Result<std::size_t> ReadAt(std::uint64_t offset,
                                                   std::span<char> into) const = 0;
};

// Paths are UTF-8 byte strings; every error names the path.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // The process's disk. Lives for ever.
  [[nodiscard]] static FileSystem& Real();

  // Whole content, at most `limit_bytes`. Errors: kNotFound, kPermissionDenied, kOutOfRange when
  // larger, kInvalidArgument for a directory, kUnavailable on an I/O error.
  [[nodiscard]] virtual Result<std::string> ReadFile(const std::string& path,
                                                     std::uint64_t limit_bytes) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<MappedFile>> Map(const std::string& path) = 0;
  // Errors: those of ReadFile.
  [[nodiscard]] virtual Result<std::unique_ptr<ReadableFile>> OpenRead(const std::string& path) = 0;
  // Creates the file or empties it.
  [[nodiscard]] virtual Result<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  // Opens for appending; creates it where absent.
  [[nodiscard]] virtual Result<std::unique_ptr<WritableFile>> OpenAppend(
      const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> Truncate(const std::string& path,
                                              std::uint64_t size_bytes) = 0;
  // Atomic replacement; durable after SyncDirectory of the parent.
  [[nodiscard]] virtual Result<void> Rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> Remove(const std::string& path) = 0;
  // Creates the directory and its parents; existing ones are fine.
  [[nodiscard]] virtual Result<void> MakeDirectories(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> SyncDirectory(const std::string& path) = 0;
  [[nodiscard]] virtual Result<FileStat> Stat(const std::string& path) = 0;
  // Names (not paths) of a directory's entries, sorted bytewise.
  [[nodiscard]] virtual Result<std::vector<std::string>> List(const std::string& path) = 0;
};

// One process at a time in a folder. Holds flock(2) on FOLDER/lock until it goes away; the kernel
// frees it when the process dies, however it dies. On a simulated disk there is no other process,
// and nothing is locked.
class FolderLock {
 public:
  // Does not wait. `what` lives in the folder ("the cache") and `advice` says what to do while
  // another has it. Errors: kUnavailable while another process holds it (with its number and the
  // advice); kPermissionDenied.
  [[nodiscard]] static Result<FolderLock> Take(FileSystem& files, const std::string& folder,
                                               std::string_view what, std::string_view advice);

  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// Writes `bytes` to a temporary sibling, syncs it, and renames it over `path`: after a crash the
// file holds the old or the new content, never a mixture.
[[nodiscard]] Result<void> WriteFileAtomically(FileSystem& files, const std::string& path,
                                               std::string_view bytes);

}  // namespace assay::core
