#include <algorithm>
#include <cmath>

#include "semantic/judge_internal.h"

namespace assay::cache::internal {
namespace {

// A candidate counts e times less for each 1/20 of cosine that it is farther than the nearest.
constexpr float kNearness = 20;
constexpr float kNoVotes = 0.3F;  // added to both sides of the odds

}  // namespace

void AddPair(const Question& asked, const Question& cached, const Agreement& agreement,
             float cosine, float static_cosine, bool check_facts, PairFeatures& f) {
  const auto loose = std::ranges::count(agreement.differences, false, &Difference::decides);
  const auto words = [](const Question& q) { return static_cast<float>(q.words.size() + 1); };
  f[PairFeature::kBias] = 1;
  f[PairFeature::kCosine] = 4 * (cosine - 0.8F);
  f[PairFeature::kCosineHigh] = 10 * std::max(0.0F, cosine - 0.9F);
  f[PairFeature::kStaticCosine] = 4 * (static_cosine - 0.8F);
  const float by_word = 1 - agreement.story;
  f[PairFeature::kShared] = by_word * agreement.shared;
  f[PairFeature::kLeftOutBoth] = by_word * std::min(agreement.left_out_both, 3.0F);
  f[PairFeature::kLeftOutOne] = by_word * std::min(agreement.left_out_one, 3.0F);
  f[PairFeature::kRarest] = by_word * agreement.rarest_left_out;
  f[PairFeature::kRest] = by_word * agreement.rest_similarity;
  f[PairFeature::kSwapped] = by_word * std::min(agreement.swapped, 2.0F);
  f[PairFeature::kOneSwap] = agreement.one_swap;
  f[PairFeature::kMoved] = agreement.moved;
  f[PairFeature::kAskDiffers] = agreement.ask_differs;
  f[PairFeature::kFactsAgree] = check_facts ? agreement.facts : 0;
  f[PairFeature::kLooseFacts] = check_facts ? std::min(static_cast<float>(loose), 3.0F) : 0;
  f[PairFeature::kLengthRatio] = std::abs(std::log(words(asked) / words(cached)));
  f[PairFeature::kReworded] = by_word * 4 * (cosine - 0.8F) * (1 - agreement.shared);
  f[PairFeature::kStory] = agreement.story;
  f[PairFeature::kStoryCosine] = agreement.story * 4 * (cosine - 0.8F);
}

void AddHistory(std::uint32_t right, std::uint32_t wrong, PairFeatures& f) {
  f[PairFeature::kHistory] =
      std::log(static_cast<float>(right + 1) / static_cast<float>(wrong + 1));
  f[PairFeature::kWrongBefore] = wrong > 0 ? 1 : 0;
}

void AddNeighbours(std::span<Candidate> candidates) {
  if (candidates.size() < 2) return;
  const float nearest = candidates[0].cosine;
  for (Candidate& candidate : candidates) {
    float same = 0;
    float other = 0;
    float rival = -1;
    float support = 0;
    for (const Candidate& neighbour : candidates) {
      if (&neighbour == &candidate) continue;
      const float vote = std::exp(kNearness * (neighbour.cosine - nearest));
      if (neighbour.group == candidate.group) {
        same += vote;
        support += 1;
      } else {
        other += vote;
        rival = std::max(rival, neighbour.cosine);
      }
    }
    candidate.features[PairFeature::kNeighbours] = std::log((same + kNoVotes) / (other + kNoVotes));
    candidate.features[PairFeature::kMargin] = rival < 0 ? 0 : 6 * (candidate.cosine - rival);
    candidate.features[PairFeature::kSupport] = std::log1p(support);
  }
}

}  // namespace assay::cache::internal
