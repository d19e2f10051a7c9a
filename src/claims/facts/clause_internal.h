// Whether one sentence of the evidence holds the claim's subject together with its predicate.
#pragma once
#include <cstdint>
#include <span>

#include "statement/coverage_internal.h"
#include "statement/statement_internal.h"

namespace assay::claims::internal {

// Weighted similarities in [0, 1] of the claim's words to their nearest ones. Quantities
// (compared on their own) and the name of a subject that is no person (often "the company" in the
// documents) are left out, words of many passages weigh little. 1 where
// nothing is left to compare.
struct ClauseMatch {
  float all = 1;        // in the sentence that holds most of them, the subject counting most
  float best = 1;       // in the sentence that ranks first, without any names
  float top = 1;        // in the best three sentences together
  float subject = 1;    // of `all`, the words before the verb that are not in many passages
  float predicate = 1;  // the full verb; 1 for one that says little
  float others = 1;     // all but the predicate
};

// `coverage` is that of the same pool. A sentence's heading and, behind a pronoun, the sentence
// before lend their words. O(content words * pool).
[[nodiscard]] ClauseMatch MatchClause(const Statement& claim, const EvidencePool& pool,
                                      const Coverage& coverage);

}  // namespace assay::claims::internal
