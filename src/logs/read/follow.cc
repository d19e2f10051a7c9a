#include "assay/logs/follow.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace assay::logs {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} << 10;

std::unexpected<Error> Failed(std::string_view doing, const std::string& path, int error) {
  const Code code =
      error == EACCES || error == EPERM ? Code::kPermissionDenied : Code::kUnavailable;
  return Fail(
      code, fmt::format("cannot {} '{}': {}", doing, path, std::generic_category().message(error)));
}

}  // namespace

LogFollower::LogFollower(std::string path, std::size_t last_lines)
    : path_(std::move(path)), last_lines_(last_lines) {}

LogFollower::~LogFollower() {
  Close();
}

void LogFollower::Close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

// False: there is no such file now.
Result<bool> LogFollower::Open() {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0 && errno == ENOENT) return false;
  if (descriptor_ < 0) return Failed("open", path_, errno);
  struct stat info = {};
  if (::fstat(descriptor_, &info) != 0) return Failed("examine", path_, errno);
  if (!S_ISREG(info.st_mode)) {
    Close();
    return Fail(Code::kInvalidArgument, fmt::format("cannot follow '{}': it is no file", path_));
  }
  device_ = info.st_dev;
  inode_ = info.st_ino;
  offset_ = 0;
  if (std::exchange(begun_, true)) {
    ++rotations_;
  } else {
    ASSAY_TRY(SkipToLastLines());
  }
  return true;
}

// From the end back, block by block.
Result<void> LogFollower::SkipToLastLines() {
  struct stat info = {};
  if (::fstat(descriptor_, &info) != 0) return Failed("examine", path_, errno);
  auto end = static_cast<std::uint64_t>(info.st_size);
  offset_ = end;
  std::vector<char> block(kBlockBytes);
  // The line end of the last line is not one between lines.
  std::size_t ends = 0;
  while (end > 0 && last_lines_ > 0) {
    const std::uint64_t begin = end > kBlockBytes ? end - kBlockBytes : 0;
    const ssize_t got = ::pread(descriptor_, block.data(), static_cast<std::size_t>(end - begin),
                                static_cast<off_t>(begin));
    if (got < 0) return Failed("read", path_, errno);
    for (auto i = static_cast<std::size_t>(got); i-- > 0;) {
      const bool last_byte = begin + i + 1 == static_cast<std::uint64_t>(info.st_size);
      if (block[i] == '\n' && !last_byte && ++ends == last_lines_) {
        offset_ = begin + i + 1;
        return {};
      }
    }
    end = begin;
    offset_ = 0;
  }
  return {};
}

Result<void> LogFollower::ReadOn(const std::function<void(std::string_view)>& take) {
  struct stat info = {};
  if (::fstat(descriptor_, &info) != 0) return Failed("examine", path_, errno);
  if (static_cast<std::uint64_t>(info.st_size) < offset_) {
    ++truncations_;
    offset_ = 0;
    partial_.clear();
  }
  while (true) {
    const std::size_t before = partial_.size();
    partial_.resize(before + kBlockBytes);
    const ssize_t got =
        ::pread(descriptor_, partial_.data() + before, kBlockBytes, static_cast<off_t>(offset_));
    const int error = errno;
    partial_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && error == EINTR) continue;
    if (got < 0) return Failed("read", path_, error);
    if (got == 0) return {};
    offset_ += static_cast<std::uint64_t>(got);
    const std::size_t last = partial_.rfind('\n');
    const std::size_t whole = last != std::string::npos       ? last + 1
                              : partial_.size() > kBlockBytes ? partial_.size()
                                                              : 0;
    if (whole > 0) take(std::string_view(partial_).substr(0, whole));
    partial_.erase(0, whole);
  }
}

// The name stands for another file than the one that is open.
bool LogFollower::Replaced() const {
  struct stat info = {};
  return ::stat(path_.c_str(), &info) == 0 && (info.st_dev != device_ || info.st_ino != inode_);
}

Result<void> LogFollower::Poll(const std::function<void(std::string_view)>& take) {
  while (true) {
    if (descriptor_ < 0) {
      ASSAY_ASSIGN(const bool there, Open());
      if (!there) return {};
    }
    // Asked before the rest is read, so that nothing written to the old file before it was replaced
    // is lost.
    const bool replaced = Replaced();
    ASSAY_TRY(ReadOn(take));
    if (!replaced) return {};
    if (!partial_.empty()) take(partial_);
    partial_.clear();
    Close();
  }
}

}  // namespace assay::logs
