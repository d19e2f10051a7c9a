#include "assay/claims/verifier.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "assay/corpus/analysis.h"
#include "assay/corpus/search.h"

#include "verify/judge_internal.h"
#include "verify/peer_internal.h"

namespace assay::claims {

using internal::Statement;

namespace {

constexpr std::uint32_t kMaxPassages = 64;
constexpr std::uint32_t kMaxEvidence = 16;
constexpr std::size_t kMaxKeptStatements = 50000;  // about 100 MB
constexpr std::size_t kMaxKeptWords = 200000;      // about 250 MB with vectors
constexpr float kNoEvidenceConfidence = 0.95F;

// A row of the pool and where it stands.
struct Row {
  const Statement* statement = nullptr;
  std::uint32_t passage = 0;
  std::uint32_t sentence = 0;
  bool is_heading = false;
};

// What a claim is compared with: sentences of the retrieved passages, then their headings.
struct Pool {
  std::vector<Row> rows;
  std::vector<const Statement*> statements;  // of the rows
  std::vector<std::uint32_t> headings;       // of each sentence: its heading's row, or its own
};

std::uint64_t Mix(std::uint64_t hash, std::string_view bytes) {
  for (const char c : bytes) {  // FNV-1a
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return hash;
}

}  // namespace

struct Verifier::State {
  std::shared_ptr<const corpus::Index> index;
  std::optional<corpus::Retriever> retriever;
  VerifierOptions options;
  const Entailment* entailment = nullptr;
  JudgementStore* store = nullptr;
  const internal::VerifierModel* model = nullptr;
  internal::Observation* observation = nullptr;  // filled where not null
  std::uint64_t identity = 0;  // of everything but claim and index that a judgement depends on
  internal::WordTable words;
  corpus::Analyzer analyzer;
  // By passage and sentence; a long record is several statements.
  std::unordered_map<std::uint64_t, std::vector<Statement>> statements;
  std::unordered_map<std::string, Statement> headings;

  explicit State(const embed::Encoder* word_encoder) : words(word_encoder) {}

  // Called between claims: nothing points into the tables then.
  void Trim() {
    if (statements.size() < kMaxKeptStatements && words.size() < kMaxKeptWords) return;
    statements.clear();
    headings.clear();
    words.Clear();
  }

  Result<std::span<const Statement>> StatementsOf(std::uint32_t passage, std::uint32_t sentence) {
    const std::uint64_t key = (static_cast<std::uint64_t>(passage) << 32) | sentence;
    if (const auto it = statements.find(key); it != statements.end()) return it->second;
    const corpus::PassageSentence place = index->sentence(passage, sentence);
    const std::string_view text = place.text.of(index->passage(passage).text);
    std::vector<std::string> parts;
    if (place.block == text::BlockKind::kTableRow) parts = internal::SplitRecord(text);
    if (parts.empty()) parts.emplace_back(text);
    std::vector<Statement> read;
    for (std::string& part : parts) {
      ASSAY_ASSIGN(Statement statement, internal::ReadStatement(std::move(part), words));
      if (!statement.tokens.empty()) read.push_back(std::move(statement));
    }
    return statements.emplace(key, std::move(read)).first->second;
  }

  Result<const Statement*> HeadingOf(std::string_view heading) {
    const std::string key(heading);
    if (const auto it = headings.find(key); it != headings.end()) return &it->second;
    ASSAY_ASSIGN(Statement statement, internal::ReadStatement(key, words));
    return &headings.emplace(key, std::move(statement)).first->second;
  }

  // Rows without a word are left out.
  Result<Pool> PoolOf(std::span<const std::uint32_t> passages) {
    Pool pool;
    std::vector<Row>& rows = pool.rows;
    for (const std::uint32_t id : passages) {
      const std::uint32_t count = index->passage(id).sentence_count;
      for (std::uint32_t i = 0; i < count; ++i) {
        ASSAY_ASSIGN(const std::span<const Statement> read, StatementsOf(id, i));
        for (const Statement& statement : read) rows.push_back({&statement, id, i, false});
      }
    }
    const std::size_t sentences = rows.size();
    std::unordered_map<const Statement*, std::uint32_t> seen;
    std::unordered_map<std::uint32_t, std::uint32_t> heading_of;  // passage -> row
    for (const std::uint32_t id : passages) {
      const std::string_view heading = index->passage(id).heading_path;
      if (heading.empty()) continue;
      ASSAY_ASSIGN(const Statement* statement, HeadingOf(heading));
      if (statement->tokens.empty()) continue;
      const auto [it, is_new] = seen.emplace(statement, static_cast<std::uint32_t>(rows.size()));
      if (is_new) rows.push_back({statement, id, 0, true});
      heading_of.emplace(id, it->second);
    }
    for (std::size_t i = 0; i < (sentences == 0 ? rows.size() : sentences); ++i) {
      const auto it = sentences == 0 ? heading_of.end() : heading_of.find(rows[i].passage);
      pool.headings.push_back(it == heading_of.end() ? static_cast<std::uint32_t>(i) : it->second);
    }
    for (const Row& row : rows) pool.statements.push_back(row.statement);
    return pool;
  }

  Evidence EvidenceOf(const Row& row, float score) const {
    const corpus::Passage passage = index->passage(row.passage);
    Evidence evidence;
    evidence.file = passage.file;
    evidence.text = row.statement->text;
    evidence.score = std::clamp(score, 0.0F, 1.0F);
    const corpus::Source source =
        row.is_heading ? passage.source : index->sentence(row.passage, row.sentence).source;
    evidence.bytes = source.bytes;
    evidence.line = source.line;
    evidence.page = source.page;
    return evidence;
  }

  void MarkCommon(Statement& claim);
  Result<Judgement> Judge(std::string_view claim, std::span<const std::uint32_t> passages);
  Result<void> AskEntailment(const Statement& claim, const std::vector<Row>& rows,
                             const internal::Measurement& measurement,
                             internal::Decision& decision) const;
  void Explain(const Statement& claim, const std::vector<Row>& rows,
               internal::Measurement& measurement, const internal::Decision& decision,
               Judgement& judgement) const;
};

// The best rows become evidence; a conflicting finding's row is among them and comes first.
void Verifier::State::Explain(const Statement& claim, const std::vector<Row>& rows,
                              internal::Measurement& measurement,
                              const internal::Decision& decision, Judgement& judgement) const {
  std::vector<FactFinding>& findings = measurement.facts.findings;
  std::vector<std::uint32_t> order = measurement.ranking;
  const auto bring_forward = [&order](std::uint32_t row) {
    const auto it = std::ranges::find(order, row);
    if (it != order.end()) order.erase(it);
    order.insert(order.begin(), row);
  };
  if (decision.finding != internal::kNoFinding && findings[decision.finding].conflicts) {
    bring_forward(findings[decision.finding].evidence);
  }
  if (order.size() > options.max_evidence) order.resize(options.max_evidence);
  for (const std::uint32_t row : order) {
    judgement.evidence.push_back(EvidenceOf(rows[row], measurement.shares[row]));
  }
  const Evidence& first = judgement.evidence.front();
  judgement.reason = ReasonFor(decision, measurement, claim, first.file, first.line);
  for (FactFinding& finding : findings) {
    if (finding.conflicts) {
      const auto it = std::ranges::find(order, finding.evidence);
      if (it == order.end()) continue;
      finding.evidence = static_cast<std::uint32_t>(it - order.begin());
    }
    judgement.findings.push_back(std::move(finding));
  }
}

// The cross-encoder's word counts beside the trees', unless a fact has decided already.
Result<void> Verifier::State::AskEntailment(const Statement& claim, const std::vector<Row>& rows,
                                            const internal::Measurement& measurement,
                                            internal::Decision& decision) const {
  if (entailment == nullptr || decision.finding != internal::kNoFinding || measurement.verbatim) {
    return {};
  }
  std::string premise;
  const std::size_t top = std::min(internal::kTopSentences, measurement.ranking.size());
  for (std::size_t k = 0; k < top; ++k) {
    if (!premise.empty()) premise += ' ';
    premise += rows[measurement.ranking[k]].statement->text;
  }
  const EntailmentPair pair{premise, claim.text};
  EntailmentScore score;
  ASSAY_TRY(entailment->Score(std::span(&pair, 1), std::span(&score, 1)));
  const float weight = options.entailment_weight;
  decision.support = (1 - weight) * decision.support + weight * score.supported;
  const float against = score.contradicted + score.neutral;
  if (decision.support >= options.support_threshold) {
    decision.verdict = Verdict::kSupported;
    decision.confidence = decision.support;
  } else {
    decision.verdict =
        score.contradicted > score.neutral ? Verdict::kContradicted : Verdict::kUnverified;
    const float share = against > 0 ? std::max(score.contradicted, score.neutral) / against : 0.5F;
    decision.confidence = (1 - decision.support) * share;
  }
  return {};
}

// "Employees" in a staff handbook: what is said of them is not told apart by that word.
void Verifier::State::MarkCommon(Statement& claim) {
  constexpr std::uint32_t kMinPassages = 10;  // fewer do not show what is common
  constexpr std::uint32_t kCommonPart = 5;    // in a fifth of the passages
  const corpus::Bm25View& terms = index->bm25();
  if (terms.row_count < kMinPassages) return;
  for (internal::Token& token : claim.tokens) {
    std::vector<std::string_view> analysed;
    analyzer.Analyze(token.span.of(claim.text), analysed);
    const std::int64_t term = analysed.size() == 1 ? terms.Find(analysed[0]) : -1;
    token.common =
        term >= 0 &&
        terms.terms[static_cast<std::size_t>(term)].row_count * kCommonPart >= terms.row_count;
  }
}

Result<Judgement> Verifier::State::Judge(std::string_view claim,
                                         std::span<const std::uint32_t> passages) {
  Judgement judgement;
  ASSAY_ASSIGN(Statement statement, internal::ReadStatement(std::string(claim), words));
  MarkCommon(statement);
  ASSAY_ASSIGN(const Pool pool, PoolOf(passages));
  const std::vector<Row>& rows = pool.rows;
  if (statement.tokens.empty() || rows.empty()) {
    judgement.confidence = kNoEvidenceConfidence;
    judgement.reason = statement.tokens.empty() ? "the claim holds no words"
                                                : "the documents hold nothing about this";
    return judgement;
  }
  const internal::EvidencePool evidence{pool.statements, pool.headings};
  internal::Measurement measurement =
      internal::Measure(statement, evidence, words, model->swap, options.max_evidence);
  internal::Decision decision = internal::Decide(measurement, *model, options.support_threshold);
  if (observation != nullptr) {
    observation->features = measurement.features;
    observation->clause = measurement.clause;
    observation->decision = decision;
    for (const internal::WordSwap& swap : measurement.facts.swaps) {
      const std::span<const float> a = words.vector(swap.claim);
      const std::span<const float> b = words.vector(swap.evidence);
      observation->swaps.emplace_back(std::vector(a.begin(), a.end()),
                                      std::vector(b.begin(), b.end()));
    }
  }
  ASSAY_TRY(AskEntailment(statement, rows, measurement, decision));
  if (claim.size() > internal::kMaxStatementBytes && decision.verdict == Verdict::kSupported) {
    judgement.confidence = decision.confidence;
    judgement.reason = fmt::format("the claim is longer than the {} bytes that are judged",
                                   internal::kMaxStatementBytes);
    return judgement;
  }
  judgement.verdict = decision.verdict;
  judgement.confidence = decision.confidence;
  judgement.support = decision.support;
  Explain(statement, rows, measurement, decision, judgement);
  return judgement;
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
  if (options.passages == 0 || options.passages > kMaxPassages) {
    return Fail(Code::kInvalidArgument, fmt::format("passages is {}, but must be 1 to {}.",
                                                    options.passages, kMaxPassages));
  }
  if (options.max_evidence == 0 || options.max_evidence > kMaxEvidence) {
    return Fail(Code::kInvalidArgument, fmt::format("max_evidence is {}, but must be 1 to {}.",
                                                    options.max_evidence, kMaxEvidence));
  }
  const auto is_share = [](float value) { return value >= 0 && value <= 1; };
  if (!is_share(options.support_threshold) || !is_share(options.entailment_weight)) {
    return Fail(Code::kInvalidArgument,
                "support_threshold and entailment_weight must be between 0 and 1.");
  }
  Verifier verifier;
  verifier.state_ = std::make_unique<State>(words);
  State& state = *verifier.state_;
  ASSAY_ASSIGN(state.model, internal::ShippedModel());
  ASSAY_ASSIGN(corpus::Retriever retriever, corpus::Retriever::Create(index, retrieval));
  state.retriever.emplace(std::move(retriever));
  state.index = std::move(index);
  state.options = options;
  state.entailment = entailment;
  state.store = store;
  state.identity = Mix(14695981039346656037ULL,
                       fmt::format("{} {} {} {} {} {} {}", kVerifierVersion, options.passages,
                                   options.max_evidence, options.support_threshold,
                                   options.entailment_weight, words == nullptr ? "" : words->name(),
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
  std::vector<std::size_t> open;  // not in the store
  std::vector<std::string_view> queries;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    std::optional<Judgement> known;
    if (state.store != nullptr) {
      known = state.store->Find(claims[i], state.index->version(), state.identity);
    }
    if (known) {
      judgements[i] = std::move(*known);
    } else {
      open.push_back(i);
      queries.push_back(claims[i]);
    }
  }
  std::vector<std::vector<corpus::SearchHit>> hits;
  const bool take_all = state.index->passage_count() <= state.options.passages;
  if (!take_all) {
    ASSAY_ASSIGN(hits, state.retriever->RetrieveBatch(queries, state.options.passages));
  }
  for (std::size_t k = 0; k < open.size(); ++k) {
    std::vector<std::uint32_t> passages;
    if (take_all) {
      for (std::uint32_t id = 0; id < state.index->passage_count(); ++id) passages.push_back(id);
    } else {
      for (const corpus::SearchHit& hit : hits[k]) passages.push_back(hit.passage);
      std::ranges::sort(passages);  // reading order: evidence does not depend on rank
    }
    ASSAY_ASSIGN(judgements[open[k]], state.Judge(queries[k], passages));
    if (state.store != nullptr) {
      state.store->Put(queries[k], state.index->version(), state.identity, judgements[open[k]]);
    }
    state.Trim();
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
  return *state_->index;
}

namespace internal {

void VerifierPeer::SetModel(Verifier& verifier, const VerifierModel& model) {
  verifier.state_->model = &model;
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
  for (const Judgement& judgement : judgements) risks.push_back(1 - judgement.support);
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
