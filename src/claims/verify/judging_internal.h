// One claim on its way through the verifier: measured, decided, perhaps asked about, explained.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/entailment.h"
#include "assay/claims/verifier.h"
#include "assay/core/result.h"

#include "verify/judge_internal.h"
#include "verify/passages_internal.h"

namespace assay::claims::internal {

// Points into the PassageReader that read it.
struct Judging {
  Statement claim;
  Pool pool;
  Measurement measurement;
  Decision decision;
  Judgement judgement;                        // whole where `done`
  bool cut = false;                           // the claim is longer than what is judged
  bool done = false;                          // there was nothing to compare
  std::vector<std::string> premises;          // what an Entailment is to read; empty: not asked
  std::vector<text::Span> unsupported_words;  // as the Entailment says
  bool knows_words = false;                   // it told words apart
};

// Compares the claim with the passages and decides by facts and similarity.
[[nodiscard]] Result<Judging> StartJudging(std::string_view claim,
                                           std::span<const std::uint32_t> passages,
                                           PassageReader& reader, const VerifierModel& model,
                                           const VerifierOptions& options);

// What `entailment` is to read beside the claim. Nothing where it can add nothing: the very words
// stand there, or all but one fact; or a fact has decided and the model does not tell words apart.
void ChoosePremises(Judging& judging, const PassageReader& reader, const VerifierOptions& options,
                    const Entailment& entailment);

// Asks once about all premises of all claims and lets its word count beside the trees' where odds
// decide. Errors:
// those of the Entailment.
[[nodiscard]] Result<void> AskEntailment(const Entailment& entailment,
                                         const VerifierOptions& options,
                                         std::span<Judging> judgings);

// The best of several scores of one claim: supported as by the best; contradicted as by the worst,
// but at most what `supported` leaves; a word is unsupported if none supports it. Requires: not
// empty.
[[nodiscard]] EntailmentScore MergeScores(std::span<const EntailmentScore> scores);

// Evidence, reason, findings and unsupported words.
[[nodiscard]] Judgement FinishJudging(Judging judging, const PassageReader& reader,
                                      const VerifierOptions& options);

}  // namespace assay::claims::internal
