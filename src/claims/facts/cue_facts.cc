// Negation, opposites, quantifiers, modality, comparatives and hedges of the claim against the best
// sentence.
#include <algorithm>
#include <array>
#include <string>

#include "facts/facts_internal.h"

namespace assay::claims::internal {
namespace {

using text::Cue;
using text::CueKind;

float CountOf(const Statement& statement, CueKind kind) {
  return static_cast<float>(std::ranges::count(statement.cues, kind, &Cue::kind));
}

float StrongestQuantifier(const Statement& statement) {
  float strongest = 0;
  for (const Cue& cue : statement.cues) {
    if (cue.kind == CueKind::kQuantifier) {
      strongest = std::max(strongest, static_cast<float>(cue.value));
    }
  }
  return strongest;
}

float BalanceOfComparatives(const Statement& statement) {
  float balance = 0;
  for (const Cue& cue : statement.cues) {
    if (cue.kind != CueKind::kComparative && cue.kind != CueKind::kSuperlative) continue;
    const text::Direction direction = cue.direction();
    if (direction == text::Direction::kUp || direction == text::Direction::kAtLeast) balance += 1;
    if (direction == text::Direction::kDown || direction == text::Direction::kAtMost) balance -= 1;
  }
  return balance;
}

std::string CueText(const Statement& statement, const Cue& cue) {
  const std::size_t begin = statement.tokens[cue.begin_word].span.begin;
  const std::size_t end = statement.tokens[cue.end_word - 1].span.end;
  return statement.text.substr(begin, end - begin);
}

void AddConflict(FactKind kind, const FactInput& input, text::Span claim, std::string claim_says,
                 std::string evidence_says, Facts& facts) {
  FactFinding finding;
  finding.kind = kind;
  finding.conflicts = true;
  finding.claim = claim;
  finding.claim_says = std::move(claim_says);
  finding.evidence_says = std::move(evidence_says);
  finding.evidence = input.ranking[0];
  facts.findings.push_back(std::move(finding));
}

void CompareNegation(const FactInput& input, FeatureVector& f, Facts& facts) {
  const Statement& claim = input.claim;
  const Statement& best = input.best();
  const std::size_t top = std::min<std::size_t>(3, input.ranking.size());
  f[Feature::kNegations] = CountOf(claim, CueKind::kNegation);
  f[Feature::kNegationsBest] = CountOf(best, CueKind::kNegation);
  const bool odd = static_cast<int>(f[Feature::kNegations]) % 2 !=
                   static_cast<int>(f[Feature::kNegationsBest]) % 2;
  f[Feature::kNegationParity] = odd ? 1 : 0;
  bool in_top = false;
  for (std::size_t k = 0; k < top; ++k) {
    in_top = in_top || CountOf(*input.pool[input.ranking[k]], CueKind::kNegation) > 0;
  }
  f[Feature::kNegationNew] = f[Feature::kNegations] > 0 && !in_top ? 1 : 0;

  float total = 0;
  float differs = 0;
  text::Span first;
  for (const AlignedPair& pair : input.alignment.pairs) {
    const Token& mine = claim.tokens[pair.claim];
    const Token& other = best.tokens[pair.evidence];
    if (mine.is(kWordStop)) continue;
    total += mine.rarity;
    if (mine.negated == other.negated) continue;
    differs += mine.rarity;
    if (first.empty()) first = mine.span;
  }
  if (total <= 0 || differs <= 0) return;
  f[Feature::kNegatedDiffers] = differs / total;
  AddConflict(FactKind::kNegation, input, first, std::string(first.of(claim.text)), "", facts);
}

// "May not" and "must not" forbid alike.
bool NotFollows(const Statement& statement, std::size_t token) {
  return token + 1 < statement.tokens.size() && statement.word(token + 1) == "not";
}

// Opposite words that the other side does not hold itself.
void CompareAntonyms(const FactInput& input, FeatureVector& f, Facts& facts) {
  const Statement& claim = input.claim;
  const Statement& best = input.best();
  std::vector<char> in_slot(best.tokens.size(), 0);
  for (const Slot& slot : input.alignment.slots) {
    for (std::uint32_t j = slot.evidence_begin; j < slot.evidence_end; ++j) in_slot[j] = 1;
  }
  for (const Slot& slot : input.alignment.slots) {
    for (std::uint32_t i = slot.claim_begin; i < slot.claim_end; ++i) {
      const Token& mine = claim.tokens[i];
      if (std::ranges::find(best.tokens, mine.stem, &Token::stem) != best.tokens.end()) continue;
      for (std::uint32_t j = 0; j < best.tokens.size(); ++j) {
        const Token& other = best.tokens[j];
        if (in_slot[j] == 0 || (NotFollows(claim, i) && NotFollows(best, j)) ||
            mine.is(kWordDigits) || other.is(kWordDigits) ||
            !text::AreAntonyms(claim.word(i), best.word(j)) ||
            std::ranges::find(claim.tokens, other.stem, &Token::stem) != claim.tokens.end()) {
          continue;
        }
        f[Feature::kAntonyms] += 1;
        const bool same_place = slot.evidence_begin <= j && j < slot.evidence_end;
        if (!same_place || mine.negated != other.negated) continue;
        f[Feature::kAntonymSlots] += 1;
        AddConflict(FactKind::kAntonym, input, mine.span, std::string(claim.word(i)),
                    std::string(best.word(j)), facts);
      }
    }
  }
}

const Cue* FirstOf(const Statement& statement, CueKind kind) {
  const auto it = std::ranges::find(statement.cues, kind, &Cue::kind);
  return it == statement.cues.end() ? nullptr : &*it;
}

void CompareModality(const FactInput& input, FeatureVector& f, Facts& facts) {
  const Statement& claim = input.claim;
  const Statement& best = input.best();
  const Cue* const must_claim = FirstOf(claim, CueKind::kObligation);
  const Cue* const must_best = FirstOf(best, CueKind::kObligation);
  const Cue* const may_claim = FirstOf(claim, CueKind::kPermission);
  const Cue* const may_best = FirstOf(best, CueKind::kPermission);
  f[Feature::kObligationDiffers] = (must_claim != nullptr) != (must_best != nullptr) ? 1 : 0;
  f[Feature::kPermissionDiffers] = (may_claim != nullptr) != (may_best != nullptr) ? 1 : 0;
  const bool weakened =
      may_claim != nullptr && must_best != nullptr && must_claim == nullptr && may_best == nullptr;
  const bool strengthened =
      must_claim != nullptr && may_best != nullptr && must_best == nullptr && may_claim == nullptr;
  if (!weakened && !strengthened) return;
  const Cue& mine = weakened ? *may_claim : *must_claim;
  const Cue& other = weakened ? *must_best : *may_best;
  if (NotFollows(claim, mine.begin_word) && NotFollows(best, other.begin_word)) return;
  AddConflict(FactKind::kModality, input, claim.tokens[mine.begin_word].span, CueText(claim, mine),
              CueText(best, other), facts);
}

void CompareQuantifiers(const FactInput& input, FeatureVector& f, Facts& facts) {
  const Statement& claim = input.claim;
  const Statement& best = input.best();
  f[Feature::kQuantifier] = StrongestQuantifier(claim);
  for (const Cue& cue : claim.cues) {
    if (cue.kind != CueKind::kQuantifier) continue;
    const bool known = std::ranges::any_of(best.cues, [&cue](const Cue& other) {
      return other.kind == CueKind::kQuantifier && other.value == cue.value;
    });
    if (known) continue;
    f[Feature::kQuantifierNew] = 1;
    const Cue* const other = FirstOf(best, CueKind::kQuantifier);
    if (other == nullptr) continue;
    AddConflict(FactKind::kQuantifier, input, claim.tokens[cue.begin_word].span,
                CueText(claim, cue), CueText(best, *other), facts);
  }
}

bool SaysUnanswerable(std::string_view text) {
  constexpr std::array<std::string_view, 12> kPhrases = {
      "cannot answer",    "cannot determine", "unable to answer", "not mentioned",
      "not provided",     "not specified",    "not stated",       "does not provide",
      "does not mention", "does not specify", "no information",   "does not contain"};
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::ranges::any_of(kPhrases, [&lower](std::string_view phrase) {
    return lower.find(phrase) != std::string::npos;
  });
}

bool Concludes(std::string_view text) {
  constexpr std::array<std::string_view, 4> kOpenings = {"Overall", "In summary", "In conclusion",
                                                         "To sum"};
  return std::ranges::any_of(
      kOpenings, [text](std::string_view opening) { return text.starts_with(opening); });
}

}  // namespace

void CompareCues(const FactInput& input, FeatureVector& f, Facts& facts) {
  const Statement& claim = input.claim;
  const Statement& best = input.best();
  CompareNegation(input, f, facts);
  CompareAntonyms(input, f, facts);
  CompareModality(input, f, facts);
  CompareQuantifiers(input, f, facts);
  f[Feature::kComparison] = BalanceOfComparatives(claim);
  f[Feature::kComparisonBest] = BalanceOfComparatives(best);
  const auto hedges = [](const Statement& s) {
    return static_cast<float>(
        std::ranges::count_if(s.tokens, [](const Token& t) { return t.is(kWordHedge); }));
  };
  f[Feature::kHedges] = hedges(claim);
  f[Feature::kHedgesBest] = hedges(best);
  float derived = 0;
  for (const std::uint32_t i : claim.content) {
    derived += claim.tokens[i].is(kWordDerived) ? 1.0F : 0.0F;
  }
  if (!claim.content.empty()) {
    f[Feature::kDerivedShare] = derived / static_cast<float>(claim.content.size());
  }
  f[Feature::kSaysUnanswerable] = SaysUnanswerable(claim.text) ? 1 : 0;
  f[Feature::kConcludes] = Concludes(claim.text) ? 1 : 0;
  f[Feature::kEndsInColon] = claim.text.ends_with(':') ? 1 : 0;
  float covered = 0;
  for (const std::uint32_t j : best.content) {
    covered +=
        std::ranges::find(claim.tokens, best.tokens[j].stem, &Token::stem) != claim.tokens.end()
            ? 1.0F
            : 0.0F;
  }
  f[Feature::kEvidenceCovered] =
      best.content.empty() ? 1 : covered / static_cast<float>(best.content.size());
}

}  // namespace assay::claims::internal
