// file_error_internal.h: errors of file operations, in one wording for the real disk and for tests.
// Room: core, private.  Threads: pure functions.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::core {

// "cannot <doing> '<path>': <why>; <what to do>", with the code that fits errno's `error_number`.
[[nodiscard]] std::unexpected<Error> FileFail(int error_number, std::string_view doing,
                                              std::string_view path);

// kOutOfRange: the file is larger than the caller takes.
[[nodiscard]] std::unexpected<Error> TooLarge(std::string_view path, std::uint64_t size_bytes,
                                              std::uint64_t limit_bytes);

// The directory that holds `path`: "a/b" -> "a", "b" -> ".", "/b" -> "/".
[[nodiscard]] std::string ParentDirectory(std::string_view path);

}  // namespace assay::core
