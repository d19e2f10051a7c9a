// assay/claims/entailment.h: the seam for a model that reads claim and evidence together.
// Room: claims.  Threads: Score may be called by many threads at once.
// None is shipped: the Verifier decides by facts and similarity, and asks an Entailment only where
// it is given one.
#pragma once
#include <span>
#include <string_view>

#include "assay/core/result.h"

namespace assay::claims {

struct EntailmentPair {
  std::string_view evidence;  // premise: one or more sentences
  std::string_view claim;     // hypothesis
};

// Probabilities that add up to 1.
struct EntailmentScore {
  float supported = 0;
  float contradicted = 0;
  float neutral = 0;
};

class Entailment {
 public:
  virtual ~Entailment() = default;

  // Identifies model and version; part of what verdicts are cached under.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // One score per pair, in order; a score never depends on the other pairs. Errors:
  // kInvalidArgument if the sizes differ; kInternal if the inference engine fails.
  [[nodiscard]] virtual Result<void> Score(std::span<const EntailmentPair> pairs,
                                           std::span<EntailmentScore> out) const = 0;
};

}  // namespace assay::claims
