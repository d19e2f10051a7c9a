// From two questions and what surrounds them to the inputs of the model.
#pragma once
#include <cstdint>
#include <span>

#include "assay/cache/semantic/question.h"
#include "assay/cache/semantic/semantic_cache.h"

namespace assay::cache::internal {

// Fills what the pair itself says. `check_facts` false: differences of facts say nothing.
void AddPair(const Question& asked, const Question& cached, const Agreement& agreement,
             float cosine, float static_cosine, bool check_facts, PairFeatures& features);

void AddHistory(std::uint32_t right, std::uint32_t wrong, PairFeatures& features);

// What the candidates say about one another: whose answers agree. Needs cosine and group.
void AddNeighbours(std::span<Candidate> candidates);

}  // namespace assay::cache::internal
