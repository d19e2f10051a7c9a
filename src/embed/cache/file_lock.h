// cache/file_lock.h: one writer a file, among processes.
// Room: embed (private).  Threads: one at a time.
#pragma once
#include <string>
#include <utility>

#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::embed::internal {

// Holds `<path>.lock` (flock) until it is destroyed, which also removes that file. On a file system
// that is not the machine's there is nothing to lock.
class FileLock {
 public:
  // Errors: kFailedPrecondition when another process, or this one, holds it; kPermissionDenied,
  // kUnavailable.
  [[nodiscard]] static Result<FileLock> Take(core::FileSystem& files, const std::string& path);
  FileLock(FileLock&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  FileLock(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::string path_;
  int descriptor_;  // -1: nothing is held
};

}  // namespace assay::embed::internal
