// assay/cache/semantic/evaluation.h: how many requests a semantic cache would have served, and how
// many of those wrongly, on sets with known answers.
// Room: cache.  Threads: one; the result depends on the data, the options and the encoders only.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"

namespace assay::cache {

enum class SemanticDataFormat : std::uint8_t {
  kPairs,    // {"a","b","same"}: "a" is cached, "b" is asked; its answer would do or not
  kIntents,  // {"text","intent"}: a stream in random order; equal intents have equal answers
};

struct SemanticEvalOptions {
  double budget = 0.01;
  std::uint64_t requests = 6000;  // of a stream of intents, fewer where there are fewer
  std::uint64_t limit = 0;        // pairs that are read, drawn at random; 0: all
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 3;  // orders of the requests
  double shadow_share = 0.2;
  std::function<void(std::string_view step, std::uint64_t done, std::uint64_t of)> progress = {};
};

// A share with its 95% interval, over all seeds together.
struct Share {
  std::uint64_t count = 0;
  std::uint64_t of = 0;
  [[nodiscard]] double value() const {
    return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of);
  }
  [[nodiscard]] Interval interval() const { return ClopperPearson(count, of); }
};

// What one threshold would have given, chosen with hindsight.
struct CurvePoint {
  double hit_ratio = 0;       // of all requests
  double false_hit_rate = 0;  // wrong ones of the hits
};

struct SemanticPolicyResult {
  std::string name;
  Share hit_ratio;              // hits of all requests
  Share error_rate;             // wrong hits of all requests: what a budget bounds
  Share false_hit_rate;         // wrong hits of all hits
  Share upstream;               // requests that went upstream all the same: misses and checked hits
  double worst_error_rate = 0;  // of one seed
  // Pairs only: the largest share that could be served with at most so many of the hits wrong,
  // the threshold chosen with hindsight; by kServedAt, mean over the seeds.
  std::vector<double> served_at;
  std::vector<CurvePoint> curve;  // pairs only: of the first seed, at most 200 points, ascending
};
inline constexpr double kServedAt[] = {0.01, 0.02, 0.05, 0.10};

struct SemanticEvalReport {
  SemanticDataFormat format = SemanticDataFormat::kPairs;
  std::uint64_t n = 0;  // requests of one seed
  std::uint64_t seeds = 0;
  double budget = 0;
  std::vector<SemanticPolicyResult> policies;
  double seconds = 0;
};

// Memory: the texts and two vectors each. Errors: kNotFound; kInvalidArgument for a line of neither
// format (names file, line and field) or an empty file; those of the encoders.
[[nodiscard]] Result<SemanticEvalReport> EvaluateSemanticCache(core::FileSystem& files,
                                                               const std::string& path,
                                                               const embed::Encoder& fast,
                                                               const embed::Encoder& precise,
                                                               const SemanticEvalOptions& options);

}  // namespace assay::cache
