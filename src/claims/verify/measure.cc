#include <algorithm>

#include "verify/judge_internal.h"

namespace assay::claims::internal {
namespace {

constexpr float kUnmatched = 0.6F;  // similarity below which a word counts as not mentioned

bool SameWords(const Statement& claim, const Statement& sentence) {
  return std::ranges::equal(claim.tokens, sentence.tokens, {}, &Token::word, &Token::word);
}

// The learned part: how much the swaps of words look like contradictions.
float SwapScore(const Facts& facts, const WordTable& words, const LinearModel& model) {
  constexpr float kNone = -3;  // log odds that stand for "nothing was exchanged"
  float score = kNone;
  const std::size_t dim = words.dim();
  if (dim == 0 || model.weights.size() != 2 * dim) return score;
  for (const WordSwap& swap : facts.swaps) {
    const std::span<const float> a = words.vector(swap.claim);
    const std::span<const float> b = words.vector(swap.evidence);
    float log_odds = model.bias;
    for (std::size_t d = 0; d < dim; ++d) {
      const float distance = a[d] > b[d] ? a[d] - b[d] : b[d] - a[d];
      log_odds += model.weights[d] * a[d] * b[d] + model.weights[dim + d] * distance;
    }
    score = std::max(score, log_odds);
  }
  return score;
}

std::vector<std::uint32_t> UnmatchedWords(const Statement& claim, const Coverage& coverage) {
  const std::size_t content = claim.content.size();
  std::vector<std::pair<float, std::uint32_t>> found;
  for (std::size_t i = 0; i < content; ++i) {
    float nearest = 0;
    for (std::size_t s = 0; s < coverage.share.size(); ++s) {
      nearest = std::max(nearest, coverage.near[s * content + i]);
    }
    if (nearest < kUnmatched) found.emplace_back(nearest, claim.content[i]);
  }
  std::ranges::sort(found);
  std::vector<std::uint32_t> tokens;
  for (const auto& [nearest, token] : found) tokens.push_back(token);
  return tokens;
}

}  // namespace

Measurement Measure(const Statement& claim, const EvidencePool& evidence, const WordTable& words,
                    const LinearModel& swap_model, std::size_t ranked) {
  const std::span<const Statement* const> pool = evidence.rows;
  const std::size_t sentences = evidence.sentences();
  Measurement m;
  Coverage coverage = MeasureCoverage(claim, pool, words, sentences, ranked, m.features);
  const Alignment alignment = Align(claim, *pool[coverage.ranking[0]], words);
  const FactInput input{claim, pool, coverage.ranking, alignment, words};
  CompareAlignment(input, m.features, m.facts);
  CompareQuantities(input, m.features, m.facts);
  CompareNames(input, m.features, m.facts);
  CompareCues(input, m.features, m.facts);
  CompareOrder(input, m.features, m.facts);
  CompareFields(input, m.features, m.facts);

  m.features[Feature::kSlotScore] = SwapScore(m.facts, words, swap_model);
  m.clause = MatchClause(claim, evidence, coverage);
  m.unmatched = UnmatchedWords(claim, coverage);
  m.from_records =
      std::ranges::count_if(pool.first(sentences),
                            [](const Statement* sentence) { return !sentence->fields.empty(); }) *
          2 >
      static_cast<std::ptrdiff_t>(sentences);
  m.verbatim = std::ranges::any_of(pool.first(sentences), [&claim](const Statement* sentence) {
    return SameWords(claim, *sentence);
  });
  m.ranking = std::move(coverage.ranking);
  m.shares = std::move(coverage.share);
  return m;
}

}  // namespace assay::claims::internal
