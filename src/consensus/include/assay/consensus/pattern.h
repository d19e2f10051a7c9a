// assay/consensus/pattern.h: what a history of exchanges shows: what recurs, when, and what stands
// out. Room: consensus.  Threads: pure functions. All of it in O(n log n): frequencies by sorting,
// the hull by monotone chains (Andrew 1979), periodicity by an FFT autocorrelation
// (Wiener-Khinchin), change points by binary segmentation (Scott and Knott 1974) with a BIC
// penalty, outliers by the modified z-score (Iglewicz and Hoaglin 1993).
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/core/result.h"

namespace assay::consensus {

inline constexpr std::size_t kMaxEvents = std::size_t{1} << 22;

// One exchange: what kind it was, and a measure of it (latency, agreement, confidence, ...).
struct Event {
  double time_s = 0;         // since any moment; events may come in any order
  std::string_view pattern;  // its kind: a route, a question, an opinion
  double value = 0;
};

struct PatternCount {
  std::string pattern;
  std::uint64_t count = 0;
  double share = 0;
  double value_mean = 0;
};

struct ValueStatistics {
  double mean = 0, deviation = 0;  // sample standard deviation
  double median = 0, spread = 0;   // spread: median absolute deviation * 1.4826
  double least = 0, most = 0;
  double low = 0, high = 0;           // 5% and 95% quantiles, interpolated
  double skewness = 0, kurtosis = 0;  // third and fourth standardised moments; 3 for a normal
};

// Of the curve of values over time, both scaled to [0, 1].
struct Geometry {
  double length = 0;        // of the curve
  double straightness = 0;  // distance of its ends over its length, [0, 1]
  double area = 0;          // under it (trapezoids), [0, 1]
  double hull_area = 0;     // of its convex hull, [0, 1]
  double turning = 0;       // mean absolute change of direction, radians, [0, pi]
  double slope = 0;         // of the least-squares line
};

struct Period {
  double seconds = 0;
  double strength = 0;  // autocorrelation at it, (0, 1]
};

struct ChangePoint {
  std::size_t index = 0;  // first event of the new level, in order of time
  double time_s = 0;
  double before = 0, after = 0;  // mean values of the two segments
};

struct Outlier {
  std::size_t index = 0;  // in order of time
  double time_s = 0;
  double value = 0;
  double score = 0;  // modified z-score within its segment; signed
};

struct PatternReport {
  std::uint64_t events = 0;
  std::uint64_t distinct = 0;
  double first_s = 0, last_s = 0;
  double entropy_bits = 0;  // of the pattern frequencies
  double repeated = 0;      // share of events whose pattern came before: what a cache could save
  std::vector<PatternCount> top;  // most frequent first, then by name
  ValueStatistics values;
  Geometry geometry;
  std::vector<Period> periods;  // of the rate of events, strongest first, at most 5
  std::vector<ChangePoint> changes;
  std::vector<Outlier> outliers;  // in order of time, at most 1000, the strongest
};

// Errors: kInvalidArgument for no events or a time or value that is not finite; kOutOfRange above
// kMaxEvents. Equal times keep their order.
[[nodiscard]] Result<PatternReport> AnalyzePatterns(std::span<const Event> events,
                                                    std::size_t top = 20);

// r[k] / r[0] of the values without their mean, for k = 0 .. values.size() - 1. O(n log n). Zeros
// behind the first for constant values.
[[nodiscard]] std::vector<double> Autocorrelation(std::span<const double> values);

[[nodiscard]] boost::json::object ToJson(const PatternReport& report);

// A picture of 960 x 540: values over time with change points and outliers, and the most frequent
// patterns. Standalone SVG 1.1 with text, no script.
[[nodiscard]] std::string PatternSvg(std::span<const Event> events, const PatternReport& report);

}  // namespace assay::consensus
