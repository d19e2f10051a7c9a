// disk/checkpoint.h: the index as a file, so that a start need not read the whole log.
// Room: cache, private.  Threads: one at a time for each index.
// Format: docs/formats/cache-log.md.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "assay/core/file_system.h"
#include "assay/core/result.h"

#include "disk/index.h"

namespace assay::cache::disk {

// Everything before this place of the log is in the checkpoint.
struct LogPlace {
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;
  std::uint64_t next_sequence = 1;
};

// Replaces the file in one step. `before_rename` runs when the index has been copied: what the
// copies point to must be on the disk when the file is.
[[nodiscard]] Result<void> WriteCheckpoint(core::FileSystem& files, const std::string& path,
                                           const Index& index, const LogPlace& place,
                                           const std::function<Result<void>()>& before_rename);

// Fills an empty index, on all cores. Errors: kNotFound; kDataLoss for any damage (the index is
// then empty again); kFailedPrecondition for another version or byte order.
[[nodiscard]] Result<LogPlace> LoadCheckpoint(core::FileSystem& files, const std::string& path,
                                              Index& index);
// The same from bytes; `name` stands in errors.
[[nodiscard]] Result<LogPlace> ParseCheckpoint(std::string_view bytes, const std::string& name,
                                               Index& index);

}  // namespace assay::cache::disk
