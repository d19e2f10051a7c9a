// assay/claims/verifier.h: is a claim supported, contradicted or not mentioned?
// Room: claims (uses core, text, embed, corpus).
// Method: retrieve passages; align the claim's words with their sentences (word vectors, inverse
// frequency weights); compare facts one by one (quantities, names, negation, opposites,
// quantifiers, order, fields of records); a small ensemble of decision trees over these features
// gives the probability (models/verifier/), the facts give the reason.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "assay/claims/entailment.h"
#include "assay/claims/verdict.h"
#include "assay/core/result.h"
#include "assay/corpus/index.h"
#include "assay/embed/encoder.h"

namespace assay::claims {

// Raised when equal input may get another judgement; part of what verdicts are cached under.
inline constexpr std::uint32_t kVerifierVersion = 4;

// A place where judgements are kept between calls; see verdict_cache.h for one.
// Threads: may be called by many threads at once.
class JudgementStore {
 public:
  virtual ~JudgementStore() = default;
  // `index` and `verifier` (a hash of version, options and models) name what was judged against.
  [[nodiscard]] virtual std::optional<Judgement> Find(std::string_view claim,
                                                      const corpus::IndexVersion& index,
                                                      std::uint64_t verifier) = 0;
  virtual void Put(std::string_view claim, const corpus::IndexVersion& index,
                   std::uint64_t verifier, const Judgement& judgement) = 0;
};

struct VerifierOptions {
  std::uint32_t passages = 8;      // retrieved per claim, 1 to 64; more costs time, about linearly
  std::uint32_t max_evidence = 3;  // spans per judgement, 1 to 16
  float support_threshold = 0.5F;  // `support` from which a claim without a conflict is supported
  // Of an Entailment's probability beside the trees', [0, 1]; one that has a mix() does not use it.
  float entailment_weight = 0.5F;
  // What an Entailment reads beside the claim: 0: the three best sentences; else that many of the
  // passages in which the best sentences stand, each by itself. 0 to 8; a passage costs as much
  // time as the sentences do.
  std::uint32_t entailment_passages = 0;
};

// Counts of one answer's judgements.
struct VerdictSummary {
  std::uint32_t supported = 0;
  std::uint32_t contradicted = 0;
  std::uint32_t unverified = 0;

  void Add(Verdict verdict);
};
[[nodiscard]] VerdictSummary Summarize(std::span<const Judgement> judgements);

// Probability that an answer with these claims holds something that the documents do not support,
// in [0, 1]; 0 for an answer without claims. By facts and similarity alone: a model that reads
// claim and evidence together, which tells claims better, was no gain for whole answers
// (docs/quality.md). Does not depend on the claims' order. Errors: none with the shipped model.
[[nodiscard]] Result<float> AnswerRisk(std::span<const Judgement> judgements);

namespace internal {
class VerifierPeer;
}

class Verifier {
 public:
  // `words` gives vectors of single words: the static encoder (embed/static_encoder.h). Null works,
  // with equal stems instead of near words and lower quality. `retrieval` is the encoder of the
  // index's vectors (often the same), null for an index without vectors. `entailment` and `store`
  // may be null. All must outlive the Verifier. Errors: kInvalidArgument for options out of range;
  // kFailedPrecondition when the index holds vectors of another encoder.
  [[nodiscard]] static Result<Verifier> Create(std::shared_ptr<const corpus::Index> index,
                                               const embed::Encoder* words,
                                               const embed::Encoder* retrieval,
                                               const VerifierOptions& options = {},
                                               const Entailment* entailment = nullptr,
                                               JudgementStore* store = nullptr);
  Verifier(Verifier&&) noexcept;
  Verifier& operator=(Verifier&&) noexcept;
  ~Verifier();

  // Judges one self-contained claim (Claim::text of the Extractor). Deterministic: depends on the
  // claim, the index, the options and the models alone. An empty claim is unverified, and so is one
  // of more than 8 KiB unless what those hold is contradicted already. About 1 ms on
  // a warm index. Threads: one call at a time per Verifier. Errors: those of the encoders.
  [[nodiscard]] Result<Judgement> Verify(std::string_view claim);

  // One judgement a claim, each equal to Verify of it; retrieval is batched, and an Entailment is
  // asked once for all claims that no fact has decided (for 64 at a time).
  [[nodiscard]] Result<std::vector<Judgement>> VerifyBatch(
      std::span<const std::string_view> claims);

  // What the JudgementStore's keys name it by: a hash of version, options and models.
  [[nodiscard]] std::uint64_t identity() const;
  [[nodiscard]] const VerifierOptions& options() const;
  [[nodiscard]] const corpus::Index& index() const;

 private:
  friend class internal::VerifierPeer;
  Verifier();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay::claims
