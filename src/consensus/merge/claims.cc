// A merged answer from the claims that a quorum supports. Every claim is laid against every near
// claim of the other answers; what enough answers say is taken, the most specific wording first.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "assay/claims/extractor.h"
#include "assay/core/parallel.h"
#include "assay/text/similarity/word_bags.h"

#include "merge/claim_relation_internal.h"
#include "merge/panel_internal.h"

namespace assay::consensus::internal {
namespace {

constexpr std::size_t kMaxClaims = 4000;  // of all answers; pairs are compared
constexpr std::size_t kMaxDissent = 64;
constexpr float kEntailed = 0.5F;  // probability from which a model's word counts
constexpr double kTie = 1e-9;

// A claim where an answer makes it.
struct Item {
  std::uint32_t answer = 0;  // place in the panel
  std::uint32_t claim = 0;   // place in Claims::read
  double position = 0;       // in its answer, [0, 1)
};

// Experts often say the same in the same words: each wording is read and compared once.
struct Claims {
  std::vector<Item> items;
  std::vector<ReadClaim> read;

  [[nodiscard]] const ReadClaim& operator[](std::size_t item) const {
    return read[items[item].claim];
  }
};

// What is known about pairs of near claims: for each item those that support or exclude it.
struct Links {
  std::vector<std::vector<std::uint32_t>> supports;  // by item: items that say it too
  std::vector<std::vector<std::uint32_t>> excludes;
};

Claims ReadClaims(std::vector<std::vector<std::string>> texts, bool parallel) {
  Claims out;
  std::unordered_map<std::string_view, std::uint32_t> known;
  std::vector<std::string*> wordings;
  const std::size_t room = kMaxClaims / std::max<std::size_t>(1, texts.size());
  for (std::uint32_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() > room) texts[i].resize(room);
    const auto count = static_cast<double>(texts[i].size());
    for (std::size_t k = 0; k < texts[i].size(); ++k) {
      const auto id = static_cast<std::uint32_t>(wordings.size());
      const auto [at, is_new] = known.try_emplace(texts[i][k], id);
      if (is_new) wordings.push_back(&texts[i][k]);
      out.items.push_back({i, at->second, static_cast<double>(k) / count});
    }
  }
  out.read.resize(wordings.size());
  const auto read = [&](std::size_t begin, std::size_t end) {
    for (std::size_t k = begin; k < end; ++k) out.read[k] = Read(*wordings[k]);
  };
  if (parallel) {
    core::ParallelFor(wordings.size(), 4, read);
  } else {
    read(0, wordings.size());
  }
  return out;
}

std::vector<std::vector<std::string>> ClaimsOf(const Panel& panel, bool parallel) {
  const std::vector<claims::Extraction> answers =
      claims::Extractor().ExtractBatch(panel.texts, parallel ? 0 : 1);
  std::vector<std::vector<std::string>> out(answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    for (const claims::ExtractedSentence& sentence : answers[i]) {
      for (const claims::Claim& claim : sentence.claims) out[i].push_back(claim.text);
    }
  }
  return out;
}

// Sixteen sums side by side, which every compiler turns into vectors; the same order everywhere.
float Dot(const float* a, const float* b, std::size_t dim) {
  std::array<float, 16> sums{};
  std::size_t k = 0;
  for (; k + sums.size() <= dim; k += sums.size()) {
    for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += a[k + lane] * b[k + lane];
  }
  for (; k < dim; ++k) sums[0] += a[k] * b[k];
  return std::accumulate(sums.begin(), sums.end(), 0.0F);
}

// Similarities of wordings: vectors of an encoder, or word counts.
class Nearness {
 public:
  [[nodiscard]] static Result<Nearness> Of(std::span<const ReadClaim> claims,
                                           const embed::Encoder* encoder, bool parallel) {
    Nearness out;
    out.n_ = claims.size();
    std::vector<std::string_view> texts(claims.size());
    std::ranges::transform(claims, texts.begin(),
                           [](const ReadClaim& claim) -> std::string_view { return claim.text; });
    if (encoder == nullptr) {
      out.cosines_ = text::WordBags(texts).Cosine();
      return out;
    }
    out.dim_ = encoder->dim();
    out.rows_.resize(texts.size() * out.dim_);
    const std::size_t grain = parallel ? 4 : std::max<std::size_t>(1, texts.size());
    const auto encode = [&](std::size_t begin, std::size_t end) {
      return encoder->Encode(
          std::span(texts).subspan(begin, end - begin),
          std::span(out.rows_).subspan(begin * out.dim_, (end - begin) * out.dim_));
    };
    if (parallel) {
      ASSAY_TRY(core::ParallelTry(texts.size(), grain, encode));
    } else {
      ASSAY_TRY(encode(0, texts.size()));
    }
    return out;
  }

  [[nodiscard]] double operator()(std::size_t i, std::size_t j) const {
    if (dim_ == 0) return cosines_[i * n_ + j];
    return Dot(rows_.data() + i * dim_, rows_.data() + j * dim_, dim_);
  }

 private:
  std::size_t n_ = 0;
  std::size_t dim_ = 0;
  std::vector<float> rows_;
  std::vector<double> cosines_;
};

// How one wording stands to each other one, found when it is first asked for.
class RelationsOf {
 public:
  RelationsOf(const Claims& claims, const Nearness& near, double threshold, std::uint32_t claim)
      : claims_(claims),
        near_(near),
        threshold_(threshold),
        claim_(claim),
        known_(claims.read.size(), kUnknown) {}

  [[nodiscard]] Relation To(std::uint32_t other) {
    std::uint8_t& known = known_[other];
    if (known == kUnknown) {
      const bool far = other != claim_ && near_(claim_, other) < threshold_;
      known = static_cast<std::uint8_t>(far ? Relation::kNone
                                            : Relate(claims_.read[claim_], claims_.read[other]));
    }
    return static_cast<Relation>(known);
  }

 private:
  static constexpr std::uint8_t kUnknown = 0xFF;
  const Claims& claims_;
  const Nearness& near_;
  double threshold_;
  std::uint32_t claim_;
  std::vector<std::uint8_t> known_;
};

Links LinkByFacts(const Claims& claims, const Nearness& near, double threshold, bool parallel) {
  const std::vector<Item>& items = claims.items;
  const std::size_t n = items.size();
  Links out{std::vector<std::vector<std::uint32_t>>(n), std::vector<std::vector<std::uint32_t>>(n)};
  std::vector<std::vector<std::uint32_t>> made(claims.read.size());  // items by wording
  for (std::uint32_t i = 0; i < n; ++i) made[items[i].claim].push_back(i);
  const auto link = [&](std::uint32_t i, RelationsOf& relations) {
    for (std::uint32_t j = 0; j < n; ++j) {
      if (items[i].answer == items[j].answer) continue;
      const Relation relation = relations.To(items[j].claim);
      if (relation == Relation::kSupports) out.supports[i].push_back(j);
      if (relation == Relation::kExcludes) out.excludes[i].push_back(j);
    }
  };
  const auto wordings = [&](std::size_t begin, std::size_t end) {
    for (std::size_t claim = begin; claim < end; ++claim) {
      RelationsOf relations(claims, near, threshold, static_cast<std::uint32_t>(claim));
      for (const std::uint32_t i : made[claim]) link(i, relations);
    }
  };
  if (parallel) {
    core::ParallelFor(made.size(), 8, wordings);
  } else {
    wordings(0, made.size());
  }
  return out;
}

// A model's word on the pairs that the facts leave standing: support needs its consent. It is asked
// once for each pair of wordings, and not for equal ones.
Result<void> AskEntailment(const claims::Entailment& entailment, const Claims& claims,
                           Links& links) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> places;
  std::vector<claims::EntailmentPair> pairs;
  const auto wordings = [&](std::size_t i, std::uint32_t j) {
    return std::pair(claims.items[j].claim, claims.items[i].claim);
  };
  for (std::size_t i = 0; i < claims.items.size(); ++i) {
    for (const std::uint32_t j : links.supports[i]) {
      if (claims.items[i].claim == claims.items[j].claim) continue;
      if (places.try_emplace(wordings(i, j), pairs.size()).second) {
        pairs.push_back({claims[j].text, claims[i].text});
      }
    }
  }
  std::vector<claims::EntailmentScore> scores(pairs.size());
  ASSAY_TRY(entailment.Score(pairs, scores));
  for (std::size_t i = 0; i < claims.items.size(); ++i) {
    std::vector<std::uint32_t> kept;
    for (const std::uint32_t j : links.supports[i]) {
      const auto place = places.find(wordings(i, j));
      const bool equal = place == places.end();
      if (equal || scores[place->second].supported >= kEntailed) kept.push_back(j);
      if (!equal && scores[place->second].contradicted >= kEntailed) links.excludes[i].push_back(j);
    }
    links.supports[i] = std::move(kept);
    std::ranges::sort(links.excludes[i]);
  }
  return {};
}

std::vector<std::uint32_t> AnswersOf(const std::vector<Item>& items,
                                     std::span<const std::uint32_t> claims) {
  std::vector<std::uint32_t> out;
  for (const std::uint32_t claim : claims) out.push_back(items[claim].answer);
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

// A claim with those who share it.
struct Candidate {
  std::uint32_t item = 0;
  std::size_t facts = 0;
  double typical = 0;   // mean similarity to the claims that support it
  double position = 0;  // mean over it and them
  ClaimSupport support;
};

Candidate Weigh(const Panel& panel, const MergeOptions& options, const Claims& claims,
                const Links& links, const Nearness& near, std::uint32_t i) {
  const std::vector<Item>& items = claims.items;
  Candidate out;
  const Item& item = items[i];
  out.item = i;
  out.facts = claims[i].quantities.size() + claims[i].names.size();
  out.position = item.position;
  for (const std::uint32_t j : links.supports[i]) {
    out.typical += near(item.claim, items[j].claim);
    out.position += items[j].position;
  }
  const auto others = static_cast<double>(links.supports[i].size());
  out.typical /= std::max(1.0, others);
  out.position /= others + 1;
  ClaimSupport& support = out.support;
  support.text = claims[i].text;
  support.answer = item.answer;
  std::vector<std::uint32_t> makers = links.supports[i];
  makers.push_back(i);
  support.supporters = AnswersOf(items, makers);
  for (const std::uint32_t answer : AnswersOf(items, links.excludes[i])) {
    if (!std::ranges::binary_search(support.supporters, answer))
      support.opponents.push_back(answer);
  }
  support.weight = panel.ShareOf(support.supporters);
  support.accepted = support.supporters.size() >= 2 && support.weight >= options.quorum - kTie &&
                     support.weight > panel.ShareOf(support.opponents) + kTie;
  return out;
}

bool Holds(const std::vector<std::uint32_t>& list, std::uint32_t value) {
  return std::ranges::binary_search(list, value);
}

// The candidates of `accepted` or not, the most specific and best supported first, without those
// that say no more than one before.
std::vector<const Candidate*> Distinct(const std::vector<Candidate>& candidates, const Links& links,
                                       bool accepted, std::uint32_t medoid) {
  std::vector<const Candidate*> order;
  for (const Candidate& one : candidates) {
    if (one.support.accepted == accepted) order.push_back(&one);
  }
  std::ranges::stable_sort(order, std::ranges::greater(), [&](const Candidate* c) {
    return std::tuple(c->facts, c->support.weight, c->support.answer == medoid, c->typical);
  });
  std::vector<const Candidate*> out;
  for (const Candidate* c : order) {
    const bool said = std::ranges::any_of(
        out, [&](const Candidate* before) { return Holds(links.supports[c->item], before->item); });
    if (!said) out.push_back(c);
  }
  return out;
}

void AddDissent(const Panel& panel, const Claims& claims, const Links& links,
                const std::vector<const Candidate*>& accepted,
                const std::vector<const Candidate*>& rest, Outcome& out) {
  for (const Candidate* c : rest) {
    // What an accepted claim says too is no dissent, nor is what supports one.
    const bool covered = std::ranges::any_of(accepted, [&](const Candidate* a) {
      return Holds(links.supports[c->item], a->item) || Holds(links.supports[a->item], c->item);
    });
    if (covered) continue;
    Dissent dissent;
    dissent.text = c->support.text;
    dissent.answers = c->support.supporters;
    dissent.weight = c->support.weight;
    dissent.reason = fmt::format("said by {}", CountOf(panel, dissent.answers));
    for (const Candidate* a : accepted) {
      if (!Holds(links.excludes[c->item], a->item) && !Holds(links.excludes[a->item], c->item))
        continue;
      dissent.against = a->support.text;
      const std::string why = WhyExcluded(claims[c->item], claims[a->item]);
      if (!why.empty()) dissent.reason += ", " + why;
      break;
    }
    out.dissent.push_back(std::move(dissent));
  }
  // Contradictions are never cut off.
  std::ranges::stable_sort(out.dissent, std::ranges::greater(), [](const Dissent& d) {
    return std::tuple(!d.against.empty(), d.weight);
  });
  if (out.dissent.size() > kMaxDissent) out.dissent.resize(kMaxDissent);
}

void AppendSentence(std::string_view claim, std::string& out) {
  if (!out.empty()) out += ' ';
  out += claim;
  const char last = claim.back();
  if (last != '.' && last != '!' && last != '?' && last != ':') out += '.';
}

}  // namespace

Result<void> MergeClaims(const Panel& panel, const MergeOptions& options,
                         const embed::Encoder* encoder, const claims::Entailment* entailment,
                         Outcome& out) {
  const Claims claims = ReadClaims(ClaimsOf(panel, options.parallel), options.parallel);
  if (claims.items.empty()) return {};
  ASSAY_ASSIGN(const Nearness near, Nearness::Of(claims.read, encoder, options.parallel));
  Links links = LinkByFacts(claims, near, options.claim_threshold, options.parallel);
  if (entailment != nullptr) ASSAY_TRY(AskEntailment(*entailment, claims, links));
  std::vector<Candidate> candidates;
  for (std::uint32_t i = 0; i < claims.items.size(); ++i) {
    candidates.push_back(Weigh(panel, options, claims, links, near, i));
  }
  std::vector<const Candidate*> accepted = Distinct(candidates, links, true, out.medoid);
  if (accepted.empty()) return {};
  AddDissent(panel, claims, links, accepted, Distinct(candidates, links, false, out.medoid), out);
  std::ranges::stable_sort(accepted, {}, [](const Candidate* c) { return c->position; });
  double weight = 0;
  for (const Candidate* c : accepted) {
    AppendSentence(c->support.text, out.answer);
    weight += c->support.weight;
    out.claims.push_back(c->support);
  }
  out.confidence = weight / static_cast<double>(accepted.size());
  return {};
}

Result<std::vector<ClaimSupport>> SupportOfClaims(const Panel& panel, const MergeOptions& options,
                                                  const embed::Encoder* encoder,
                                                  std::vector<std::vector<std::string>> texts) {
  const Claims claims = ReadClaims(std::move(texts), options.parallel);
  std::vector<ClaimSupport> out;
  if (claims.items.empty()) return out;
  ASSAY_ASSIGN(const Nearness near, Nearness::Of(claims.read, encoder, options.parallel));
  const Links links = LinkByFacts(claims, near, options.claim_threshold, options.parallel);
  for (std::uint32_t i = 0; i < claims.items.size(); ++i) {
    out.push_back(Weigh(panel, options, claims, links, near, i).support);
  }
  return out;
}

}  // namespace assay::consensus::internal
