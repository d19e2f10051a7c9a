// The JSON forms of experiments: docs/openapi.yaml, and web/src/types.ts for the dashboard.
// Threads: pure functions.
#pragma once
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "assay/core/result.h"

#include "experiments/store/store_internal.h"

namespace assay::gateway {

inline constexpr std::size_t kMaxOutcomeUnitBytes = 256;

// {"request_id" | "unit": text, "values": {metric: number or bool, ...}}; the tenant stays empty.
// Errors: kInvalidArgument naming the field.
[[nodiscard]] Result<ReportedOutcome> ReadOutcome(std::string_view body);

// How it stands, without comparisons and history.
[[nodiscard]] boost::json::object ExperimentRow(const ExperimentReport& report);
// All of it.
[[nodiscard]] boost::json::object ExperimentJson(const ExperimentReport& report);

}  // namespace assay::gateway
