// From a claim and its pool of evidence to features, and from features to a verdict.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/verdict.h"

#include "facts/clause_internal.h"
#include "facts/facts_internal.h"
#include "statement/coverage_internal.h"
#include "verify/model_internal.h"

namespace assay::claims::internal {

// All that is measured about one claim.
struct Measurement {
  FeatureVector features;
  Facts facts;
  ClauseMatch clause;
  std::vector<std::uint32_t> ranking;    // rows of the pool, best first
  std::vector<float> shares;             // [pool] how much of the claim a row covers, in [0, 1]
  std::vector<std::uint32_t> unmatched;  // content tokens that no evidence is near to, worst first
  bool from_records = false;             // most of the pool are fields of records, no sentences
  bool verbatim = false;                 // some row holds the claim's words and no others
};

// Requires: pool is not empty. `ranked`: how many rows `ranking` holds at most (at least three).
[[nodiscard]] Measurement Measure(const Statement& claim, const EvidencePool& pool,
                                  const WordTable& words, const LinearModel& swap_model,
                                  std::size_t ranked);

struct Decision {
  Verdict verdict = Verdict::kUnverified;
  float confidence = 0;
  float support = 0;
  float support_by_facts = 0;  // the same before an Entailment was heard
  // Whether the odds alone decided: no fact, no wording, and the evidence speaks of the subject.
  bool by_odds = false;
  // Where it did: whether the documents say something else, if they do not support the claim, and
  // with which probability.
  bool contradicts = false;
  float contradiction = 0;
  // A fact decided, in a sentence that the evidence holds but for it: no other word is wrong.
  bool by_one_fact = false;
  bool has_document = false;  // the evidence has kMinDocumentSentences or more
  // Index into facts.findings of what decided, or kNoFinding.
  std::size_t finding = static_cast<std::size_t>(-1);
};
inline constexpr std::size_t kNoFinding = static_cast<std::size_t>(-1);

// Probability that a claim is not supported, of log odds as the weights give them. Of a document
// those lean to "supported": a quarter of the claims in training was not.
[[nodiscard]] float EvenRisk(float log_odds, bool has_document);

// Verdict and confidence of what the odds decide: `risk` is the probability that the claim is not
// supported, and `contradicts` and `contradiction` are set.
void SetByOdds(bool supported, float risk, Decision& decision);

// `support_threshold`: see VerifierOptions. Sorts the findings: what decided comes first.
[[nodiscard]] Decision Decide(Measurement& measurement, const VerifierModel& model,
                              float support_threshold);

// One sentence for people. `file` and `line` are those of the finding's evidence, or of the best.
[[nodiscard]] std::string ReasonFor(const Decision& decision, const Measurement& measurement,
                                    const Statement& claim, std::string_view file,
                                    std::uint32_t line);

}  // namespace assay::claims::internal
