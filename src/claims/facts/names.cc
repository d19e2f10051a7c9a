// Names of the claim against those of the evidence, and their order.
#include <algorithm>
#include <string>

#include "facts/facts_internal.h"

namespace assay::claims::internal {
namespace {

using text::Name;

bool HoldsStem(const Statement& sentence, std::uint32_t stem) {
  return std::ranges::any_of(sentence.tokens,
                             [stem](const Token& token) { return token.stem == stem; });
}

// Token range [first, last) of a span.
std::pair<std::uint32_t, std::uint32_t> TokensOf(const Statement& statement, text::Span span) {
  std::uint32_t first = 0;
  const auto size = static_cast<std::uint32_t>(statement.tokens.size());
  while (first < size && statement.tokens[first].span.end <= span.begin) ++first;
  std::uint32_t last = first;
  while (last < size && statement.tokens[last].span.begin < span.end) ++last;
  return {first, last};
}

bool NamedIn(const Statement& claim, const Name& name, const Statement& sentence) {
  const std::string_view spelled = name.span.of(claim.text);
  const bool same = std::ranges::any_of(sentence.names, [&](const Name& other) {
    return text::SameName(spelled, other.span.of(sentence.text));
  });
  if (same) return true;
  const auto [first, last] = TokensOf(claim, name.span);
  for (std::uint32_t i = first; i < last; ++i) {
    if (!claim.tokens[i].is(kWordStop) && !HoldsStem(sentence, claim.tokens[i].stem)) return false;
  }
  return first < last;
}

// A name of the best sentence at the same place that the claim does not mention.
const Name* CounterpartOf(const FactInput& input, const Name& name) {
  const Statement& best = input.best();
  const auto [first, last] = TokensOf(input.claim, name.span);
  for (const Slot& slot : input.alignment.slots) {
    if (slot.claim_end <= first || slot.claim_begin >= last) continue;
    for (const Name& other : best.names) {
      const auto [begin, end] = TokensOf(best, other.span);
      if (begin < slot.evidence_begin || end > slot.evidence_end || begin == end) continue;
      if (!NamedIn(best, other, input.claim)) return &other;
    }
  }
  return nullptr;
}

bool NamedInPool(const FactInput& input, const Name& name) {
  return std::ranges::any_of(
      input.pool, [&](const Statement* sentence) { return NamedIn(input.claim, name, *sentence); });
}

void CountCapitals(const FactInput& input, FeatureVector& f) {
  for (const Token& token : input.claim.tokens) {
    if (!token.capitalized || token.is(kWordStop)) continue;
    const bool known = std::ranges::any_of(
        input.pool, [&token](const auto* sentence) { return HoldsStem(*sentence, token.stem); });
    if (!known) f[Feature::kCapitalsNew] += 1;
  }
}

// Where a name of the claim stands in the best sentence: token index or -1.
int PlaceIn(const Statement& claim, const Name& name, const Statement& best) {
  for (const Name& other : best.names) {
    if (text::SameName(name.span.of(claim.text), other.span.of(best.text))) {
      return static_cast<int>(TokensOf(best, other.span).first);
    }
  }
  return -1;
}

bool HasPassive(const Statement& statement, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    if (statement.word(i) == "by") return true;
  }
  return false;
}

}  // namespace

void CompareNames(const FactInput& input, FeatureVector& f, Facts& facts) {
  const std::size_t top = std::min<std::size_t>(3, input.ranking.size());
  CountCapitals(input, f);
  for (const Name& name : input.claim.names) {
    f[Feature::kNames] += 1;
    bool in_top = false;
    for (std::size_t k = 0; k < top && !in_top; ++k) {
      in_top = NamedIn(input.claim, name, *input.pool[input.ranking[k]]);
      if (k == 0 && !in_top) f[Feature::kNamesNotBest] += 1;
    }
    if (in_top) continue;
    const bool known = NamedInPool(input, name);
    if (!known) f[Feature::kNamesNew] += 1;
    const Name* const other = CounterpartOf(input, name);
    if (known && other == nullptr) continue;
    FactFinding finding;
    finding.kind = FactKind::kName;
    finding.claim = name.span;
    finding.claim_says = std::string(name.span.of(input.claim.text));
    if (other != nullptr) {
      finding.conflicts = true;
      finding.evidence_says = std::string(other->span.of(input.best().text));
      finding.evidence = input.ranking[0];
    }
    facts.findings.push_back(std::move(finding));
  }
}

void CompareOrder(const FactInput& input, FeatureVector& f, Facts& facts) {
  const Statement& claim = input.claim;
  const Statement& best = input.best();
  std::vector<std::uint32_t> places;
  for (const std::uint32_t i : claim.content) {
    const auto it = std::ranges::find(best.tokens, claim.tokens[i].stem, &Token::stem);
    if (it != best.tokens.end()) {
      places.push_back(static_cast<std::uint32_t>(it - best.tokens.begin()));
    }
  }
  float turned = 0;
  for (std::size_t k = 1; k < places.size(); ++k) turned += places[k - 1] > places[k] ? 1.0F : 0;
  if (places.size() > 1) {
    f[Feature::kInversions] = turned / static_cast<float>(places.size() - 1);
  }
  for (std::size_t k = 1; k < claim.names.size(); ++k) {
    const Name& first = claim.names[k - 1];
    const Name& second = claim.names[k];
    const int a = PlaceIn(claim, first, best);
    const int b = PlaceIn(claim, second, best);
    if (a < 0 || b < 0 || a <= b) continue;
    const std::size_t begin = TokensOf(claim, first.span).second;
    const std::size_t end = TokensOf(claim, second.span).first;
    // The same verb between both, and the voice the same: the roles are exchanged.
    bool same_verb = false;
    for (std::size_t i = begin; i < end; ++i) {
      if (claim.tokens[i].is(kWordStop) || claim.tokens[i].capitalized) continue;
      for (int j = b; j < a; ++j) {
        same_verb =
            same_verb || best.tokens[static_cast<std::size_t>(j)].stem == claim.tokens[i].stem;
      }
    }
    if (!same_verb || HasPassive(claim, begin, end) != HasPassive(best, static_cast<std::size_t>(b),
                                                                  static_cast<std::size_t>(a))) {
      continue;
    }
    FactFinding finding;
    finding.kind = FactKind::kOrder;
    finding.conflicts = true;
    finding.claim = {first.span.begin, second.span.end};
    finding.claim_says = finding.claim.of(claim.text);
    finding.evidence_says =
        best.text.substr(best.tokens[static_cast<std::size_t>(b)].span.begin,
                         best.tokens[static_cast<std::size_t>(a)].span.end -
                             best.tokens[static_cast<std::size_t>(b)].span.begin);
    finding.evidence = input.ranking[0];
    facts.findings.push_back(std::move(finding));
  }
}

}  // namespace assay::claims::internal
