#include "input.h"

#include <array>
#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/file_system.h"
#include "assay/text/utf8.h"

namespace assay::cli {
namespace {

Result<void> ReadPieces(const std::function<Result<void>(std::string_view)>& take) {
  std::array<char, 64 * 1024> buffer{};
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got == 0) return {};
    if (got < 0) {
      if (errno == EINTR) continue;
      return Fail(Code::kUnavailable,
                  fmt::format("standard input: {}", std::generic_category().message(errno)));
    }
    ASSAY_TRY(take(std::string_view(buffer.data(), static_cast<std::size_t>(got))));
  }
}

}  // namespace

std::string NameOfInput(const std::string& path) {
  return path == "-" ? "standard input" : path;
}

Result<void> FollowStandardInput(const std::function<Result<void>(std::string_view)>& take) {
  return ReadPieces(take);
}

Result<std::string> ReadText(const std::string& path) {
  std::string text;
  if (path == "-") {
    ASSAY_TRY(ReadPieces([&](std::string_view piece) -> Result<void> {
      text += piece;
      if (text.size() <= kMaxInputBytes) return {};
      return Fail(Code::kOutOfRange,
                  fmt::format("standard input is larger than {} MiB; check it in parts",
                              kMaxInputBytes >> 20));
    }));
  } else {
    ASSAY_ASSIGN(text, core::FileSystem::Real().ReadFile(path, kMaxInputBytes));
  }
  if (const auto valid = text::ValidateUtf8(text); !valid) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: {}", NameOfInput(path), valid.error().message));
  }
  return text;
}

}  // namespace assay::cli
