#include <algorithm>

#include "facts/alignment_internal.h"

namespace assay::claims::internal {
namespace {

constexpr float kNearWord = 0.55F;   // cosine from which two words may be aligned
constexpr float kNearWeight = 0.7F;  // such a pair counts less than equal words
constexpr float kStopWeight = 0.6F;  // so do equal stop words
constexpr float kMaxRarity = 3;

// Whether two tokens say the same: one stem, or parts of quantities of one value. A number is more
// than its digits: "5" of "5 km" is not the "5" of "5 May".
class SameTokens {
 public:
  SameTokens(const Statement& claim, const Statement& evidence)
      : width_(evidence.quantities.size()), matches_(MatchQuantities(claim, evidence)) {}

  bool operator()(const Token& claim, const Token& evidence) const {
    if (claim.quantity >= 0 && evidence.quantity >= 0) {
      const auto i = static_cast<std::size_t>(claim.quantity);
      const auto j = static_cast<std::size_t>(evidence.quantity);
      if (matches_[i * width_ + j] != 0) return true;
      if (claim.is(kWordDigits)) return false;
    }
    return claim.stem == evidence.stem;
  }

 private:
  std::size_t width_;
  std::vector<char> matches_;
};

float PairWeight(const Token& claim, const Token& evidence, bool same, const WordTable& words) {
  const float rarity = std::min(claim.rarity, kMaxRarity);
  if (same) return (claim.is(kWordStop) ? kStopWeight : 1.0F) * rarity;
  if (claim.is(kWordStop) || evidence.is(kWordStop)) return 0;
  const float similarity = words.Similarity(claim.word, evidence.word);
  return similarity > kNearWord ? kNearWeight * similarity * rarity : 0;
}

void AddSlots(std::size_t claim_size, std::size_t evidence_size, Alignment& alignment) {
  Slot slot;
  const auto close = [&](std::uint32_t claim_end, std::uint32_t evidence_end, bool right) {
    slot.claim_end = claim_end;
    slot.evidence_end = evidence_end;
    slot.closed_right = right;
    if (slot.claim_begin < claim_end || slot.evidence_begin < evidence_end) {
      alignment.slots.push_back(slot);
    }
  };
  for (const AlignedPair& pair : alignment.pairs) {
    if (!pair.equal) continue;
    close(pair.claim, pair.evidence, true);
    slot = {pair.claim + 1, 0, pair.evidence + 1, 0, true, false};
  }
  close(static_cast<std::uint32_t>(claim_size), static_cast<std::uint32_t>(evidence_size), false);
}

}  // namespace

Alignment Align(const Statement& claim, const Statement& evidence, const WordTable& words) {
  const std::size_t n = std::min(claim.tokens.size(), kMaxAlignedTokens);
  const std::size_t m = std::min(evidence.tokens.size(), kMaxAlignedTokens);
  const std::size_t width = m + 1;
  std::vector<float> best((n + 1) * width, 0);
  const SameTokens same(claim, evidence);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) {
      const Token& mine = claim.tokens[i];
      const Token& other = evidence.tokens[j];
      const float w = PairWeight(mine, other, same(mine, other), words);
      best[(i + 1) * width + j + 1] =
          std::max({best[i * width + j] + w, best[i * width + j + 1], best[(i + 1) * width + j]});
    }
  }
  Alignment alignment;
  std::size_t i = n;
  std::size_t j = m;
  while (i > 0 && j > 0) {
    const float here = best[i * width + j];
    if (here == best[(i - 1) * width + j]) {
      --i;
    } else if (here == best[i * width + j - 1]) {
      --j;
    } else {
      --i;
      --j;
      alignment.pairs.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j),
                                 same(claim.tokens[i], evidence.tokens[j])});
    }
  }
  std::ranges::reverse(alignment.pairs);
  AddSlots(n, m, alignment);
  return alignment;
}

}  // namespace assay::claims::internal
