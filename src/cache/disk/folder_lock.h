// disk/folder_lock.h: one process at a time in a cache folder.
// Room: cache, private.
#pragma once
#include <string>
#include <utility>

#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::cache::disk {

// Holds flock(2) on FOLDER/lock until it goes away; the kernel frees it when the process dies,
// however it dies. On a simulated disk there is no other process, and nothing is locked.
class FolderLock {
 public:
  // Does not wait. Errors: kUnavailable while another process holds it (with its number and what to
  // do); kPermissionDenied.
  [[nodiscard]] static Result<FolderLock> Take(core::FileSystem& files, const std::string& folder);

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

}  // namespace assay::cache::disk
