// Texts that the user names on the command line.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::cli {

inline constexpr std::uint64_t kMaxInputBytes = 16ULL << 20;  // of one answer or claims file

// The whole content of a file, or of standard input for "-".
// Errors: those of FileSystem::ReadFile; kOutOfRange over kMaxInputBytes; kInvalidArgument for
// invalid UTF-8, with the byte offset.
[[nodiscard]] Result<std::string> ReadText(const std::string& path);

// Hands standard input to `take` as it arrives, in pieces of any size, until it ends. A failure of
// `take` stops the reading and is returned.
[[nodiscard]] Result<void> FollowStandardInput(
    const std::function<Result<void>(std::string_view)>& take);

// "standard input" for "-", else the path.
[[nodiscard]] std::string NameOfInput(const std::string& path);

}  // namespace assay::cli
