// Judges evaluation cases, one after the other, keeping the index of the last source.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assay/claims/verifier.h"

#include "eval/cases_internal.h"
#include "eval/metrics_internal.h"
#include "verify/model_internal.h"

namespace assay::claims::internal {

inline constexpr std::size_t kFolds = 5;

// Fold of a group: FNV-1a (64 bits) modulo kFolds, as in models/verifier/train.py.
[[nodiscard]] std::size_t FoldOf(std::string_view group);

// What is judged at once: the claim, or a sentence of the answer.
struct LabelledPiece {
  std::string text;
  std::optional<std::size_t> at;  // of `text` in the response; none where words were added to it
  Truth truth = Truth::kSupported;
  std::vector<std::string> unsupported;  // the labelled parts of the sentence
};

class CaseJudge {
 public:
  // `folds`: five models or empty. `entailments`: none, one or five. `dump`: whether lines for
  // training are wanted.
  CaseJudge(const embed::Encoder* words, std::span<const VerifierModel> folds,
            std::span<const Entailment* const> entailments, bool dump)
      : words_(words), folds_(folds), entailments_(entailments), dump_(dump) {}

  // Appends the lines for training to `lines` if they are wanted.
  [[nodiscard]] Result<ScoredCase> Judge(const EvalCase& item, std::string& lines);

 private:
  [[nodiscard]] static std::vector<LabelledPiece> PiecesOf(const EvalCase& item);
  [[nodiscard]] Result<void> OpenSource(const EvalCase& item);

  const embed::Encoder* words_;
  std::span<const VerifierModel> folds_;
  std::span<const Entailment* const> entailments_;
  bool dump_;
  std::string source_;
  std::optional<Verifier> verifier_;  // of source_; none where the source holds no sentence
};

}  // namespace assay::claims::internal
