// What `assay scan` prints.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "assay/scan/result_cache.h"
#include "assay/scan/watcher.h"

#include "terminal.h"

namespace assay::cli {

struct ScanOutput {
  scan::Findings findings;
  std::optional<std::int64_t> age_ms;  // of a cached result
  double seconds = 0;                  // that this took
};

[[nodiscard]] std::string ScanJson(const ScanOutput& output);
[[nodiscard]] std::string ScanTable(const ScanOutput& output, const Painter& paint);

// One line each, with its line feed; `wall_ns` is when it was seen.
[[nodiscard]] std::string ChangeJson(const scan::Change& change, std::int64_t wall_ns);
[[nodiscard]] std::string ChangeText(const scan::Change& change, std::int64_t wall_ns,
                                     const Painter& paint);

}  // namespace assay::cli
