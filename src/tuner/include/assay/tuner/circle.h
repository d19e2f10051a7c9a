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
  kChecked,  // one after the other, until the documents support an answer; at the end the one that
             // they contradict least, and of those support most
};

struct CirclePlan {
  CirclePolicy policy = CirclePolicy::kSingle;
  std::vector<std::uint32_t> models;  // in the order in which they are asked; no two are equal
  // kChecked only: share of an answer's claims that ends the cascade, where none is contradicted.
  double min_supported = 0;
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

// On a table whose rows say which answers are equal, or what the documents say about them.
// Intervals: normal.
[[nodiscard]] CircleValue EvaluateCircle(const Outcomes& outcomes, const CirclePlan& plan,
                                         double confidence);

// The cheapest plan within the bounds, found by an engine; of equal ones the quickest. Only plans
// count whose models have answered half of the questions. Cut-offs of a checked cascade are tried
// in steps of 0.05; of those that do the same, the most careful one. Errors: kInvalidArgument for a
// log, for rows that neither say which answers agree nor what documents say, and as Minimize;
// kFailedPrecondition when no plan keeps the bounds.
struct TunedCircle {
  CirclePlan plan;
  std::uint64_t enumerated = 0;    // plans, where all of them, 20,000 at most, were tried too
  bool engine_found_best = false;  // where all were tried
};
[[nodiscard]] Result<TunedCircle> TuneCircle(const Outcomes& outcomes, const CircleBounds& bounds,
                                             const SearchOptions& options);

// "single", "cascade", "fanout", "checked".
[[nodiscard]] std::string_view PolicyName(CirclePolicy policy);
// Lines for the file of `assay serve`: one route of that name, which checks against `documents`
// where the plan does.
[[nodiscard]] std::string CircleLines(const Outcomes& outcomes, const CirclePlan& plan,
                                      std::string_view route,
                                      const std::vector<std::string>& documents);

}  // namespace assay::tuner
