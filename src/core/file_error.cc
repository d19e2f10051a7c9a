#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>

#include "file_error_internal.h"

namespace assay::core {
namespace {

struct ErrnoRow {
  int number;
  Code code;
  std::string_view why;
  std::string_view remedy;
};

constexpr std::array kErrnoTable = std::to_array<ErrnoRow>({
    {ENOENT, Code::kNotFound, "no such file or directory", "check the path"},
    {ENOTDIR, Code::kInvalidArgument, "a part of the path is not a directory", "check the path"},
    {EISDIR, Code::kInvalidArgument, "it is a directory", "name a file"},
    {ENAMETOOLONG, Code::kInvalidArgument, "the path is too long", "shorten it"},
    {ELOOP, Code::kInvalidArgument, "symbolic links go in a circle", "check the links"},
    {EEXIST, Code::kAlreadyExists, "a file of this name exists", "choose another name"},
    {ENOTEMPTY, Code::kFailedPrecondition, "the directory is not empty", "empty it first"},
    {EACCES, Code::kPermissionDenied, "permission denied", "check owner and mode"},
    {EPERM, Code::kPermissionDenied, "not permitted", "check owner and mode"},
    {EROFS, Code::kPermissionDenied, "the file system is read-only", "choose another place"},
    {ENOSPC, Code::kResourceExhausted, "the disk is full", "free some space and try again"},
    {EDQUOT, Code::kResourceExhausted, "the disk quota is used up", "free some space"},
    {EFBIG, Code::kResourceExhausted, "the file would be too large", "raise the limit (ulimit -f)"},
    {EMFILE, Code::kResourceExhausted, "too many open files", "raise the limit (ulimit -n)"},
    {ENFILE, Code::kResourceExhausted, "too many open files on this machine", "close some"},
    {ENOMEM, Code::kResourceExhausted, "not enough memory", "close other programs"},
    {EIO, Code::kUnavailable, "input/output error", "check the disk and the system log"},
});

}  // namespace

std::unexpected<Error> FileFail(int error_number, std::string_view doing, std::string_view path) {
  for (const ErrnoRow& row : kErrnoTable) {
    if (row.number == error_number) {
      return Fail(row.code,
                  fmt::format("cannot {} '{}': {}; {}", doing, path, row.why, row.remedy));
    }
  }
  return Fail(Code::kUnavailable,
              fmt::format("cannot {} '{}': {}; check the disk and the system log", doing, path,
                          std::generic_category().message(error_number)));
}

std::unexpected<Error> TooLarge(std::string_view path, std::uint64_t size_bytes,
                                std::uint64_t limit_bytes) {
  return Fail(Code::kOutOfRange,
              fmt::format("cannot read '{}': its {} bytes are more than the limit of {}; split it",
                          path, size_bytes, limit_bytes));
}

std::string ParentDirectory(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace assay::core
