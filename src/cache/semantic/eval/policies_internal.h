// What decides over a request of an evaluation: serve the cached answer or ask.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/core/hash.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"

namespace assay::cache::internal {

struct Outcome {
  bool hit = false;
  bool wrong = false;    // the hit's answer is another one
  bool checked = false;  // the hit went upstream all the same
  double score = -1;     // of the candidate that would be served; below 0: there is none
  bool score_wrong = false;
};

class Policy {
 public:
  virtual ~Policy() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  // Puts a question into the cache without asking.
  [[nodiscard]] virtual Result<void> Preload(const core::Hash128& context,
                                             std::string_view question, std::uint64_t answer) = 0;
  // A request; a miss goes upstream, is learned from and remembered.
  [[nodiscard]] virtual Result<Outcome> Ask(const core::Hash128& context, std::string_view question,
                                            std::uint64_t answer) = 0;
};

// Serves the nearest question at or above a cosine: what GPTCache and Redis do.
[[nodiscard]] std::unique_ptr<Policy> MakeFixedCosine(const embed::Encoder& precise,
                                                      double threshold);

// vCache (arXiv 2502.03771), written after the paper: for each entry a logistic curve of
// correctness over similarity, with a confidence bound; the nearest entry is served with the
// probability that keeps its expected error within `delta`.
[[nodiscard]] std::unique_ptr<Policy> MakeVCache(const embed::Encoder& precise, double delta,
                                                 std::uint64_t seed);

struct AssayPolicyOptions {
  std::string name;
  SemanticOptions semantic;
  bool learn = true;
  std::uint64_t seed = 1;
};
[[nodiscard]] std::unique_ptr<Policy> MakeAssay(const embed::Encoder& fast,
                                                const embed::Encoder& precise,
                                                const AssayPolicyOptions& options);

}  // namespace assay::cache::internal
