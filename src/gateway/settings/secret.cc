#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/gateway/settings_load.h"

namespace assay::gateway {
namespace {

constexpr std::size_t kMaxSecretBytes = 65'536;  // a PEM file fits; more is a wrong path

struct FileDescriptor {
  explicit FileDescriptor(int number) : fd(number) {}
  ~FileDescriptor() {
    if (fd >= 0) ::close(fd);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int fd;
};

std::string_view WithoutLineFeed(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

Result<std::string> ReadPrivateFile(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (file.fd < 0) {
    return errno == ENOENT
               ? Fail(Code::kNotFound, fmt::format("{}: the secret's file does not exist", path))
               : Fail(Code::kPermissionDenied,
                      fmt::format("{}: the secret's file cannot be opened", path));
  }
  struct stat info{};
  if (::fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: the secret's file is no plain file", path));
  }
  if ((info.st_mode & 077) != 0) {
    return Fail(Code::kPermissionDenied,
                fmt::format("{}: others may read this secret; run: chmod 600 {}", path, path));
  }
  std::string bytes(kMaxSecretBytes + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file.fd, bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fail(Code::kUnavailable, fmt::format("{}: cannot be read", path));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxSecretBytes) {
    return Fail(Code::kOutOfRange, fmt::format("{}: too long for a secret", path));
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace

Result<std::optional<std::string>> ReadSecret(const SecretSource& source,
                                              const Environment& environment) {
  std::string secret;
  if (!source.env.empty()) {
    const auto found = environment.find(source.env);
    if (found == environment.end()) {
      return Fail(
          Code::kNotFound,
          fmt::format("{}: this variable, which should hold a secret, is not set", source.env));
    }
    secret = WithoutLineFeed(found->second);
    if (secret.empty()) {
      return Fail(Code::kInvalidArgument, fmt::format("{}: this secret is empty", source.env));
    }
    return secret;
  }
  if (source.file.empty()) return std::nullopt;
  ASSAY_ASSIGN(const std::string bytes, ReadPrivateFile(source.file));
  secret = WithoutLineFeed(bytes);
  if (secret.empty()) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: this secret is empty", source.file));
  }
  return secret;
}

}  // namespace assay::gateway
