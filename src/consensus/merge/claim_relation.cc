#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "assay/text/cues.h"
#include "assay/text/segment.h"
#include "assay/text/utf8.h"

#include "merge/claim_relation_internal.h"

namespace assay::consensus::internal {
namespace {

constexpr float kContentRarity = 0.3F;  // text::RarityOf: below it stand function words

bool Agrees(text::Comparison comparison) {
  return comparison == text::Comparison::kEqual || comparison == text::Comparison::kRoundedEqual ||
         comparison == text::Comparison::kWithin;
}

// A quantity of one side that the other gives another value.
using QuantityClash = std::pair<const text::Quantity*, const text::Quantity*>;

struct QuantityMatch {
  std::size_t missing = 0;  // of the claim, that `by` does not state
  std::optional<QuantityClash> clash;
};

QuantityMatch MatchQuantities(const ReadClaim& claim, const ReadClaim& by) {
  QuantityMatch out;
  std::vector<char> used(by.quantities.size());
  std::vector<const text::Quantity*> open;
  for (const text::Quantity& quantity : claim.quantities) {
    bool found = false;
    for (std::size_t i = 0; i < by.quantities.size() && !found; ++i) {
      found = Agrees(text::Compare(quantity, by.quantities[i]));
      if (found) used[i] = 1;
    }
    if (!found) open.push_back(&quantity);
  }
  out.missing = open.size();
  for (const text::Quantity* quantity : open) {
    for (std::size_t i = 0; i < by.quantities.size(); ++i) {
      // A value that agrees with another one of the claim is not this one's rival.
      if (used[i] != 0) continue;
      if (text::Compare(*quantity, by.quantities[i]) != text::Comparison::kDifferent) continue;
      out.clash = {quantity, &by.quantities[i]};
      return out;
    }
  }
  return out;
}

// Names of `claim` that `by` does not hold.
std::size_t MissingNames(const ReadClaim& claim, const ReadClaim& by) {
  return static_cast<std::size_t>(std::ranges::count_if(claim.names, [&](const text::Name& name) {
    return std::ranges::none_of(by.names, [&](const text::Name& other) {
      return text::SameName(name.span.of(claim.text), other.span.of(by.text));
    });
  }));
}

using WordPair = std::pair<std::string_view, std::string_view>;

// Words of `of` that the other claim lacks.
std::vector<const ContentWord*> OnlyIn(const ReadClaim& of, const ReadClaim& other) {
  std::vector<const ContentWord*> out;
  auto next = other.words.begin();
  for (const ContentWord& word : of.words) {
    while (next != other.words.end() && next->folded < word.folded) ++next;
    if (next == other.words.end() || next->folded != word.folded) out.push_back(&word);
  }
  return out;
}

// Opposite words, each of which stands on one side only.
std::optional<WordPair> Opposites(const ReadClaim& claim, const ReadClaim& by) {
  const std::vector<const ContentWord*> only_by = OnlyIn(by, claim);
  for (const ContentWord* a : OnlyIn(claim, by)) {
    for (const ContentWord* b : only_by) {
      if (text::AreAntonyms(a->forms, b->forms)) return WordPair(a->folded, b->folded);
    }
  }
  return std::nullopt;
}

}  // namespace

ReadClaim Read(std::string text) {
  ReadClaim out;
  out.text = std::move(text);
  std::vector<text::Span> words;
  text::SplitWords(out.text, words);
  text::ExtractQuantities(out.text, out.quantities);
  text::FindNames(out.text, words, out.names);
  std::vector<text::Cue> cues;
  text::FindCues(out.text, words, cues);
  out.negated = std::ranges::count(cues, text::CueKind::kNegation, &text::Cue::kind) % 2 != 0;
  std::vector<std::string> content;
  for (const text::Span word : words) {
    std::string folded;
    text::AppendFolded(word.of(out.text), folded);
    if (text::RarityOf(folded) >= kContentRarity) content.push_back(std::move(folded));
  }
  std::ranges::sort(content);
  content.erase(std::ranges::unique(content).begin(), content.end());
  for (std::string& word : content) {
    text::OppositeForms forms = text::ReadOppositeForms(word);
    out.words.push_back({std::move(word), std::move(forms)});
  }
  return out;
}

Relation Relate(const ReadClaim& claim, const ReadClaim& by) {
  if (claim.text == by.text) return Relation::kSupports;
  const std::size_t missing_names = MissingNames(claim, by);
  if (missing_names > 0 && MissingNames(by, claim) > 0) return Relation::kNone;  // of other things
  const QuantityMatch quantities = MatchQuantities(claim, by);
  if (quantities.clash) return Relation::kExcludes;
  // "is open" against "is not closed": two turns cancel out.
  const bool opposed = (claim.negated != by.negated) != Opposites(claim, by).has_value();
  if (opposed) return Relation::kExcludes;
  return quantities.missing > 0 || missing_names > 0 ? Relation::kNone : Relation::kSupports;
}

std::string WhyExcluded(const ReadClaim& claim, const ReadClaim& by) {
  if (const QuantityMatch match = MatchQuantities(claim, by); match.clash) {
    return fmt::format("says {}, not {}", text::Describe(*match.clash->first, claim.text),
                       text::Describe(*match.clash->second, by.text));
  }
  if (claim.negated != by.negated) return claim.negated ? "denies it" : "affirms what is denied";
  if (const auto words = Opposites(claim, by)) {
    return fmt::format("says \"{}\", not \"{}\"", words->first, words->second);
  }
  return {};
}

}  // namespace assay::consensus::internal
