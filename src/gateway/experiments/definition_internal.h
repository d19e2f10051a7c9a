// An experiment of the settings, as the rooms below want it.
// Threads: pure functions.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "assay/experiments/live.h"
#include "assay/gateway/settings.h"

namespace assay::gateway {

[[nodiscard]] experiments::LiveExperiment LiveOf(const ExperimentSettings& settings);

[[nodiscard]] bool RunsOn(const ExperimentSettings& settings, std::string_view route);

// Of what the variant does, not of its name and share. Stored: never change how it is made.
[[nodiscard]] std::uint64_t VersionOf(const VariantSettings& variant);

// What the gateway fills for every request, by the names that a metric may have.
enum class Measure : std::uint8_t { kLatency, kError, kTokens, kCost };
inline constexpr std::array<std::string_view, 4> kMeasureNames = {"latency_ms", "error", "tokens",
                                                                  "cost_usd"};
inline constexpr std::size_t kMeasures = kMeasureNames.size();

// kMeasures for a metric that clients report.
[[nodiscard]] std::size_t MeasureOf(std::string_view metric);

}  // namespace assay::gateway
