// The records of an experiment's log: docs/formats/experiment-log.md.
// Threads: pure functions.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "assay/core/hash.h"
#include "assay/core/record_file.h"
#include "assay/core/result.h"
#include "assay/experiments/live.h"

#include "experiments/definition_internal.h"

namespace assay::gateway {

inline constexpr core::RecordFileKind kExperimentLogKind = {.tag = "exprmnts", .version = 1};

// A variant as it once was: outcomes stay with it when the settings change.
struct LogArm {  // the n-th such record is arm n
  std::string name;
  std::uint64_t version = 0;
  friend bool operator==(const LogArm&, const LogArm&) = default;
};

struct LogMetric {  // the n-th such record is metric n
  std::string name;
  friend bool operator==(const LogMetric&, const LogMetric&) = default;
};

struct LogExposures {
  struct One {
    std::uint64_t unit = 0;     // hashes of tenant and name
    std::uint64_t request = 0;  // 0: not known any more
    std::uint16_t arm = 0;
    friend bool operator==(const One&, const One&) = default;
  };
  std::vector<One> all;
  friend bool operator==(const LogExposures&, const LogExposures&) = default;
};

struct LogOutcome {
  core::Hash128 key;  // of tenant, unit or request, and metric: one value each
  std::int64_t at_ms = 0;
  double value = 0;  // finite
  std::uint16_t arm = 0;
  std::uint16_t metric = 0;
  friend bool operator==(const LogOutcome&, const LogOutcome&) = default;
};

using MeasureSums = std::array<experiments::OutcomeSum, kMeasures>;
struct LogMeasures {  // all of an arm so far; a later one takes the place of an earlier one
  std::uint16_t arm = 0;
  MeasureSums sums;
};

struct LogState {
  bool stopped = false;
  std::int64_t at_ms = 0;
  friend bool operator==(const LogState&, const LogState&) = default;
};

// Under which the other gateways know what this log counts.
struct LogOrigin {
  core::Hash128 id;  // drawn at random, once
  friend bool operator==(const LogOrigin&, const LogOrigin&) = default;
};

using LogRecord =
    std::variant<LogArm, LogMetric, LogExposures, LogOutcome, LogMeasures, LogState, LogOrigin>;

[[nodiscard]] std::string EncodeLogRecord(const LogRecord& record);
// Errors: kDataLoss for bytes that EncodeLogRecord never makes.
[[nodiscard]] Result<LogRecord> DecodeLogRecord(std::string_view bytes);

}  // namespace assay::gateway
