#include "store/lock.h"

#include <cerrno>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace assay::corpus {

Result<UpdateLock> UpdateLock::Take(core::FileSystem& files, const std::string& path) {
  if (&files != &core::FileSystem::Real()) return UpdateLock(-1);
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    const int error = errno;
    return Fail(
        error == EACCES || error == EROFS || error == EPERM ? Code::kPermissionDenied
                                                            : Code::kUnavailable,
        fmt::format("{}: cannot be opened ({})", path, std::generic_category().message(error)));
  }
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    close(descriptor);
    return Fail(Code::kUnavailable,
                error == EWOULDBLOCK
                    ? fmt::format("{}: another process updates this index; try again later", path)
                    : fmt::format("{}: cannot be locked ({})", path,
                                  std::generic_category().message(error)));
  }
  return UpdateLock(descriptor);
}

UpdateLock::~UpdateLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace assay::corpus
