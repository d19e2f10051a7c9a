#include "assay/gateway/answer_checker.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "assay/claims/verdict_cache.h"
#include "assay/core/hash.h"
#include "assay/corpus/index.h"
#include "assay/corpus/update.h"

#include "checks/claim_judge_internal.h"

namespace assay::gateway {
namespace {

using Verifiers = std::vector<std::unique_ptr<claims::Verifier>>;

Result<std::shared_ptr<const corpus::Index>> OpenIndex(core::FileSystem& files,
                                                       const std::string& path,
                                                       const embed::Encoder* encoder,
                                                       std::vector<corpus::Warning>* warnings) {
  ASSAY_TRY(files.Stat(path));
  if (files.Stat(corpus::IndexPath(path))) {
    return corpus::Index::Open(files, corpus::IndexPath(path));
  }
  corpus::UpdateOptions options;
  options.encoder = encoder;
  auto report = corpus::BuildOrUpdate(files, path, options);
  if (!report && report.error().code == Code::kPermissionDenied) {
    report = corpus::BuildInMemory(files, path, options);
  }
  if (!report) return std::unexpected(std::move(report).error());
  if (warnings != nullptr) {
    warnings->insert(warnings->end(), report->warnings.begin(), report->warnings.end());
  }
  return std::move(report->index);
}

int Rank(claims::Verdict verdict) {
  switch (verdict) {
    case claims::Verdict::kSupported:
      return 2;
    case claims::Verdict::kContradicted:
      return 1;
    case claims::Verdict::kUnverified:
      return 0;
  }
  return 0;
}

bool Outranks(const claims::Judgement& a, const claims::Judgement& b) {
  if (Rank(a.verdict) != Rank(b.verdict)) return Rank(a.verdict) > Rank(b.verdict);
  if (a.verdict == claims::Verdict::kUnverified) return a.support > b.support;
  return a.confidence > b.confidence;
}

claims::Extractor ExtractorFor(std::string_view question) {
  claims::ExtractorOptions options;
  options.question = question;
  return claims::Extractor(options);
}

// The opened documents of one moment, with verifiers that are lent to one call at a time.
class Documents {
 public:
  static Result<std::shared_ptr<Documents>> Open(core::FileSystem& files,
                                                 const AnswerCheckerOptions& options,
                                                 claims::VerdictCache& cache,
                                                 std::vector<corpus::Warning>* warnings) {
    auto documents = std::make_shared<Documents>();
    documents->options_ = &options;
    documents->cache_ = &cache;
    core::Hasher hasher;
    if (options.entailment != nullptr) hasher.Add(options.entailment->name());
    if (options.judge != nullptr) hasher.Add(options.judge->name());
    for (const std::string& path : options.documents) {
      ASSAY_ASSIGN(auto index, OpenIndex(files, path, options.encoder, warnings));
      const corpus::IndexVersion version = index->version();
      hasher.Add(core::ToHex({version.high, version.low}));
      documents->indexes_.push_back(std::move(index));
    }
    documents->version_ = core::ToHex(hasher.Digest128());
    ASSAY_ASSIGN(Verifiers first, documents->MakeVerifiers());  // so that errors show at the start
    documents->identity_ = first.front()->identity();
    documents->idle_.push_back(std::move(first));
    return documents;
  }

  Result<std::vector<claims::Judgement>> Verify(std::span<const std::string_view> claims) {
    ASSAY_ASSIGN(Verifiers verifiers, Borrow());
    Result<std::vector<claims::Judgement>> best = std::vector<claims::Judgement>();
    for (std::unique_ptr<claims::Verifier>& verifier : verifiers) {
      auto judgements = verifier->VerifyBatch(claims);
      if (!judgements) {
        best = std::unexpected(std::move(judgements).error());
        break;
      }
      if (best->empty()) {
        best = std::move(judgements);
        continue;
      }
      for (std::size_t i = 0; i < claims.size(); ++i) {
        if (Outranks((*judgements)[i], (*best)[i])) (*best)[i] = std::move((*judgements)[i]);
      }
    }
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(verifiers));
    return best;
  }

  // Fills in the records of the claims whose judgement is kept, and returns the indices of the
  // others. Only a single set of documents has one judgement a claim.
  std::vector<std::size_t> FindRecords(std::span<const std::string_view> claims,
                                       std::span<claims::VerdictRecord> out) const {
    std::vector<std::size_t> unknown;
    std::vector<const claims::Judgement*> known(claims.size());
    const auto reader = cache_->Read();
    if (indexes_.size() == 1) {
      reader.FindBatch(claims, indexes_[0]->version(), identity_, known);
    }
    for (std::size_t i = 0; i < claims.size(); ++i) {
      if (known[i] == nullptr) {
        unknown.push_back(i);
      } else {
        out[i] = claims::RecordOf(*known[i]);
      }
    }
    return unknown;
  }

  [[nodiscard]] const std::string& version() const { return version_; }

 private:
  Result<Verifiers> MakeVerifiers() const {
    Verifiers verifiers;
    claims::VerifierOptions options;
    options.passages = options_->passages;
    for (const std::shared_ptr<const corpus::Index>& index : indexes_) {
      const embed::Encoder* retrieval = index->encoder_name().empty() ? nullptr : options_->encoder;
      ASSAY_ASSIGN(auto verifier, claims::Verifier::Create(index, options_->encoder, retrieval,
                                                           options, options_->entailment, cache_));
      verifiers.push_back(std::make_unique<claims::Verifier>(std::move(verifier)));
    }
    return verifiers;
  }

  Result<Verifiers> Borrow() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Verifiers verifiers = std::move(idle_.back());
        idle_.pop_back();
        return verifiers;
      }
    }
    return MakeVerifiers();
  }

  const AnswerCheckerOptions* options_ = nullptr;
  claims::VerdictCache* cache_ = nullptr;
  std::vector<std::shared_ptr<const corpus::Index>> indexes_;
  std::string version_;
  std::uint64_t identity_ = 0;  // of the verifiers, in the cache's keys
  std::mutex mutex_;
  std::vector<Verifiers> idle_;  // guarded by mutex_
};

}  // namespace

struct AnswerChecker::State {
  core::FileSystem* files = nullptr;
  AnswerCheckerOptions options;
  std::unique_ptr<claims::VerdictCache> cache;

  mutable std::mutex mutex;
  std::shared_ptr<Documents> documents;  // guarded by mutex; replaced whole by Refresh

  std::shared_ptr<Documents> Current() const {
    const std::lock_guard lock(mutex);
    return documents;
  }
};

AnswerChecker::AnswerChecker(std::unique_ptr<State> state) : state_(std::move(state)) {}
AnswerChecker::~AnswerChecker() = default;

Result<std::unique_ptr<AnswerChecker>> AnswerChecker::Open(core::FileSystem& files,
                                                           AnswerCheckerOptions options,
                                                           std::vector<corpus::Warning>* warnings) {
  if (options.documents.empty()) {
    return Fail(Code::kInvalidArgument,
                "a checker needs documents: name a folder or a file to check against");
  }
  auto state = std::make_unique<State>();
  state->files = &files;
  state->options = std::move(options);
  ASSAY_ASSIGN(state->cache, claims::VerdictCache::Create({state->options.cached_verdicts}));
  ASSAY_ASSIGN(state->documents, Documents::Open(files, state->options, *state->cache, warnings));
  return std::unique_ptr<AnswerChecker>(new AnswerChecker(std::move(state)));
}

Result<CheckedAnswer> AnswerChecker::Check(std::string_view answer,
                                           std::string_view question) const {
  const claims::Extractor extractor = ExtractorFor(question);
  CheckedAnswer checked;
  for (claims::ExtractedSentence& sentence : extractor.Extract(answer)) {
    for (claims::Claim& claim : sentence.claims) {
      if (checked.claims.size() < state_->options.max_claims) {
        checked.claims.push_back({std::move(claim), {}});
      } else {
        ++checked.unchecked_claims;
      }
    }
  }
  std::vector<std::string_view> texts;
  texts.reserve(checked.claims.size());
  for (const CheckedClaim& item : checked.claims) texts.push_back(item.claim.text);
  ASSAY_ASSIGN(auto judgements, Verify(texts));
  checked.summary = claims::Summarize(judgements);
  for (std::size_t i = 0; i < judgements.size(); ++i) {
    checked.claims[i].judgement = std::move(judgements[i]);
  }
  return checked;
}

Result<std::vector<claims::Judgement>> AnswerChecker::Verify(
    std::span<const std::string_view> claims) const {
  if (claims.empty()) return std::vector<claims::Judgement>();
  return state_->Current()->Verify(claims);
}

Result<void> AnswerChecker::VerifyRecords(std::span<const std::string_view> claims,
                                          std::span<claims::VerdictRecord> out) const {
  const std::shared_ptr<Documents> documents = state_->Current();
  const std::vector<std::size_t> unknown = documents->FindRecords(claims, out);
  if (unknown.empty()) return {};
  std::vector<std::string_view> texts;
  texts.reserve(unknown.size());
  for (const std::size_t i : unknown) texts.push_back(claims[i]);
  ASSAY_ASSIGN(const auto judgements, documents->Verify(texts));
  for (std::size_t i = 0; i < unknown.size(); ++i)
    out[unknown[i]] = claims::RecordOf(judgements[i]);
  return {};
}

Result<void> AnswerChecker::Refresh(std::vector<corpus::Warning>* warnings) {
  ASSAY_ASSIGN(auto fresh,
               Documents::Open(*state_->files, state_->options, *state_->cache, warnings));
  const std::lock_guard lock(state_->mutex);
  state_->documents = std::move(fresh);
  return {};
}

ClaimJudge* AnswerChecker::judge() const {
  return state_->options.judge;
}

std::string AnswerChecker::Version() const {
  return state_->Current()->version();
}

std::size_t AnswerChecker::max_claims() const {
  return state_->options.max_claims;
}

StreamingCheck::StreamingCheck(const AnswerChecker& checker, std::string_view question)
    : checker_(&checker), extractor_(ExtractorFor(question)), stream_(extractor_) {}

Result<std::vector<CheckedClaim>> StreamingCheck::Feed(std::string_view piece) {
  claims::Extraction finished;
  stream_.Feed(piece, finished);
  return Judge(std::move(finished));
}

Result<std::vector<CheckedClaim>> StreamingCheck::Finish() {
  claims::Extraction finished;
  stream_.Finish(finished);
  return Judge(std::move(finished));
}

Result<std::vector<CheckedClaim>> StreamingCheck::Judge(claims::Extraction sentences) {
  std::vector<CheckedClaim> checked;
  for (claims::ExtractedSentence& sentence : sentences) {
    for (claims::Claim& claim : sentence.claims) {
      if (claims_++ < checker_->max_claims()) checked.push_back({std::move(claim), {}});
    }
  }
  std::vector<std::string_view> texts;
  texts.reserve(checked.size());
  for (const CheckedClaim& item : checked) texts.push_back(item.claim.text);
  ASSAY_ASSIGN(auto judgements, checker_->Verify(texts));
  for (std::size_t i = 0; i < judgements.size(); ++i) {
    summary_.Add(judgements[i].verdict);
    checked[i].judgement = std::move(judgements[i]);
  }
  return checked;
}

ClaimVerdict ToClaimVerdict(const CheckedClaim& checked) {
  ClaimVerdict verdict;
  verdict.claim = checked.claim.text;
  verdict.verdict = claims::VerdictName(checked.judgement.verdict);
  verdict.confidence = checked.judgement.confidence;
  verdict.reason = checked.judgement.reason;
  for (const claims::Evidence& item : checked.judgement.evidence) {
    if (verdict.evidence.size() == kKeptEvidence) break;
    verdict.evidence.push_back({item.file, item.line, item.text, item.score});
  }
  return verdict;
}

std::string_view VerdictHeader(const claims::VerdictSummary& summary) {
  if (summary.contradicted > 0) return VerdictName(claims::Verdict::kContradicted);
  if (summary.unverified > 0) return VerdictName(claims::Verdict::kUnverified);
  if (summary.supported > 0) return VerdictName(claims::Verdict::kSupported);
  return "none";
}

}  // namespace assay::gateway
