#include "assay/claims/verifier.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "assay/corpus/search.h"

#include "verify/judging_internal.h"
#include "verify/passages_internal.h"
#include "verify/peer_internal.h"

namespace assay::claims {

using internal::Judging;

namespace {

constexpr std::uint32_t kMaxPassages = 64;
constexpr std::uint32_t kMaxEvidence = 16;
constexpr std::uint32_t kMaxEntailmentPassages = 8;
constexpr std::size_t kMaxAsked = 64;  // claims an Entailment is asked about at once: about 20 MB

std::uint64_t Mix(std::uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) {  // FNV-1a
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return hash;
}

Result<void> CheckOptions(const VerifierOptions& options) {
  if (options.passages == 0 || options.passages > kMaxPassages) {
    return Fail(Code::kInvalidArgument, fmt::format("passages is {}, but must be 1 to {}.",
                                                    options.passages, kMaxPassages));
  }
  if (options.max_evidence == 0 || options.max_evidence > kMaxEvidence) {
    return Fail(Code::kInvalidArgument, fmt::format("max_evidence is {}, but must be 1 to {}.",
                                                    options.max_evidence, kMaxEvidence));
  }
  if (options.entailment_passages > kMaxEntailmentPassages) {
    return Fail(Code::kInvalidArgument,
                fmt::format("entailment_passages is {}, but must be at most {}.",
                            options.entailment_passages, kMaxEntailmentPassages));
  }
  const auto is_share = [](float value) { return value >= 0 && value <= 1; };
  if (!is_share(options.support_threshold) || !is_share(options.entailment_weight)) {
    return Fail(Code::kInvalidArgument,
                "support_threshold and entailment_weight must be between 0 and 1.");
  }
  return {};
}

}  // namespace

struct Verifier::State {
  internal::PassageReader reader;
  std::optional<corpus::Retriever> retriever;
  VerifierOptions options;
  const Entailment* entailment = nullptr;
  JudgementStore* store = nullptr;
  const internal::VerifierModel* model = nullptr;
  internal::Observation* observation = nullptr;  // filled where not null
  std::uint64_t identity = 0;  // of everything but claim and index that a judgement depends on

  State(std::shared_ptr<const corpus::Index> index, const embed::Encoder* word_encoder)
      : reader(std::move(index), word_encoder) {}

  // Claims that are not in the store.
  struct Open {
    std::vector<std::size_t> places;  // of the batch
    std::vector<std::string_view> claims;
    std::vector<std::vector<std::uint32_t>> passages;  // in reading order
  };

  Open FindOpen(std::span<const std::string_view> claims, std::span<Judgement> known);
  Result<void> FindPassages(Open& open);
  void Observe(const Judging& judging);
  Result<Judging> Start(std::string_view claim, std::span<const std::uint32_t> passages);
  Result<void> Finish(std::vector<Judging>& judgings, const Open& open, std::size_t first,
                      std::span<Judgement> out);
};

Verifier::State::Open Verifier::State::FindOpen(std::span<const std::string_view> claims,
                                                std::span<Judgement> known) {
  Open open;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    std::optional<Judgement> found;
    if (store != nullptr) found = store->Find(claims[i], reader.index().version(), identity);
    if (found) {
      known[i] = std::move(*found);
    } else {
      open.places.push_back(i);
      open.claims.push_back(claims[i]);
    }
  }
  return open;
}

Result<void> Verifier::State::FindPassages(Open& open) {
  open.passages.resize(open.claims.size());
  const std::uint32_t count = reader.index().passage_count();
  if (count <= options.passages) {
    for (std::vector<std::uint32_t>& passages : open.passages) {
      for (std::uint32_t id = 0; id < count; ++id) passages.push_back(id);
    }
    return {};
  }
  ASSAY_ASSIGN(const auto hits, retriever->RetrieveBatch(open.claims, options.passages));
  for (std::size_t k = 0; k < hits.size(); ++k) {
    for (const corpus::SearchHit& hit : hits[k]) open.passages[k].push_back(hit.passage);
    std::ranges::sort(open.passages[k]);  // evidence does not depend on rank
  }
  return {};
}

void Verifier::State::Observe(const Judging& judging) {
  const internal::Measurement& measurement = judging.measurement;
  observation->features = measurement.features;
  observation->clause = measurement.clause;
  observation->decision = judging.decision;
  const std::size_t best = std::min(internal::kObservedEvidence, measurement.ranking.size());
  for (const std::uint32_t row : std::span(measurement.ranking).first(best)) {
    observation->evidence.emplace_back(judging.pool.rows[row].statement->text);
  }
  for (const internal::WordSwap& swap : measurement.facts.swaps) {
    const std::span<const float> a = reader.words().vector(swap.claim);
    const std::span<const float> b = reader.words().vector(swap.evidence);
    observation->swaps.emplace_back(std::vector(a.begin(), a.end()),
                                    std::vector(b.begin(), b.end()));
  }
}

Result<Judging> Verifier::State::Start(std::string_view claim,
                                       std::span<const std::uint32_t> passages) {
  ASSAY_ASSIGN(Judging judging, internal::StartJudging(claim, passages, reader, *model, options));
  if (observation != nullptr && !judging.done) Observe(judging);
  if (entailment != nullptr) internal::ChoosePremises(judging, reader, options, *entailment);
  return judging;
}

// The judgements of open.claims[first, first + judgings.size()); nothing points into the reader
// then.
Result<void> Verifier::State::Finish(std::vector<Judging>& judgings, const Open& open,
                                     std::size_t first, std::span<Judgement> out) {
  if (entailment != nullptr) {
    ASSAY_TRY(internal::AskEntailment(*entailment, options, judgings));
  }
  for (std::size_t i = 0; i < judgings.size(); ++i) {
    Judgement& judgement = out[open.places[first + i]];
    judgement = internal::FinishJudging(std::move(judgings[i]), reader, options);
    if (store != nullptr) {
      store->Put(open.claims[first + i], reader.index().version(), identity, judgement);
    }
  }
  judgings.clear();
  if (reader.IsFull()) reader.Clear();
  return {};
}

Verifier::Verifier() = default;
Verifier::Verifier(Verifier&&) noexcept = default;
Verifier& Verifier::operator=(Verifier&&) noexcept = default;
Verifier::~Verifier() = default;

Result<Verifier> Verifier::Create(std::shared_ptr<const corpus::Index> index,
                                  const embed::Encoder* words, const embed::Encoder* retrieval,
                                  const VerifierOptions& options, const Entailment* entailment,
                                  JudgementStore* store) {
  if (index == nullptr) return Fail(Code::kInvalidArgument, "A verifier needs an index.");
  ASSAY_TRY(CheckOptions(options));
  Verifier verifier;
  verifier.state_ = std::make_unique<State>(index, words);
  State& state = *verifier.state_;
  ASSAY_ASSIGN(state.model, internal::ShippedModel());
  ASSAY_ASSIGN(corpus::Retriever retriever, corpus::Retriever::Create(std::move(index), retrieval));
  state.retriever.emplace(std::move(retriever));
  state.options = options;
  state.entailment = entailment;
  state.store = store;
  state.identity =
      Mix(14695981039346656037ULL,
          fmt::format("{} {} {} {} {} {} {} {}", kVerifierVersion, options.passages,
                      options.max_evidence, options.support_threshold, options.entailment_weight,
                      options.entailment_passages, words == nullptr ? "" : words->name(),
                      entailment == nullptr ? "" : entailment->name()));
  return verifier;
}

Result<Judgement> Verifier::Verify(std::string_view claim) {
  ASSAY_ASSIGN(std::vector<Judgement> judgements, VerifyBatch(std::span(&claim, 1)));
  return std::move(judgements.front());
}

Result<std::vector<Judgement>> Verifier::VerifyBatch(std::span<const std::string_view> claims) {
  State& state = *state_;
  std::vector<Judgement> judgements(claims.size());
  State::Open open = state.FindOpen(claims, judgements);
  ASSAY_TRY(state.FindPassages(open));
  const std::size_t together = state.entailment == nullptr ? 1 : kMaxAsked;
  std::vector<Judging> judgings;
  for (std::size_t k = 0; k < open.claims.size(); ++k) {
    ASSAY_ASSIGN(Judging judging, state.Start(open.claims[k], open.passages[k]));
    judgings.push_back(std::move(judging));
    const bool last = k + 1 == open.claims.size();
    if (last || judgings.size() == together || state.reader.IsFull()) {
      ASSAY_TRY(state.Finish(judgings, open, k + 1 - judgings.size(), judgements));
    }
  }
  return judgements;
}

std::uint64_t Verifier::identity() const {
  return state_->identity;
}

const VerifierOptions& Verifier::options() const {
  return state_->options;
}
const corpus::Index& Verifier::index() const {
  return state_->reader.index();
}

namespace internal {

void VerifierPeer::SetModel(Verifier& verifier, const VerifierModel& model) {
  verifier.state_->model = &model;
}

void VerifierPeer::SetEntailment(Verifier& verifier, const Entailment* entailment) {
  verifier.state_->entailment = entailment;
}

Result<Judgement> VerifierPeer::Observe(Verifier& verifier, std::string_view claim,
                                        Observation& observation) {
  verifier.state_->observation = &observation;
  Result<Judgement> judgement = verifier.Verify(claim);
  verifier.state_->observation = nullptr;
  return judgement;
}

}  // namespace internal

Result<float> AnswerRisk(std::span<const Judgement> judgements) {
  ASSAY_ASSIGN(const internal::VerifierModel* const model, internal::ShippedModel());
  std::vector<float> risks;
  for (const Judgement& judgement : judgements) risks.push_back(1 - judgement.support_by_facts);
  if (risks.empty()) return 0;
  return internal::Sigmoid(model->answer.LogOdds(internal::AnswerFeatures(std::move(risks))));
}

void VerdictSummary::Add(Verdict verdict) {
  switch (verdict) {
    case Verdict::kSupported:
      ++supported;
      break;
    case Verdict::kContradicted:
      ++contradicted;
      break;
    case Verdict::kUnverified:
      ++unverified;
      break;
  }
}

VerdictSummary Summarize(std::span<const Judgement> judgements) {
  VerdictSummary summary;
  for (const Judgement& judgement : judgements) summary.Add(judgement.verdict);
  return summary;
}

}  // namespace assay::claims
