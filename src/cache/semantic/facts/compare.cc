// Agreement of two questions, apart from the similarity of their vectors.
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "assay/cache/semantic/question.h"

#include "semantic/facts/ask_internal.h"
#include "semantic/facts/facts_internal.h"
#include "semantic/facts/matching_internal.h"

namespace assay::cache {
namespace {

using internal::kNoWord;
using internal::Matching;

struct Rest {
  float weight = 0;
  float rarest = 0;
  std::string words;  // one space between
};

Rest RestOf(const Question& question, const std::vector<std::uint32_t>& matched) {
  Rest rest;
  for (std::size_t i = 0; i < question.words.size(); ++i) {
    const QuestionWord& word = question.words[i];
    if (matched[i] != kNoWord || word.weight <= 0 || word.quantity) continue;
    rest.weight += word.weight;
    rest.rarest = std::max(rest.rarest, word.rarity * word.weight);
    rest.words.append(word.span.of(question.text)).append(1, ' ');
  }
  return rest;
}

float WeightOf(const Question& question) {
  float weight = 0;
  for (const QuestionWord& word : question.words) weight += word.weight;
  return weight;
}

Result<float> SimilarityOf(const Rest& a, const Rest& b, const embed::Encoder* words) {
  if (a.words.empty() || b.words.empty()) return 1.0F;
  if (words == nullptr) return 0.0F;
  const std::array<std::string_view, 2> texts = {a.words, b.words};
  const std::size_t dim = words->dim();
  std::vector<float> vectors(2 * dim);
  ASSAY_TRY(words->Encode(texts, vectors));
  float dot = 0;
  for (std::size_t d = 0; d < dim; ++d) dot += vectors[d] * vectors[dim + d];
  return std::clamp(dot, 0.0F, 1.0F);
}

// Gaps in which each side holds a word of weight that the other side lacks.
float SwapsOf(const Question& a, const Question& b, const Matching& matching, float least) {
  float swaps = 0;
  const auto holds = [least](const Question& q, const std::vector<std::uint32_t>& matched,
                             std::uint32_t begin, std::uint32_t end) {
    for (std::uint32_t i = begin; i < end; ++i) {
      if (matched[i] == kNoWord && q.words[i].weight >= least) return true;
    }
    return false;
  };
  for (const internal::Gap& gap : matching.gaps) {
    if (holds(a, matching.of_a, gap.a_begin, gap.a_end) &&
        holds(b, matching.of_b, gap.b_begin, gap.b_end)) {
      swaps += 1;
    }
  }
  return swaps;
}

void MeasureWords(const Question& a, const Question& b, const Matching& matching, Agreement& out) {
  float common = 0;
  for (std::size_t i = 0; i < a.words.size(); ++i) {
    if (matching.of_a[i] != kNoWord) common += a.words[i].weight;
  }
  for (std::size_t j = 0; j < b.words.size(); ++j) {
    if (matching.of_b[j] != kNoWord) common += b.words[j].weight;
  }
  const float all = WeightOf(a) + WeightOf(b);
  out.shared = all > 0 ? common / all : 0.0F;
  float ordered = 0;
  for (const auto& [i, j] : matching.in_order) ordered += a.words[i].weight + b.words[j].weight;
  out.moved = common > 0 ? std::clamp(1 - ordered / common, 0.0F, 1.0F) : 0.0F;
  const std::size_t longer = std::max(a.words.size(), b.words.size());
  out.in_order = longer == 0
                     ? 0.0F
                     : static_cast<float>(matching.in_order.size()) / static_cast<float>(longer);
  constexpr float kTopical = 0.5F;
  constexpr float kLight = 0.3F;
  out.swapped = SwapsOf(a, b, matching, kTopical);
  if (SwapsOf(a, b, matching, kLight) == 1 && out.moved <= 0) out.one_swap = 1;
}

// The cause of a thing is asked for here, its cure there; or what it is, and how much of it.
bool CompareAspects(const Question& asked, const Question& cached, Agreement& out) {
  const auto a = asked.aspects;
  const auto b = cached.aspects;
  const bool defined_alone =
      (a == internal::kDefinition && b == 0 && internal::ConflictsWithDefinition(cached.asks)) ||
      (b == internal::kDefinition && a == 0 && internal::ConflictsWithDefinition(asked.asks));
  if (!defined_alone && (a == 0 || b == 0 || (a & b) != 0)) return false;
  const auto name = [](const Question& q) {
    return q.aspects == 0 ? std::string(q.words[0].span.of(q.text))
                          : std::string(internal::NameOfAspect(q.aspects));
  };
  out.ask_differs = 1;
  out.differences.push_back({DifferenceKind::kAsk, name(asked), name(cached)});
  return true;
}

void CompareAsks(const Question& asked, const Question& cached, Agreement& out) {
  if (CompareAspects(asked, cached, out)) return;
  if (asked.asks == cached.asks || asked.asks == AskKind::kUnknown ||
      cached.asks == AskKind::kUnknown) {
    return;
  }
  out.ask_differs = 1;
  // "What is the tyre" and "where is the tyre": all else agrees, so the question word decides.
  const bool only_that = out.shared >= 1 &&
                         (asked.asks == AskKind::kWhat || cached.asks == AskKind::kWhat) &&
                         internal::Conflict(asked.asks, AskKind::kWhen) !=
                             internal::Conflict(cached.asks, AskKind::kWhen);
  if (!only_that && !internal::Conflict(asked.asks, cached.asks)) return;
  const auto opening = [](const Question& q) {
    return q.words.empty() ? std::string() : std::string(q.words[0].span.of(q.text));
  };
  out.differences.push_back({DifferenceKind::kAsk, opening(asked), opening(cached)});
}

// Of two long questions: what stands on one side only, or in other words throughout, is told by the
// way.
bool DecidesInStory(const Difference& difference, float shared) {
  if (difference.kind == DifferenceKind::kLanguage) return true;
  if (difference.asked.empty() != difference.cached.empty()) return false;
  return shared >= kRetold || difference.kind == DifferenceKind::kName;
}

}  // namespace

Result<Agreement> Compare(const Question& asked, const Question& cached,
                          const embed::Encoder* words) {
  Agreement out;
  const Matching matching = internal::Match(asked, cached);
  MeasureWords(asked, cached, matching, out);
  const Rest a = RestOf(asked, matching.of_a);
  const Rest b = RestOf(cached, matching.of_b);
  out.left_out_both = std::min(a.weight, b.weight);
  out.left_out_one = std::max(a.weight, b.weight) - out.left_out_both;
  out.rarest_left_out = std::max(a.rarest, b.rarest);
  ASSAY_ASSIGN(out.rest_similarity, SimilarityOf(a, b, words));

  if (asked.language != 0 && cached.language != 0 && asked.language != cached.language) {
    out.differences.push_back({DifferenceKind::kLanguage, "", ""});
  }
  const internal::FactInput input{asked, cached, matching};
  const bool quantities = internal::CompareQuantities(input, out.differences);
  const bool names = internal::CompareNames(input, out.differences);
  internal::CompareOpposites(input, out.differences);
  internal::CompareQuantifiers(input, out.differences);
  internal::CompareModality(input, out.differences);
  internal::CompareOrder(input, out.differences);
  out.facts = quantities || names ? 1.0F : 0.0F;
  CompareAsks(asked, cached, out);
  const std::size_t longer = std::max(asked.words.size(), cached.words.size());
  out.story = std::clamp((static_cast<float>(longer) - 8) / 16, 0.0F, 1.0F);
  const bool is_story =
      longer > kStoryWords && std::min(asked.words.size(), cached.words.size()) > 0;
  for (Difference& difference : out.differences) {
    difference.decides = !is_story || DecidesInStory(difference, out.shared);
  }
  std::ranges::stable_partition(out.differences, &Difference::decides);
  return out;
}

std::string_view NameOf(DifferenceKind kind) {
  constexpr std::array<std::string_view, 9> kNames = {"quantity",   "name",     "negation",
                                                      "quantifier", "opposite", "order",
                                                      "question",   "modality", "language"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string Describe(const Difference& difference) {
  const auto& [kind, asked, cached, decides] = difference;
  if (kind == DifferenceKind::kLanguage) return "another language";
  if (kind == DifferenceKind::kOrder) {
    if (asked.empty()) return "the same words in another order";
    return fmt::format("\"{}\" and \"{}\" have changed places", asked, cached);
  }
  if (kind == DifferenceKind::kNegation) {
    return asked.empty() ? fmt::format("the cached question says \"{}\", this one does not", cached)
                         : fmt::format("this question says \"{}\", the cached one does not", asked);
  }
  if (cached.empty()) return fmt::format("\"{}\" is not in the cached question", asked);
  if (asked.empty()) return fmt::format("\"{}\" is only in the cached question", cached);
  return fmt::format("\"{}\" here, \"{}\" in the cached question", asked, cached);
}

}  // namespace assay::cache
