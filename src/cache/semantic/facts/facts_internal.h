// Facts of two questions against each other; each adds what differs.
#pragma once
#include <vector>

#include "assay/cache/semantic/question.h"

#include "semantic/facts/matching_internal.h"

namespace assay::cache::internal {

struct FactInput {
  const Question& asked;
  const Question& cached;
  const Matching& matching;
};

// Numbers, dates, durations, money, measures, and words that hold digits. True where both name
// some.
bool CompareQuantities(const FactInput& input, std::vector<Difference>& out);
bool CompareNames(const FactInput& input, std::vector<Difference>& out);
// Opposites and members of one set, then negations that no opposite explains.
void CompareOpposites(const FactInput& input, std::vector<Difference>& out);
void CompareQuantifiers(const FactInput& input, std::vector<Difference>& out);
void CompareModality(const FactInput& input, std::vector<Difference>& out);
// Who does what to whom, and from where to where.
void CompareOrder(const FactInput& input, std::vector<Difference>& out);

}  // namespace assay::cache::internal
