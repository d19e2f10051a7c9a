#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "assay/core/file_system.h"

namespace assay::core {
namespace {

// Who wrote its number into the lock file; empty when nobody did.
std::string HolderOf(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t got = ::pread(descriptor, text.data(), text.size(), 0);
  std::string holder;
  for (ssize_t i = 0; i < got; ++i) {
    const char digit = text[static_cast<std::size_t>(i)];
    if (digit < '0' || digit > '9') break;
    holder.push_back(digit);
  }
  return holder;
}

}  // namespace

Result<FolderLock> FolderLock::Take(FileSystem& files, const std::string& folder,
                                    std::string_view what, std::string_view advice) {
  if (&files != &FileSystem::Real()) return FolderLock(-1);
  const std::string path = fmt::format("{}/lock", folder);
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    const int error = errno;
    const bool refused = error == EACCES || error == EROFS || error == EPERM;
    return Fail(refused ? Code::kPermissionDenied : Code::kUnavailable,
                fmt::format("cannot open '{}': {}; name a folder that can be written", path,
                            std::generic_category().message(error)));
  }
  FolderLock lock(descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error != EWOULDBLOCK) {
      return Fail(Code::kUnavailable, fmt::format("cannot lock '{}': {}", path,
                                                  std::generic_category().message(error)));
    }
    const std::string holder = HolderOf(descriptor);
    return Fail(Code::kUnavailable,
                fmt::format("{} in '{}' is in use by {}; {}", what, folder,
                            holder.empty() ? "another process" : "process " + holder, advice));
  }
  const std::string mine = fmt::format("{}\n", ::getpid());
  // A number that cannot be written is missing from another's message, no more.
  if (::ftruncate(descriptor, 0) == 0) {
    static_cast<void>(::pwrite(descriptor, mine.data(), mine.size(), 0) == 0);
  }
  return lock;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace assay::core
