#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "statement/coverage_internal.h"

namespace assay::claims::internal {
namespace {

// Ranking of sentences: coverage first, then the direction of the whole sentence.
constexpr float kCosineWeight = 0.3F;
constexpr float kEqualWeight = 0.2F;
constexpr float kFar = 0.5F;  // a word whose nearest is below this has no near one
constexpr float kMaxEvidenceSentences = 60;

struct Shares {
  std::vector<float> equal;   // [sentences] rarity share of equal words
  std::vector<float> cosine;  // [sentences]
};

// near[s * content + i]: similarity of the claim's i-th content word to sentence s.
std::vector<float> NearestWords(const Statement& claim, std::span<const Statement* const> pool,
                                const WordTable& words) {
  const std::size_t content = claim.content.size();
  std::vector<float> near(pool.size() * content, 0);
  std::unordered_map<std::uint32_t, std::size_t> column;  // word id -> row of `known`
  std::vector<float> known;                               // [different words * content]
  for (std::size_t s = 0; s < pool.size(); ++s) {
    float* const row = near.data() + s * content;
    for (const std::uint32_t index : pool[s]->content) {
      const std::uint32_t word = pool[s]->tokens[index].word;
      const auto [it, is_new] = column.emplace(word, known.size());
      if (is_new) {
        for (const std::uint32_t i : claim.content) {
          known.push_back(std::max(0.0F, words.Similarity(claim.tokens[i].word, word)));
        }
      }
      for (std::size_t i = 0; i < content; ++i) row[i] = std::max(row[i], known[it->second + i]);
    }
  }
  return near;
}

bool Holds(const Statement& sentence, std::uint32_t stem) {
  return std::ranges::any_of(sentence.tokens,
                             [stem](const Token& token) { return token.stem == stem; });
}

bool StatesQuantity(const Statement& sentence, const text::Quantity& quantity) {
  return std::ranges::any_of(sentence.quantities, [&quantity](const text::Quantity& other) {
    return QuantityMatches(quantity, other);
  });
}

// equal[s * content + i]: whether sentence s holds the claim's i-th content word.
std::vector<char> EqualWords(const Statement& claim, std::span<const Statement* const> pool) {
  const std::size_t content = claim.content.size();
  std::vector<char> equal(pool.size() * content, 0);
  for (std::size_t s = 0; s < pool.size(); ++s) {
    for (std::size_t i = 0; i < content; ++i) {
      const Token& token = claim.tokens[claim.content[i]];
      const bool stated =
          token.quantity >= 0 &&
          StatesQuantity(*pool[s], claim.quantities[static_cast<std::size_t>(token.quantity)]);
      equal[s * content + i] = stated || Holds(*pool[s], token.stem) ? char{1} : char{0};
    }
  }
  return equal;
}

// A sentence about the same thing with another value must come before one about another thing with
// the same value, or its conflict would never be seen: quantities weigh little in the order of
// sentences. Names weigh less than other words: where a document's subject is named, every claim
// about it would be compared with that sentence alone.
constexpr float kQuantityRankWeight = 0.15F;
constexpr float kNameRankWeight = 0.2F;

float RankWeight(const Statement& claim, const Token& token) {
  if (token.quantity >= 0) return kQuantityRankWeight;
  const bool in_name = std::ranges::any_of(claim.names, [&token](const text::Name& name) {
    return token.span.begin < name.span.end && token.span.end > name.span.begin;
  });
  return in_name ? kNameRankWeight : 1;
}

// [sentences]: what words of quantities and names put too much into the share of equal words and
// the coverage.
std::vector<float> OverweightPart(const Statement& claim, std::span<const char> equal,
                                  const Coverage& coverage) {
  const std::size_t content = claim.content.size();
  const float total = std::max(claim.content_rarity, 1e-6F);
  std::vector<float> part(coverage.share.size(), 0);
  for (std::size_t i = 0; i < content; ++i) {
    const Token& token = claim.tokens[claim.content[i]];
    const float surplus = (1 - RankWeight(claim, token)) * token.rarity / total;
    if (surplus == 0) continue;
    for (std::size_t s = 0; s < part.size(); ++s) {
      part[s] += surplus * (static_cast<float>(equal[s * content + i]) * kEqualWeight +
                            coverage.near[s * content + i]);
    }
  }
  return part;
}

void Rank(const Shares& shares, std::span<const float> overweight, std::size_t n,
          std::size_t ranked, Coverage& coverage) {
  std::vector<float> score(n);
  for (std::size_t s = 0; s < n; ++s) {
    score[s] = coverage.share[s] + kCosineWeight * shares.cosine[s] +
               kEqualWeight * shares.equal[s] - overweight[s];
  }
  coverage.ranking.resize(n);
  std::iota(coverage.ranking.begin(), coverage.ranking.end(), 0U);
  const std::size_t keep = std::min(ranked, n);
  std::ranges::partial_sort(coverage.ranking,
                            coverage.ranking.begin() + static_cast<std::ptrdiff_t>(keep),
                            [&score](std::uint32_t a, std::uint32_t b) {
                              return score[a] != score[b] ? score[a] > score[b] : a < b;
                            });
  coverage.ranking.resize(keep);
}

void SetEqualFeatures(const Statement& claim, const Coverage& coverage, std::span<const char> equal,
                      FeatureVector& f) {
  const std::size_t content = claim.content.size();
  const float total = std::max(claim.content_rarity, 1e-6F);
  const std::size_t top = std::min(kTopSentences, coverage.ranking.size());
  for (std::size_t i = 0; i < content; ++i) {
    const float rarity = claim.tokens[claim.content[i]].rarity;
    bool in_any = false;
    bool in_top = false;
    for (std::size_t s = 0; s < equal.size() / content && !in_any; ++s) {
      in_any = equal[s * content + i] != 0;
    }
    for (std::size_t k = 0; k < top; ++k) {
      in_top = in_top || equal[coverage.ranking[k] * content + i] != 0;
    }
    if (in_top) f[Feature::kEqualTop] += rarity / total;
    if (!in_top) f[Feature::kMissingTopCount] += 1;
    if (in_any) continue;
    f[Feature::kNewShare] += rarity / total;
    f[Feature::kNewCount] += 1;
    f[Feature::kNewSumRarity] += rarity;
    f[Feature::kNewMaxRarity] = std::max(f[Feature::kNewMaxRarity], rarity);
  }
}

void SetNearFeatures(const Statement& claim, const Coverage& coverage, FeatureVector& f) {
  const std::size_t content = claim.content.size();
  const float total = std::max(claim.content_rarity, 1e-6F);
  const std::size_t top = std::min(kTopSentences, coverage.ranking.size());
  std::vector<float> all(content, 0);
  f[Feature::kNearMin] = f[Feature::kNearTopMin] = f[Feature::kNearBestMin] = 1;
  for (std::size_t i = 0; i < content; ++i) {
    const float rarity = claim.tokens[claim.content[i]].rarity;
    for (std::size_t s = 0; s < coverage.share.size(); ++s) {
      all[i] = std::max(all[i], coverage.near[s * content + i]);
    }
    float in_top = 0;
    for (std::size_t k = 0; k < top; ++k) {
      in_top = std::max(in_top, coverage.near[coverage.ranking[k] * content + i]);
    }
    const float in_best = coverage.near[coverage.ranking[0] * content + i];
    f[Feature::kNearMean] += all[i] * rarity / total;
    f[Feature::kNearTopMean] += in_top * rarity / total;
    f[Feature::kNearBestMean] += in_best * rarity / total;
    f[Feature::kNearMin] = std::min(f[Feature::kNearMin], all[i]);
    f[Feature::kNearTopMin] = std::min(f[Feature::kNearTopMin], in_top);
    f[Feature::kNearBestMin] = std::min(f[Feature::kNearBestMin], in_best);
    if (all[i] < kFar) f[Feature::kFarShare] += 1 / static_cast<float>(content);
    f[Feature::kFarMax] = std::max(f[Feature::kFarMax], (1 - all[i]) * rarity);
    f[Feature::kFarSum] += (1 - all[i]) * rarity;
    f[Feature::kFarBestSum] += (1 - in_best) * rarity;
    f[Feature::kFarBestMax] = std::max(f[Feature::kFarBestMax], (1 - in_best) * rarity);
  }
  std::ranges::sort(all);
  f[Feature::kNearLow2] = content == 1 ? all[0] : (all[0] + all[1]) / 2;
}

std::uint64_t PairKey(std::uint32_t a, std::uint32_t b) {
  return (static_cast<std::uint64_t>(a) << 32) | b;
}

void SetNeighbourFeatures(const Statement& claim, std::span<const Statement* const> pool,
                          std::span<const char> equal, FeatureVector& f) {
  const std::size_t content = claim.content.size();
  f[Feature::kNeighboursTogether] = f[Feature::kBigrams] = 1;
  if (content < 2) return;
  std::unordered_set<std::uint64_t> bigrams;
  for (const Statement* sentence : pool) {
    for (std::size_t k = 1; k < sentence->content.size(); ++k) {
      bigrams.insert(PairKey(sentence->tokens[sentence->content[k - 1]].stem,
                             sentence->tokens[sentence->content[k]].stem));
    }
  }
  float together = 0;
  float same = 0;
  for (std::size_t i = 1; i < content; ++i) {
    for (std::size_t s = 0; s < pool.size(); ++s) {
      if (equal[s * content + i - 1] == 0 || equal[s * content + i] == 0) continue;
      together += 1;
      break;
    }
    same += bigrams.contains(PairKey(claim.tokens[claim.content[i - 1]].stem,
                                     claim.tokens[claim.content[i]].stem))
                ? 1.0F
                : 0.0F;
  }
  f[Feature::kNeighboursTogether] = together / static_cast<float>(content - 1);
  f[Feature::kBigrams] = same / static_cast<float>(content - 1);
}

Shares MeasureShares(const Statement& claim, std::span<const Statement* const> pool,
                     std::span<const char> equal, Coverage& coverage) {
  const std::size_t content = claim.content.size();
  const float total = std::max(claim.content_rarity, 1e-6F);
  Shares shares{std::vector<float>(pool.size(), 0), std::vector<float>(pool.size(), 0)};
  coverage.share.assign(pool.size(), 0);
  for (std::size_t s = 0; s < pool.size(); ++s) {
    shares.cosine[s] = Dot(claim.mean, pool[s]->mean);
    for (std::size_t i = 0; i < content; ++i) {
      const float rarity = claim.tokens[claim.content[i]].rarity;
      coverage.share[s] += coverage.near[s * content + i] * rarity / total;
      if (equal[s * content + i] != 0) shares.equal[s] += rarity / total;
    }
  }
  return shares;
}

}  // namespace

Coverage MeasureCoverage(const Statement& claim, std::span<const Statement* const> pool,
                         const WordTable& words, std::size_t sentences, std::size_t ranked,
                         FeatureVector& features) {
  Coverage coverage;
  coverage.near = NearestWords(claim, pool, words);
  const std::vector<char> equal = EqualWords(claim, pool);
  for (std::size_t i = 0; i < equal.size(); ++i) {
    if (equal[i] != 0) coverage.near[i] = 1;  // also where the evidence's word is a stop word
  }
  const Shares shares = MeasureShares(claim, pool, equal, coverage);
  Rank(shares, OverweightPart(claim, equal, coverage), sentences, std::max(ranked, kTopSentences),
       coverage);

  features[Feature::kWords] = static_cast<float>(claim.tokens.size());
  features[Feature::kContentWords] = static_cast<float>(claim.content.size());
  std::vector<float> cosines = shares.cosine;
  const std::size_t top = std::min(kTopSentences, cosines.size());
  std::ranges::partial_sort(cosines, cosines.begin() + static_cast<std::ptrdiff_t>(top),
                            std::ranges::greater());
  features[Feature::kMeanCosine] = cosines[0];
  features[Feature::kMeanCosineTop] =
      std::accumulate(cosines.begin(), cosines.begin() + static_cast<std::ptrdiff_t>(top), 0.0F) /
      static_cast<float>(top);
  features[Feature::kEqualBest] = shares.equal[coverage.ranking[0]];
  features[Feature::kEqualAnySentence] = *std::ranges::max_element(shares.equal);
  std::size_t evidence_words = 0;
  for (const Statement* sentence : pool) evidence_words += sentence->tokens.size();
  features[Feature::kEvidenceSentences] =
      std::min(static_cast<float>(pool.size()), kMaxEvidenceSentences);
  features[Feature::kEvidenceWords] = std::log1p(static_cast<float>(evidence_words));
  features[Feature::kBestWords] = static_cast<float>(pool[coverage.ranking[0]]->tokens.size());
  if (!claim.content.empty()) {
    SetEqualFeatures(claim, coverage, equal, features);
    SetNearFeatures(claim, coverage, features);
  }
  SetNeighbourFeatures(claim, pool, equal, features);
  return coverage;
}

}  // namespace assay::claims::internal
