// assay/telemetry/metrics_snapshot.h: what the dashboard sees of the metrics.
// Room: telemetry.  Threads: plain values.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::telemetry {

inline constexpr std::size_t kSecondsKept = 300;
inline constexpr std::size_t kMinutesKept = 60;

enum class SeriesKind : std::uint8_t { kCounter, kGauge, kHistogram };

// What happened in one tick or one minute.
struct IntervalPoint {
  double value =
      0;           // counter: increase a second; gauge: its value; histogram: observations a second
  double p50 = 0;  // of a histogram's observations in the interval, in the unit of the name; else 0
  double p95 = 0;
  double p99 = 0;
};

struct SeriesSnapshot {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  SeriesKind kind = SeriesKind::kCounter;
  double total = 0;  // counter: sum; gauge: value; histogram: number of observations
  double sum = 0;    // histogram: of the observations
  double p50 = 0;    // histogram: since the process began
  double p95 = 0;
  double p99 = 0;
  std::vector<IntervalPoint> seconds;  // oldest first, at most kSecondsKept
  std::vector<IntervalPoint> minutes;  // oldest first, at most kMinutesKept, whole minutes only
};

struct MetricsSnapshot {
  std::int64_t unix_ms = 0;  // of the last tick
  std::vector<SeriesSnapshot> series;

  // The series of that name whose labels hold all of `labels`; null when there is none.
  [[nodiscard]] const SeriesSnapshot* Find(
      std::string_view name,
      const std::vector<std::pair<std::string, std::string>>& labels = {}) const;
};

}  // namespace assay::telemetry
