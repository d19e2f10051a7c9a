// store/manifest.h: which files make up a store. Format: docs/formats/vector-store.md.
// Room: vector, private.  Threads: pure functions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"

namespace assay::vector::internal {

inline constexpr std::string_view kManifestName = "manifest";
inline constexpr std::string_view kBasePrefix = "base-";
inline constexpr std::string_view kLogPrefix = "log-";

struct Manifest {
  // A packed state, or a log of what came after `version`.
  struct File {
    std::uint64_t version = 0;  // of the state that a base holds, or that a log begins behind
    std::string name;
  };

  std::size_t dim = 0;
  std::string encoder;
  std::uint64_t next_file = 1;  // number of the next file to be made
  std::vector<File> bases;      // rising versions
  std::vector<File> logs;       // rising versions, at least one
  // Where the last log ended when the store was closed, or a base was adopted; 0: not known. Less
  // than that is damage.
  std::uint64_t end_bytes = 0;
};

[[nodiscard]] std::string FormatManifest(const Manifest& manifest);
// Errors: kDataLoss; kFailedPrecondition for another version. `name` stands in them.
[[nodiscard]] Result<Manifest> ParseManifest(std::string_view text, std::string_view name);

// Errors: those of the disk, and of ParseManifest.
[[nodiscard]] Result<Manifest> LoadManifest(core::FileSystem& files, const std::string& folder);
[[nodiscard]] Result<void> SaveManifest(core::FileSystem& files, const std::string& folder,
                                        const Manifest& manifest);

}  // namespace assay::vector::internal
