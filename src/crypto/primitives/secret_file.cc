// Files that only their owner may read. Not through core::FileSystem, which knows no modes: these
// are checked on the open descriptor, so that nobody can exchange the file in between.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/core/file_system.h"
#include "assay/crypto/secret.h"

namespace assay::crypto {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

constexpr mode_t kOwnerOnly = S_IRUSR | S_IWUSR;
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

std::unexpected<Error> SystemFail(int error, std::string_view doing, const std::string& path) {
  const Code code = error == ENOENT || error == ENOTDIR  ? Code::kNotFound
                    : error == EACCES || error == EPERM  ? Code::kPermissionDenied
                    : error == EEXIST                    ? Code::kAlreadyExists
                    : error == ENOSPC || error == EDQUOT ? Code::kResourceExhausted
                    : error == EROFS                     ? Code::kPermissionDenied
                    : error == EISDIR || error == ELOOP  ? Code::kInvalidArgument
                                                         : Code::kUnavailable;
  return Fail(
      code, fmt::format("cannot {} '{}': {}", doing, path, std::generic_category().message(error)));
}

Result<void> CheckPrivate(const struct stat& info, const std::string& path) {
  if (!S_ISREG(info.st_mode)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("cannot read '{}': it is not a regular file; name a file", path));
  }
  if ((info.st_mode & kOthers) != 0) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' holds a secret and has mode {:04o}, so others may use it; run "
                            "chmod 600 on it, and renew the secret if they did",
                            path, static_cast<unsigned>(info.st_mode) & 07777U));
  }
  if (info.st_uid != ::geteuid() && info.st_uid != 0 && ::geteuid() != 0) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' holds a secret and belongs to another user ({}); use a file of "
                            "your own",
                            path, info.st_uid));
  }
  return {};
}

Result<void> WriteAll(const Descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemFail(errno, "write to", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.get()) != 0) return SystemFail(errno, "flush to the disk", path);
  return {};
}

Result<void> WriteTemporary(const std::string& path, std::string_view bytes) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly));
  if (file.get() < 0) return SystemFail(errno, "create", path);
  return WriteAll(file, bytes, path);
}

// A link, unlike a rename, fails where the name is taken.
Result<void> Publish(const std::string& temporary, const std::string& path, IfExists if_exists) {
  if (if_exists == IfExists::kReplace) {
    if (::rename(temporary.c_str(), path.c_str()) != 0) return SystemFail(errno, "replace", path);
    return {};
  }
  if (::link(temporary.c_str(), path.c_str()) != 0) return SystemFail(errno, "create", path);
  ::unlink(temporary.c_str());
  return {};
}

}  // namespace

Result<SecretBytes> ReadSecretFile(const std::string& path, std::size_t limit_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return SystemFail(errno, "open", path);
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return SystemFail(errno, "examine", path);
  ASSAY_TRY(CheckPrivate(info, path));
  if (static_cast<std::uint64_t>(info.st_size) > limit_bytes) {
    return Fail(Code::kOutOfRange, fmt::format("'{}' has {} bytes, more than the {} of a secret",
                                               path, info.st_size, limit_bytes));
  }
  SecretBytes content(static_cast<std::size_t>(info.st_size));
  std::size_t have = 0;
  while (have < content.size()) {
    const ssize_t got = ::read(file.get(), content.span().data() + have, content.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemFail(errno, "read", path);
    if (got == 0) {
      return Fail(Code::kUnavailable,
                  fmt::format("'{}' became shorter while it was read; try again", path));
    }
    have += static_cast<std::size_t>(got);
  }
  return content;
}

Result<void> WriteSecretFile(const std::string& path, std::string_view bytes, IfExists if_exists) {
  static std::atomic<std::uint64_t> serial{0};  // unique numbers only; orders nothing
  const std::string temporary =
      fmt::format("{}.tmp-{}-{}", path, ::getpid(), serial.fetch_add(1, std::memory_order_relaxed));
  Result<void> done = WriteTemporary(temporary, bytes);
  if (done) done = Publish(temporary, path, if_exists);
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  return core::FileSystem::Real().SyncDirectory(parent);
}

}  // namespace assay::crypto
