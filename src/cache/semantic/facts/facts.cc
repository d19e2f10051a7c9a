// Quantities, names, quantifiers and modality of two questions.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "semantic/facts/facts_internal.h"
#include "semantic/facts/lexicon_internal.h"

namespace assay::cache::internal {
namespace {

using text::Quantity;

// "a", "one" and "once" count nothing that a question hangs on.
bool Counts(const Quantity& quantity, std::string_view text) {
  const std::string written = LowerCase(quantity.span.of(text));
  if (written == "one" || written == "once" || written == "first") return false;
  return !written.starts_with("a ") && !written.starts_with("an ");
}

bool SameQuantity(const Quantity& a, const Quantity& b) {
  const text::Comparison forth = text::Compare(a, b);
  if (forth == text::Comparison::kEqual) return true;
  return forth == text::Comparison::kRoundedEqual ||
         text::Compare(b, a) == text::Comparison::kRoundedEqual;
}

bool Overlaps(text::Span a, text::Span b) {
  return a.begin < b.end && b.begin < a.end;
}

bool HasDigit(std::string_view word) {
  return std::ranges::any_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

// Quantities and words with digits, each as a span with what it says.
struct Figure {
  std::string says;
  const Quantity* quantity = nullptr;  // null: a word that holds digits
  std::string bare;                    // as written, lower case
  bool met = false;
};

std::vector<Figure> FiguresOf(const Question& question) {
  std::vector<Figure> figures;
  for (const Quantity& quantity : question.quantities) {
    if (!Counts(quantity, question.text)) continue;
    const std::string_view written = quantity.span.of(question.text);
    figures.push_back({std::string(written), &quantity, LowerCase(written)});
  }
  for (const QuestionWord& word : question.words) {
    const std::string_view written = word.span.of(question.text);
    const bool covered = std::ranges::any_of(
        question.quantities, [&word](const Quantity& q) { return Overlaps(q.span, word.span); });
    if (!covered && HasDigit(written)) {
      figures.push_back({std::string(written), nullptr, LowerCase(written)});
    }
  }
  return figures;
}

bool IsPlain(const Quantity& quantity) {
  return quantity.kind == text::QuantityKind::kNumber ||
         quantity.kind == text::QuantityKind::kOrdinal;
}

bool IsLoose(text::Bound bound) {
  return bound == text::Bound::kExact || bound == text::Bound::kAbout ||
         bound == text::Bound::kAtLeast || bound == text::Bound::kAtMost;
}

// Equal numbers of which one leaves out its unit ("a man of 22", "22 years"), and equal values of
// which one says "at least".
bool SaysLess(const Quantity& a, const Quantity& b) {
  constexpr auto kExact = text::Bound::kExact;
  const bool one_bound = a.bound == b.bound || ((a.bound == kExact || b.bound == kExact) &&
                                                IsLoose(a.bound) && IsLoose(b.bound));
  if (!one_bound || a.is_range != b.is_range) return false;
  if (IsPlain(a) != IsPlain(b)) {
    const auto& with_unit = IsPlain(a) ? b : a;
    if (with_unit.kind == text::QuantityKind::kIdentifier ||
        with_unit.kind == text::QuantityKind::kDate ||
        with_unit.kind == text::QuantityKind::kTime ||
        with_unit.kind == text::QuantityKind::kRatio) {
      return false;
    }
    return a.written == b.written && a.written_high == b.written_high;
  }
  return (a.kind == b.kind || (IsPlain(a) && IsPlain(b))) && a.dimension == b.dimension &&
         a.currency == b.currency && a.per == b.per && a.kind != text::QuantityKind::kDate &&
         a.kind != text::QuantityKind::kIdentifier && a.value == b.value &&
         a.value_high == b.value_high;
}

bool SameFigure(const Figure& a, const Figure& b) {
  if (a.quantity != nullptr && b.quantity != nullptr &&
      (SameQuantity(*a.quantity, *b.quantity) || SaysLess(*a.quantity, *b.quantity))) {
    return true;
  }
  return a.bare == b.bare && HasDigit(a.bare);
}

// Token range [first, last) of a span.
std::pair<std::size_t, std::size_t> WordsOf(const Question& question, text::Span span) {
  std::size_t first = 0;
  while (first < question.words.size() && question.words[first].span.end <= span.begin) ++first;
  std::size_t last = first;
  while (last < question.words.size() && question.words[last].span.begin < span.end) ++last;
  return {first, last};
}

bool HoldsName(const Question& question, const text::Name& name,
               const std::vector<std::uint32_t>& matched, const Question& other) {
  const std::string_view spelled = name.span.of(question.text);
  const bool named = std::ranges::any_of(other.names, [&](const text::Name& theirs) {
    return text::SameName(spelled, theirs.span.of(other.text));
  });
  if (named) return true;
  const auto [first, last] = WordsOf(question, name.span);
  for (std::size_t i = first; i < last; ++i) {
    if (matched[i] == kNoWord && question.words[i].weight > 0) return false;
  }
  return first < last;
}

std::vector<std::string> NamesLacking(const Question& question,
                                      const std::vector<std::uint32_t>& matched,
                                      const Question& other) {
  std::vector<std::string> lacking;
  for (const text::Name& name : question.names) {
    const bool is_unit = std::ranges::any_of(question.quantities, [&name](const Quantity& q) {
      return Overlaps(q.span, name.span);  // "500 MB"
    });
    if (is_unit) continue;
    if (!HoldsName(question, name, matched, other)) {
      lacking.emplace_back(name.span.of(question.text));
    }
  }
  return lacking;
}

// Pairs what each side lacks, in order; what remains stands alone.
void AddPairs(DifferenceKind kind, const std::vector<std::string>& asked,
              const std::vector<std::string>& cached, std::vector<Difference>& out) {
  for (std::size_t k = 0; k < std::max(asked.size(), cached.size()); ++k) {
    out.push_back({kind, k < asked.size() ? asked[k] : "", k < cached.size() ? cached[k] : ""});
  }
}

}  // namespace

bool CompareQuantities(const FactInput& input, std::vector<Difference>& out) {
  std::vector<Figure> asked = FiguresOf(input.asked);
  std::vector<Figure> cached = FiguresOf(input.cached);
  const bool both = !asked.empty() && !cached.empty();
  for (Figure& figure : asked) {
    const auto it = std::ranges::find_if(
        cached, [&figure](const Figure& other) { return !other.met && SameFigure(figure, other); });
    if (it != cached.end()) figure.met = it->met = true;
  }
  const auto unmet = [](const std::vector<Figure>& figures) {
    std::vector<std::string> says;
    for (const Figure& figure : figures) {
      if (!figure.met) says.push_back(figure.says);
    }
    return says;
  };
  AddPairs(DifferenceKind::kQuantity, unmet(asked), unmet(cached), out);
  return both;
}

bool CompareNames(const FactInput& input, std::vector<Difference>& out) {
  const auto& [asked, cached, matching] = input;
  AddPairs(DifferenceKind::kName, NamesLacking(asked, matching.of_a, cached),
           NamesLacking(cached, matching.of_b, asked), out);
  return !asked.names.empty() && !cached.names.empty();
}

void CompareQuantifiers(const FactInput& input, std::vector<Difference>& out) {
  constexpr std::array<std::string_view, 13> kStrong = {"all",     "every",  "each", "some", "any",
                                                        "only",    "most",   "both", "half", "none",
                                                        "several", "either", "one"};
  const auto of = [&](const Question& q) {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < q.words.size(); ++i) {
      const std::string& lower = q.words[i].lower;
      const std::string_view before = i == 0 ? std::string_view() : q.words[i - 1].lower;
      // "the most effective" is a degree; "of all time" and "at all" narrow nothing.
      if (lower == "most" && before == "the") continue;
      if (lower == "all" && (before == "of" || before == "at")) continue;
      if (std::ranges::find(kStrong, lower) != kStrong.end()) found.push_back(lower);
    }
    return found;
  };
  // What asks whether there is something asks the same whichever word it takes.
  const auto kind = [](std::string_view word) -> std::string_view {
    if (word == "every" || word == "each") return "all";
    return word == "any" || word == "several" || word == "one" || word == "either" ? "some" : word;
  };
  const std::vector<std::string> asked = of(input.asked);
  const std::vector<std::string> cached = of(input.cached);
  const auto lacks = [&](const std::vector<std::string>& list, const std::string& word) {
    return std::ranges::none_of(list, [&](const std::string& w) { return kind(w) == kind(word); });
  };
  // Alone, only a narrowing word says something; "any" and "all" often go without saying.
  const auto narrows = [](std::string_view word) {
    return word == "only" || word == "most" || word == "half" || word == "none";
  };
  std::vector<std::string> here;
  std::vector<std::string> there;
  for (const std::string& word : asked) {
    if (lacks(cached, word) && (!cached.empty() || narrows(word))) here.push_back(word);
  }
  for (const std::string& word : cached) {
    if (lacks(asked, word) && (!asked.empty() || narrows(word))) there.push_back(word);
  }
  AddPairs(DifferenceKind::kQuantifier, here, there, out);
}

void CompareModality(const FactInput& input, std::vector<Difference>& out) {
  if (input.asked.asks != AskKind::kYesNo || input.cached.asks != AskKind::kYesNo) return;
  struct Modality {
    bool must = false, may = false, should = false;
  };
  const auto of = [](const Question& q) {
    Modality modality;
    for (const QuestionWord& word : q.words) {
      const std::string& lower = word.lower;
      modality.must = modality.must || lower == "must" || lower == "required" ||
                      lower == "necessary" || lower == "mandatory" || lower == "need" ||
                      lower == "compulsory" || lower == "obligatory" || lower == "obliged";
      modality.may = modality.may || lower == "may" || lower == "can" || lower == "allowed" ||
                     lower == "possible" || lower == "permitted" || lower == "could";
      modality.should = modality.should || lower == "should";
    }
    for (std::size_t i = 0; i + 1 < q.words.size(); ++i) {
      const std::string& first = q.words[i].lower;
      if ((first == "have" || first == "has") && q.words[i + 1].lower == "to") {
        modality.must = true;
      }
    }
    return modality;
  };
  const Modality a = of(input.asked);
  const Modality b = of(input.cached);
  const auto name = [](const Modality& m) { return m.must ? "must" : m.should ? "should" : "may"; };
  const bool strong =
      (a.must && !b.must && b.may && !a.may) || (b.must && !a.must && a.may && !b.may);
  const bool weak =
      (a.must && !a.should && b.should && !b.must) || (b.must && !b.should && a.should && !a.must);
  if (strong || weak) out.push_back({DifferenceKind::kModality, name(a), name(b)});
}

}  // namespace assay::cache::internal
