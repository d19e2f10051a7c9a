// Where a semantic cache keeps its changes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "assay/core/file_system.h"
#include "assay/core/record_file.h"

#include "semantic/store/record_internal.h"

namespace assay::cache::internal {

struct SemanticFile {
  core::FileSystem* files = nullptr;
  std::string path;
  std::optional<core::RecordWriter> writer;  // absent after a failure
  CountRecord counts;                        // not written yet
  std::uint64_t entry_bytes = 0;             // that the present entries take in the file
  std::string error;                         // why nothing is kept any more; empty: it is
};

// So many bytes may lie in a file without need before it is written anew.
inline constexpr std::uint64_t kMostWaste = 4U << 20U;

}  // namespace assay::cache::internal
