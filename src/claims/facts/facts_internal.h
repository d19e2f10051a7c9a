// Facts of the claim against the facts of its evidence, one by one.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "assay/claims/verdict.h"

#include "facts/alignment_internal.h"
#include "statement/statement_internal.h"
#include "verify/features_internal.h"

namespace assay::claims::internal {

// A word of the claim and the evidence's word at its place.
struct WordSwap {
  std::uint32_t claim = 0;  // word ids
  std::uint32_t evidence = 0;
};

// A finding before its evidence is named; `evidence` of the finding is a row of the pool.
struct Facts {
  std::vector<FactFinding> findings;
  std::vector<WordSwap> swaps;  // at most kMaxSwaps
};
inline constexpr std::size_t kMaxSwaps = 2;

// What every comparison looks at. `ranking` is Coverage::ranking and not empty; `alignment` is
// that of the claim with the best sentence.
struct FactInput {
  const Statement& claim;
  std::span<const Statement* const> pool;
  std::span<const std::uint32_t> ranking;
  const Alignment& alignment;
  const WordTable& words;

  [[nodiscard]] const Statement& best() const { return *pool[ranking[0]]; }
};

void CompareAlignment(const FactInput& input, FeatureVector& features, Facts& facts);
void CompareQuantities(const FactInput& input, FeatureVector& features, Facts& facts);
void CompareNames(const FactInput& input, FeatureVector& features, Facts& facts);
// Negation, opposites, quantifiers, modality, comparatives, hedges.
void CompareCues(const FactInput& input, FeatureVector& features, Facts& facts);
// Who did what to whom: two names that change places around the same word.
void CompareOrder(const FactInput& input, FeatureVector& features, Facts& facts);
// Fields of records anywhere in the pool, opening hours included.
void CompareFields(const FactInput& input, FeatureVector& features, Facts& facts);

}  // namespace assay::claims::internal
