// Does one sentence hold who the claim speaks of and what it says of them? Words that are all known
// do not make a claim true where its verb or its subject stands elsewhere.
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "extract/sentence_internal.h"
#include "facts/clause_internal.h"

namespace assay::claims::internal {
namespace {

constexpr std::size_t kMaxPredicateGap = 5;  // tokens between an auxiliary and its full verb

// Verbs that say little without their object: any of them may stand for any other.
constexpr std::string_view kLightVerbs =
    " be have get give receive do make take go come need use offer provide allow let keep include "
    "involve begin start happen occur apply can let see say mean help want ";

struct Clause {
  std::size_t verb = 0;       // first finite word; 0: none was found
  std::size_t predicate = 0;  // the full verb, or the word after "is" or "has"; 0: says little
};

bool InName(const Statement& statement, const Token& token) {
  return std::ranges::any_of(statement.names, [&token](const text::Name& name) {
    return token.span.begin < name.span.end && token.span.end > name.span.begin;
  });
}

bool IsLight(std::string_view word) {
  std::array<char, 32> lemma{};
  if (word.size() > 24) return false;
  const std::size_t size = text::Lemma(word, lemma);
  std::array<char, 40> key{};
  key[0] = ' ';
  std::copy_n(lemma.begin(), size, key.begin() + 1);
  key[size + 1] = ' ';
  return kLightVerbs.find(std::string_view(key.data(), size + 2)) != std::string_view::npos;
}

// A verb in its dictionary form is one after a plural or a pronoun; else it may be a noun.
bool FollowsPlural(const Statement& claim, std::size_t i) {
  const std::string_view before = claim.word(i - 1);
  if ((RolesOf(before) & kRolePronoun) != 0) return true;
  return before == "staff" || before == "people" ||
         (before.size() > 3 && before.ends_with('s') && !before.ends_with("ss"));
}

// Whether an auxiliary follows in the same clause: then the word before it belongs to the subject
// ("Lost devices must be reported").
bool AuxiliaryFollows(const Statement& claim, std::size_t i) {
  for (std::size_t j = i + 1; j < claim.tokens.size() && j <= i + kMaxPredicateGap; ++j) {
    const std::uint16_t roles = RolesOf(claim.word(j));
    const std::string_view word = claim.word(j);
    if ((roles & (kRoleSubordinator | kRolePronoun)) != 0 || word == "and" || word == "or") break;
    if ((roles & kRoleFinite) != 0) return true;
  }
  return false;
}

std::size_t PredicateAfter(const Statement& claim, std::size_t auxiliary) {
  const std::size_t end = std::min(claim.tokens.size(), auxiliary + 1 + kMaxPredicateGap);
  for (std::size_t i = auxiliary + 1; i < end; ++i) {
    const Token& token = claim.tokens[i];
    if (token.is(kWordStop) || token.is(kWordNegation) || token.quantity >= 0 ||
        InName(claim, token) || claim.word(i).ends_with("ly")) {
      continue;
    }
    return IsLight(claim.word(i)) ? 0 : i;
  }
  return 0;
}

Clause FindClause(const Statement& claim) {
  for (std::size_t i = 1; i < claim.tokens.size(); ++i) {
    if (InName(claim, claim.tokens[i])) continue;
    const std::uint16_t roles = RolesOf(claim.word(i));
    if ((roles & kRoleFinite) != 0) return {i, PredicateAfter(claim, i)};
    const bool is_verb =
        (roles & kRoleVerb) != 0 || ((roles & kRoleBase) != 0 && FollowsPlural(claim, i));
    if (!is_verb || AuxiliaryFollows(claim, i)) continue;
    return {i, IsLight(claim.word(i)) || claim.tokens[i].is(kWordStop) ? 0 : i};
  }
  return {};
}

constexpr float kCommonWeight = 0.2F;    // of a word that many passages hold
constexpr float kSubjectWeight = 0.25F;  // of the subject beside all words in the choice of a row

// Whether the token's name may stand for what the evidence calls "the company" or "it".
bool MayBeCalledOtherwise(const Statement& claim, const Token& token, const Clause& clause) {
  if (clause.verb != 0 && token.span.begin > claim.tokens[clause.verb].span.begin) return false;
  return std::ranges::any_of(claim.names, [&token](const text::Name& name) {
    return token.span.begin < name.span.end && token.span.end > name.span.begin &&
           (name.traits & text::kTraitPerson) == 0;
  });
}

// Rarity, less for a common word; 0 for quantities, which are compared on their own, and for names
// that may be written otherwise. A single capital word that opens the claim may be any noun:
// "Volunteers", "Parking".
float WeightOf(const Statement& claim, const Token& token, const Clause& clause) {
  const bool opens_alone = token.span.begin == claim.tokens[0].span.begin &&
                           (claim.tokens.size() == 1 || !InName(claim, claim.tokens[1]));
  if (token.quantity >= 0) return 0;
  if (!opens_alone && MayBeCalledOtherwise(claim, token, clause)) return 0;
  if (token.span.of(claim.text).ends_with("selves")) return 0;
  return token.rarity * (token.common ? kCommonWeight : 1);
}

bool OpensWithPronoun(const Statement& sentence) {
  return !sentence.tokens.empty() && (RolesOf(sentence.word(0)) & kRolePronoun) != 0;
}

// Similarity of content token i to the sentence, with the words of its heading and, where a pronoun
// points there, those of the sentence before.
float NearnessOf(const EvidencePool& pool, const Coverage& coverage, std::size_t content,
                 std::size_t sentence, std::size_t i) {
  const auto near = [&](std::size_t row) { return coverage.near[row * content + i]; };
  float nearness = std::max(near(sentence), near(pool.headings[sentence]));
  if (sentence > 0 && OpensWithPronoun(*pool.rows[sentence])) {
    nearness = std::max(nearness, near(sentence - 1));
  }
  return nearness;
}

// Weighted means over some of the content tokens; 1 where they weigh nothing.
class Mean {
 public:
  void Add(float weight, float value) {
    sum_ += weight * value;
    total_ += weight;
  }
  [[nodiscard]] float value() const { return total_ > 0 ? sum_ / total_ : 1; }

 private:
  float sum_ = 0;
  float total_ = 0;
};

}  // namespace

ClauseMatch MatchClause(const Statement& claim, const EvidencePool& pool,
                        const Coverage& coverage) {
  const std::size_t content = claim.content.size();
  const Clause clause = FindClause(claim);
  std::vector<float> weights;
  for (const std::uint32_t i : claim.content) {
    weights.push_back(WeightOf(claim, claim.tokens[i], clause));
  }
  ClauseMatch best;
  float best_score = -1;
  for (std::size_t s = 0; s < pool.sentences(); ++s) {
    Mean all;
    Mean subject;
    Mean others;
    Mean predicate;
    for (std::size_t i = 0; i < content; ++i) {
      const float near = NearnessOf(pool, coverage, content, s, i);
      const std::size_t token = claim.content[i];
      all.Add(weights[i], near);
      if (clause.predicate != 0 && token == clause.predicate) {
        predicate.Add(weights[i], near);
        continue;
      }
      others.Add(weights[i], near);
      const bool in_subject = token < clause.verb || (clause.verb == 0 && i == 0);
      if (in_subject && !claim.tokens[token].common) subject.Add(weights[i], near);
    }
    const float score = all.value() + kSubjectWeight * subject.value();
    if (score <= best_score) continue;
    best_score = score;
    best = {all.value(), 1, 1, subject.value(), predicate.value(), others.value()};
  }
  Mean first;
  Mean top;
  for (std::size_t i = 0; i < content; ++i) {
    float near = NearnessOf(pool, coverage, content, coverage.ranking[0], i);
    const bool in_name = InName(claim, claim.tokens[claim.content[i]]);
    if (!in_name) first.Add(weights[i], near);
    for (std::size_t k = 1; k < std::min(kTopSentences, coverage.ranking.size()); ++k) {
      near = std::max(near, NearnessOf(pool, coverage, content, coverage.ranking[k], i));
    }
    top.Add(weights[i], near);
  }
  best.best = first.value();
  best.top = top.value();
  return best;
}

}  // namespace assay::claims::internal
