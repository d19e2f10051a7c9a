// Parts of the analysis of a history.
#pragma once
#include <span>
#include <vector>

#include "assay/consensus/pattern.h"

namespace assay::consensus::internal {

// Places of the events in order of time; equal times keep their order.
[[nodiscard]] std::vector<std::uint32_t> OrderByTime(std::span<const Event> events);

// Median of values, which it reorders. Requires: not empty.
[[nodiscard]] double MedianOf(std::span<double> values);

[[nodiscard]] ValueStatistics StatisticsOf(std::span<const double> values);

// times rise; both of the same size.
[[nodiscard]] Geometry GeometryOf(std::span<const double> times, std::span<const double> values);

// Of the numbers of events in equal slices of time.
[[nodiscard]] std::vector<Period> PeriodsOf(std::span<const double> times);

// First places of new levels, rising.
[[nodiscard]] std::vector<std::size_t> LevelsOf(std::span<const double> values);

// `levels` as from LevelsOf.
[[nodiscard]] std::vector<Outlier> OutliersOf(std::span<const double> times,
                                              std::span<const double> values,
                                              std::span<const std::size_t> levels);

}  // namespace assay::consensus::internal
