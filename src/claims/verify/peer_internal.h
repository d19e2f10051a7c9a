// What evaluation and training see of a Verifier beside its judgements.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/claims/verifier.h"

#include "verify/judge_internal.h"

namespace assay::claims::internal {

inline constexpr std::size_t kObservedEvidence = 8;

// Everything that was measured on the way to one judgement.
struct Observation {
  FeatureVector features;
  ClauseMatch clause;
  Decision decision;
  // Vectors of the words that were swapped, claim and evidence.
  std::vector<std::pair<std::vector<float>, std::vector<float>>> swaps;
  std::vector<std::string> evidence;  // the best sentences, best first, at most kObservedEvidence
};

class VerifierPeer {
 public:
  // `model` must outlive the verifier.
  static void SetModel(Verifier& verifier, const VerifierModel& model);
  // Null: none. It must outlive the verifier, whose identity() still names the one it was made
  // with.
  static void SetEntailment(Verifier& verifier, const Entailment* entailment);
  // As Verify, and fills `observation`.
  [[nodiscard]] static Result<Judgement> Observe(Verifier& verifier, std::string_view claim,
                                                 Observation& observation);
};

}  // namespace assay::claims::internal
