// dashboard/embedded_file_internal.h: the built files of web/, inside the program.
// Threads: constants.
#pragma once
#include <span>
#include <string_view>

namespace assay::gateway::dashboard {

struct EmbeddedFile {
  std::string_view path;  // "assets/app.js", as under web/dist
  std::string_view bytes;
  std::string_view etag;  // strong, with its quotes (RFC 9110, 8.8.3): of the bytes
};

// Written by cmake/embed_files.cmake from web/dist.
[[nodiscard]] std::span<const EmbeddedFile> EmbeddedFiles();

}  // namespace assay::gateway::dashboard
