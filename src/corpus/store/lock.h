// One updater of an index at a time.
#pragma once
#include <string>
#include <utility>

#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::corpus {

// Holds flock(2) on a file until it goes away; the kernel frees it when the process dies, however
// it dies. On a simulated disk there is no other process, and nothing is locked.
class UpdateLock {
 public:
  // Does not wait. Errors: kUnavailable while another holds it; kPermissionDenied.
  [[nodiscard]] static Result<UpdateLock> Take(core::FileSystem& files, const std::string& path);

  UpdateLock(UpdateLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  UpdateLock& operator=(UpdateLock&&) = delete;
  ~UpdateLock();

 private:
  explicit UpdateLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace assay::corpus
