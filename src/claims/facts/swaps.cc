// Features of the alignment: what stands at the same place, what was added, what was left out.
#include <algorithm>
#include <string>
#include <utility>

#include "facts/facts_internal.h"

namespace assay::claims::internal {
namespace {

struct SlotWords {
  std::vector<std::uint32_t> claim;  // content tokens
  std::vector<std::uint32_t> evidence;
};

SlotWords ContentOf(const Slot& slot, const Statement& claim, const Statement& evidence) {
  SlotWords words;
  for (std::uint32_t i = slot.claim_begin; i < slot.claim_end; ++i) {
    if (!claim.tokens[i].is(kWordStop)) words.claim.push_back(i);
  }
  for (std::uint32_t j = slot.evidence_begin; j < slot.evidence_end; ++j) {
    if (!evidence.tokens[j].is(kWordStop)) words.evidence.push_back(j);
  }
  return words;
}

void AddSwap(const SlotWords& slot, const FactInput& input, FeatureVector& f, Facts& facts) {
  const Statement& claim = input.claim;
  const Statement& best = input.best();
  float lowest = 1;
  float highest = -2;
  WordSwap swap;
  bool claim_name = false;
  for (const std::uint32_t i : slot.claim) {
    float nearest = -1;
    for (const std::uint32_t j : slot.evidence) {
      const float similarity = input.words.Similarity(claim.tokens[i].word, best.tokens[j].word);
      nearest = std::max(nearest, similarity);
      if (similarity <= highest) continue;
      highest = similarity;
      swap = {claim.tokens[i].word, best.tokens[j].word};
    }
    lowest = std::min(lowest, nearest);
    f[Feature::kSlotRarity] = std::max(f[Feature::kSlotRarity], claim.tokens[i].rarity);
    claim_name = claim_name || claim.tokens[i].capitalized;
  }
  f[Feature::kSlots] += 1;
  f[Feature::kSlotSimilarity] = std::min(f[Feature::kSlotSimilarity], lowest);
  const bool evidence_name = std::ranges::any_of(
      slot.evidence, [&best](std::uint32_t j) { return best.tokens[j].capitalized; });
  if (claim_name && evidence_name) f[Feature::kSlotNames] += 1;
  // Longer stretches are other statements rather than other words.
  if (slot.claim.size() <= 3 && slot.evidence.size() <= 6 && facts.swaps.size() < kMaxSwaps) {
    facts.swaps.push_back(swap);
  }
}

// "The head of finance is Priya Raman" against "The head of people is Priya Raman, and the head of
// finance is Luca Moretti": one word stands for another that the same sentence uses elsewhere.
void FindMisplacedWord(const SlotWords& slot, const FactInput& input, Facts& facts) {
  constexpr float kSameMeaning = 0.75F;
  const Token& mine = input.claim.tokens[slot.claim[0]];
  const Token& other = input.best().tokens[slot.evidence[0]];
  const auto holds = [](const Statement& statement, const Token& token) {
    return std::ranges::find(statement.tokens, token.stem, &Token::stem) != statement.tokens.end();
  };
  if (mine.quantity >= 0 || other.quantity >= 0 || !holds(input.best(), mine) ||
      holds(input.claim, other) || input.words.Similarity(mine.word, other.word) > kSameMeaning) {
    return;
  }
  FactFinding finding;
  finding.kind = FactKind::kWord;
  finding.conflicts = true;
  finding.claim = mine.span;
  finding.claim_says = std::string(mine.span.of(input.claim.text));
  finding.evidence_says = std::string(other.span.of(input.best().text));
  finding.evidence = input.ranking[0];
  facts.findings.push_back(std::move(finding));
}

// The aligned share of what is left of the claim without its quantities and names that do not stand
// in the best sentence: near 1 where only such a fact was changed.
float AlignedRest(const FactInput& input) {
  const Statement& claim = input.claim;
  std::vector<char> aligned(claim.tokens.size(), 0);
  for (const AlignedPair& pair : input.alignment.pairs) {
    if (pair.equal) aligned[pair.claim] = 1;
  }
  float met = 0;
  float total = 1e-6F;
  for (std::size_t i = 0; i < claim.tokens.size(); ++i) {
    const Token& token = claim.tokens[i];
    const bool in_name = std::ranges::any_of(claim.names, [&token](const text::Name& name) {
      return token.span.begin < name.span.end && token.span.end > name.span.begin;
    });
    if (aligned[i] == 0 && (in_name || token.quantity >= 0)) continue;
    const float rarity = std::min(token.rarity, 3.0F);
    total += rarity;
    if (aligned[i] != 0) met += rarity;
  }
  return met / total;
}

}  // namespace

void CompareAlignment(const FactInput& input, FeatureVector& f, Facts& facts) {
  const Statement& claim = input.claim;
  const Statement& best = input.best();
  float claim_total = 1e-6F;
  for (const Token& token : claim.tokens) claim_total += std::min(token.rarity, 3.0F);
  const float best_total = std::max(best.content_rarity, 1e-6F);
  for (const AlignedPair& pair : input.alignment.pairs) {
    if (!pair.equal) continue;
    f[Feature::kAlignedShare] += std::min(claim.tokens[pair.claim].rarity, 3.0F) / claim_total;
    if (best.tokens[pair.evidence].is(kWordStop)) continue;
    f[Feature::kEvidenceAligned] += best.tokens[pair.evidence].rarity / best_total;
  }
  f[Feature::kAlignedRest] = AlignedRest(input);
  f[Feature::kSlotSimilarity] = 1;
  for (const Slot& slot : input.alignment.slots) {
    const SlotWords words = ContentOf(slot, claim, best);
    for (std::uint32_t i = slot.claim_begin; i < slot.claim_end; ++i) {
      if (claim.tokens[i].is(kWordNegation)) f[Feature::kNegationInserted] += 1;
    }
    for (std::uint32_t j = slot.evidence_begin; j < slot.evidence_end; ++j) {
      if (best.tokens[j].is(kWordNegation)) f[Feature::kNegationDropped] += 1;
    }
    if (!words.claim.empty() && !words.evidence.empty() &&
        (slot.closed_left || slot.closed_right)) {
      AddSwap(words, input, f, facts);
      if (words.claim.size() == 1 && words.evidence.size() == 1 && slot.closed_left &&
          slot.closed_right) {
        f[Feature::kSlotSingle] += 1;
        FindMisplacedWord(words, input, facts);
      }
    } else if (!words.claim.empty()) {
      f[Feature::kInserted] += static_cast<float>(words.claim.size());
      for (const std::uint32_t i : words.claim) {
        f[Feature::kInsertedRarity] = std::max(f[Feature::kInsertedRarity], claim.tokens[i].rarity);
      }
    } else {
      f[Feature::kDropped] += static_cast<float>(words.evidence.size());
    }
  }
}

}  // namespace assay::claims::internal
