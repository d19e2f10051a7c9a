#include "cache/file_lock.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace assay::embed::internal {
namespace {

// Whether the name still means the file that is open: its last holder may have removed it.
bool StillNamed(int descriptor, const std::string& path) {
  struct stat open = {};
  struct stat named = {};
  return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

}  // namespace

Result<FileLock> FileLock::Take(core::FileSystem& files, const std::string& path) {
  if (&files != &core::FileSystem::Real()) return FileLock({}, -1);
  const std::string name = path + ".lock";
  while (true) {
    const int descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
      const int error = errno;
      const bool refused = error == EACCES || error == EROFS || error == EPERM;
      return Fail(
          refused           ? Code::kPermissionDenied
          : error == ENOENT ? Code::kNotFound
                            : Code::kUnavailable,
          fmt::format("cannot open '{}': {}", name, std::generic_category().message(error)));
    }
    FileLock lock(name, descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(std::exchange(lock.descriptor_, -1));  // it is another's, so it stays
      if (error == EWOULDBLOCK) {
        return Fail(
            Code::kFailedPrecondition,
            fmt::format("'{}' is in use by another process; wait for it, or stop it", path));
      }
      return Fail(Code::kUnavailable, fmt::format("cannot lock '{}': {}", name,
                                                  std::generic_category().message(error)));
    }
    if (StillNamed(descriptor, name)) return lock;
    ::close(std::exchange(lock.descriptor_, -1));
  }
}

FileLock::~FileLock() {
  if (descriptor_ < 0) return;
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace assay::embed::internal
