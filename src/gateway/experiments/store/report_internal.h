// What goes into an experiment and what comes out of it.
// Threads: plain values.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/experiments/analysis.h"
#include "assay/experiments/live.h"
#include "assay/gateway/settings.h"

#include "experiments/definition_internal.h"
#include "experiments/store/log_records_internal.h"

namespace assay::gateway {

struct FinishedRequest {
  std::array<double, kMeasures> measures;  // by Measure; NaN: not known
};

// What a client reports about one request or one unit.
struct ReportedOutcome {
  std::string tenant;
  std::string request_id;  // one of the two is empty
  std::string unit;
  std::vector<std::pair<std::string, double>> values;  // by metric
};

struct RecordedOutcome {
  std::string variant;
  std::size_t recorded = 0;  // values that were new
  std::size_t repeated = 0;  // values that were there already
};

// Of one comparison, after so many outcomes; of a metric that the gateway measures, requests. Those
// are not in the log, so that their points begin anew with the process and with new settings.
// Of gateways that count together: of all of them where this process saw it, of this gateway alone
// for what its log tells of before.
struct HistoryPoint {
  std::int64_t at_ms = 0;
  std::uint64_t outcomes = 0;
  std::uint32_t variant = 0;
  std::uint32_t metric = 0;
  double effect = 0;
  experiments::Interval interval;
};

struct VariantReport {
  std::int64_t units = 0;
  MeasureSums measures;
  std::vector<experiments::OutcomeSum> outcomes;  // as ExperimentSettings::metrics
};

struct ExperimentReport {
  ExperimentSettings settings;
  bool running = false;
  bool stopped = false;  // by an administrator
  std::vector<VariantReport> variants;
  experiments::ExperimentAnalysis analysis;
  std::vector<HistoryPoint> history;
  std::uint64_t outcomes = 0;   // that count
  std::uint64_t set_aside = 0;  // of variants or metrics that were changed or removed
  std::uint64_t lost = 0;       // exposures and requests that no queue or table had room for
  std::size_t gateways = 1;     // whose counts are in it
  bool partial = false;         // what others counted lately may be missing
};

}  // namespace assay::gateway
