// Numbers, dates, durations, money and measures of the claim against those of the evidence.
#include <algorithm>
#include <optional>
#include <string>

#include "facts/facts_internal.h"

namespace assay::claims::internal {
namespace {

using text::Comparison;
using text::Quantity;

// Rarity share of equal aligned words from which the best sentence makes the same statement.
constexpr float kSameStatement = 0.6F;
constexpr float kSameWords = 0.75F;  // the same without regard to order

bool Differs(const Quantity& claim, const Quantity& evidence) {
  const Comparison comparison = CompareStated(claim, evidence);
  return comparison == Comparison::kDifferent ||
         (comparison == Comparison::kWithin && claim.is_range && evidence.is_range);
}

// A value that another quantity of the claim states equally does not stand for this one: "one
// shelf" is no sign of "at most 60 batteries".
bool StatedInBest(const FactInput& input, const Quantity& quantity) {
  return std::ranges::any_of(input.best().quantities, [&](const Quantity& other) {
    if (!QuantityMatches(quantity, other)) return false;
    return CompareStated(quantity, other) != Comparison::kWithin ||
           std::ranges::none_of(input.claim.quantities, [&](const Quantity& mine) {
             return &mine != &quantity && CompareStated(mine, other) == Comparison::kEqual;
           });
  });
}

// Whether a sentence that may speak of something else states it: there, "27 days" is no sign of a
// limit of 60 days, although it keeps to it.
bool StatedElsewhere(const Quantity& quantity, const Statement& sentence) {
  const bool is_limit = quantity.bound != text::Bound::kExact &&
                        quantity.bound != text::Bound::kAbout &&
                        quantity.bound != text::Bound::kNearly;
  return std::ranges::any_of(sentence.quantities, [&](const Quantity& other) {
    if (!QuantityMatches(quantity, other)) return false;
    return !is_limit || CompareStated(quantity, other) != Comparison::kWithin ||
           CompareStated(other, quantity) == Comparison::kWithin;
  });
}

// The best sentence holds the claim's words, names and quantities aside, in whatever order.
bool SameWords(const FactInput& input) {
  float held = 0;
  float total = 0;
  for (const std::uint32_t i : input.claim.content) {
    const Token& token = input.claim.tokens[i];
    if (token.quantity >= 0 || token.common) continue;
    total += token.rarity;
    if (std::ranges::find(input.best().tokens, token.stem, &Token::stem) !=
        input.best().tokens.end()) {
      held += token.rarity;
    }
  }
  return total > 0 && held >= kSameWords * total;
}

// Index of the token at or after byte `at`.
std::uint32_t TokenAt(const Statement& statement, std::uint32_t at) {
  const auto it = std::ranges::lower_bound(statement.tokens, at, {},
                                           [](const Token& token) { return token.span.end; });
  return static_cast<std::uint32_t>(it - statement.tokens.begin());
}

bool SameSlot(const FactInput& input, const Quantity& claim, const Quantity& evidence) {
  const std::uint32_t i = TokenAt(input.claim, claim.span.begin + 1);
  const std::uint32_t j = TokenAt(input.best(), evidence.span.begin + 1);
  return std::ranges::any_of(input.alignment.slots, [i, j](const Slot& slot) {
    return slot.claim_begin <= i && i < slot.claim_end && slot.evidence_begin <= j &&
           j < slot.evidence_end;
  });
}

// The quantity of the best sentence that stands where the claim's stands, or else the only one of
// its kind that no other quantity of the claim matches.
const Quantity* CounterpartOf(const FactInput& input, const Quantity& quantity) {
  const Quantity* only = nullptr;
  std::size_t candidates = 0;
  for (const Quantity& other : input.best().quantities) {
    if (!Differs(quantity, other)) continue;
    if (SameSlot(input, quantity, other)) return &other;
    const bool is_taken = std::ranges::any_of(
        input.claim.quantities,
        [&other](const Quantity& mine) { return QuantityMatches(mine, other); });
    if (is_taken) continue;
    only = &other;
    ++candidates;
  }
  return candidates == 1 ? only : nullptr;
}

// "a year" is a unit of time rather than a number of them.
bool IsComparable(const Quantity& quantity, std::string_view text) {
  const std::string_view written = quantity.span.of(text);
  return !written.starts_with("a ") && !written.starts_with("an ") && !written.starts_with("A ");
}

}  // namespace

void CompareQuantities(const FactInput& input, FeatureVector& f, Facts& facts) {
  const std::size_t top = std::min<std::size_t>(3, input.ranking.size());
  for (const Quantity& quantity : input.claim.quantities) {
    if (!IsComparable(quantity, input.claim.text)) continue;
    f[Feature::kQuantities] += 1;
    if (StatedInBest(input, quantity)) continue;
    f[Feature::kQuantitiesNotBest] += 1;
    bool in_top = false;
    for (std::size_t k = 1; k < top; ++k) {
      in_top = in_top || StatedElsewhere(quantity, *input.pool[input.ranking[k]]);
    }
    const Quantity* const other = CounterpartOf(input, quantity);
    // Another sentence may hold the value of something else; the same statement with another value
    // weighs more.
    const bool other_counts =
        other != nullptr &&
        (!in_top || f[Feature::kAlignedRest] >= kSameStatement || SameWords(input));
    if (in_top && !other_counts) continue;
    if (!in_top) f[Feature::kQuantitiesNotTop] += 1;
    const bool anywhere = in_top || std::ranges::any_of(input.pool, [&quantity](const auto* s) {
                            return StatedElsewhere(quantity, *s);
                          });
    if (!anywhere) f[Feature::kQuantitiesNew] += 1;
    if (other_counts) f[Feature::kQuantitiesDiffer] += 1;
    if (anywhere && !other_counts) continue;
    FactFinding finding;
    finding.kind = FactKind::kQuantity;
    finding.claim = quantity.span;
    finding.claim_says = text::Describe(quantity, input.claim.text);
    if (other_counts) {
      finding.conflicts = true;
      finding.evidence_says = text::Describe(*other, input.best().text);
      finding.evidence = input.ranking[0];
    }
    facts.findings.push_back(std::move(finding));
  }
}

}  // namespace assay::claims::internal
