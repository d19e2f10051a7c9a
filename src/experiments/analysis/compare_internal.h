// One variant against the control in one metric.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "assay/experiments/analysis.h"

namespace assay::experiments::internal {

enum class CellKind : std::uint8_t { kMean, kProportion, kRatio, kCuped };

// A variant's values of a metric, summarised once.
struct Cell {
  CellKind kind = CellKind::kMean;
  Summary summary;  // kMean, kProportion and kCuped (adjusted)
  PairSummary pair;
  Proportion counts;
};

struct CompareOptions {
  double confidence;
  double z;            // of that confidence, two-sided
  double improvement;  // relative size of the effects that matter
  bool sequential;
  double effect_size;  // as in ExperimentData
};

// variants x metrics, row-major. Errors: kInvalidArgument naming variant and metric.
[[nodiscard]] Result<std::vector<Cell>> SummarizeCells(const ExperimentData& data);

[[nodiscard]] Result<Comparison> Compare(const ExperimentData& data, std::span<const Cell> cells,
                                         std::size_t variant, std::size_t metric,
                                         const CompareOptions& options);

}  // namespace assay::experiments::internal
