// assay/scan/result_cache.h: results of scans, kept for a while in a file.
// Room: scan (uses core).  Threads: safe; of two that store at once, one result may be lost.
// Format: docs/formats/scan-results.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/hash.h"
#include "assay/core/result.h"
#include "assay/scan/scanner.h"
#include "assay/scan/services.h"
#include "assay/scan/targets.h"

namespace assay::scan {

// What a scan found.
struct Findings {
  std::vector<Service> services;
  std::uint64_t targets = 0;
  std::uint64_t refused = 0;
  std::uint64_t silent = 0;
  std::uint64_t unreachable = 0;
  std::uint64_t tries = 0;
  std::uint64_t most_at_once = 0;  // as in ScanReport
  std::int64_t took_ns = 0;
  std::int64_t begun_ms = 0;  // wall clock, since the Unix epoch
  friend bool operator==(const Findings&, const Findings&) = default;
};

// Stands for everything that decides what a scan may find: addresses, ports, times and retries; not
// how many tries run at once. Without `identify` nothing was asked. O(ranges + ports).
[[nodiscard]] core::Hash128 ResultKey(const TargetSet& targets, const ScanOptions& scan,
                                      const std::optional<IdentifyOptions>& identify);

inline constexpr std::size_t kMaxCachedResults = 64;             // the oldest goes first
inline constexpr std::uint64_t kMaxResultFileBytes = 4'000'000;  // of all of them

class ResultCache {
 public:
  // The file need not be there yet.
  ResultCache(core::FileSystem& files, std::string path, core::Clock& clock = core::Clock::Real());

  struct Found {
    Findings findings;
    std::int64_t age_ms = 0;
  };
  // The result of that key, unless it began longer than `max_age_ms` ago or, by a clock that was
  // set back, in the future. Errors: kDataLoss for a file that is damaged or of another version;
  // kFailedPrecondition for one that is no such file; those of the disk. O(size of the file).
  [[nodiscard]] Result<std::optional<Found>> Find(const core::Hash128& key,
                                                  std::int64_t max_age_ms) const;

  // Keeps the result in the place of an older one of that key, and makes the folder where there is
  // none. The file is replaced as a whole; a damaged one is begun anew. Errors: kFailedPrecondition
  // for a file that is no such file, which is left as it is; kOutOfRange for a result that is
  // larger than kMaxResultFileBytes; those of the disk.
  [[nodiscard]] Result<void> Store(const core::Hash128& key, const Findings& findings) const;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  // The content behind the first line; empty where there is no file.
  [[nodiscard]] Result<std::string> ReadLines() const;

  core::FileSystem& files_;
  std::string path_;
  core::Clock& clock_;
};

}  // namespace assay::scan
