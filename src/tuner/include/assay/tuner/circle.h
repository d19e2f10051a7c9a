// assay/tuner/circle.h: which models to ask for one answer, in which order, and when to stop.
// Room: tuner (uses core, experiments).  Threads: pure functions.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/tuner/engine.h"
#include "assay/tuner/routing.h"

namespace assay::tuner {

inline constexpr std::size_t kMostAsked = 6;  // models of one answer

enum class CirclePolicy : std::uint8_t {
  kSingle,   // the first one
  kCascade,  // one after the other, until two agree; at the end the answer of most
  kFanout,   // all at once; the answer of most, of the first where several have as many
};

struct CirclePlan {
  CirclePolicy policy = CirclePolicy::kSingle;
  std::vector<std::uint32_t> models;  // in the order in which they are asked; no two are equal
};

struct CircleBounds {
  double least_quality = 0;
  // Of the mean; of a cascade the sum of those asked, of a fanout the slowest.
  double most_latency_ms = std::numeric_limits<double>::infinity();
};

struct CircleValue {
  std::uint64_t n = 0;  // questions that all models of the plan have answered
  Estimate quality;
  Estimate cost;        // US dollars a question
  Estimate latency_ms;  // 0 where no latencies are known
  double asked = 0;     // models, mean
};

// On a table whose rows say which answers are equal. Intervals: normal.
[[nodiscard]] CircleValue EvaluateCircle(const Outcomes& outcomes, const CirclePlan& plan,
                                         double confidence);

// The cheapest plan within the bounds, found by an engine; of equal ones the quickest. `tried` gets
// the number of plans where all of them were tried too: at most 20,000. Errors: kInvalidArgument
// for a log, for rows without answers, and as Minimize; kFailedPrecondition when no plan keeps the
// bounds.
struct TunedCircle {
  CirclePlan plan;
  std::uint64_t enumerated = 0;    // 0: too many to try all
  bool engine_found_best = false;  // where all were tried
};
[[nodiscard]] Result<TunedCircle> TuneCircle(const Outcomes& outcomes, const CircleBounds& bounds,
                                             const SearchOptions& options);

// "single", "cascade", "fanout".
[[nodiscard]] std::string_view PolicyName(CirclePolicy policy);
// Lines for the file of `assay serve`: one route of that name.
[[nodiscard]] std::string CircleLines(const Outcomes& outcomes, const CirclePlan& plan,
                                      std::string_view route);

}  // namespace assay::tuner
