// What `assay scan` was asked for.
#pragma once
#include <cstdint>
#include <string>

#include "assay/scan/scanner.h"
#include "assay/scan/services.h"
#include "assay/scan/targets.h"

namespace assay::cli {

struct ScanCommandOptions {
  scan::TargetOptions targets;
  std::string ports;
  scan::ScanOptions scan;
  scan::IdentifyOptions identify;
  std::int64_t max_age_ms = 0;  // 0: no cached results
  std::string cache;            // their file; empty: the user's
  std::int64_t watch_ms = 0;    // 0: look once
  bool open_only = false;
  bool upstreams = false;
  bool json = false;
};

}  // namespace assay::cli
