// assay/claims/evaluation.h: how good the verdicts are on sets with known answers.
// Room: claims.  Threads: EvaluateClaims runs its own threads; the report does not depend on how
// many.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/entailment.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"

namespace assay::claims {

// The positive class of every figure is "holds something that the source does not support".
struct ClaimQuality {
  std::string name;     // "all", or a task or set within the file
  std::uint64_t n = 0;  // answers (grounding) or pairs (nli)
  std::uint64_t positives = 0;
  double accuracy = 0;
  double balanced_accuracy = 0;
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  double area_under_curve = 0;  // ROC; 0 where one class is empty
  double accuracy_3way = 0;     // supported, contradicted, neutral; 0 where the file has two labels
  // Of the characters in unsupported words of claims that are not supported, against those in
  // labelled spans (grounding; Niu et al. 2024, RAGTruth, arXiv 2401.00396). 0 without labels.
  double span_precision = 0;
  double span_recall = 0;
  double span_f1 = 0;
};

enum class EvalFormat : std::uint8_t {
  kGrounding,  // {"source","response","hallucinated"?,"spans"?,"task"?,"question"?}
  kNli,        // {"premise","hypothesis","label","set"?}
  kClaims,     // {"claim","evidence": [..] or null,"label"}: WiCE
  kPairs,      // {"knowledge","right_answer","hallucinated_answer"}: HaluEval QA, two rows a record
};

struct EvalReport {
  EvalFormat format = EvalFormat::kGrounding;
  bool cross_validated = false;
  std::uint64_t skipped = 0;  // records without evidence; they count in nothing else
  ClaimQuality all;
  std::vector<ClaimQuality> parts;  // by task or set, in order of name; empty if there is only one
  double seconds = 0;               // wall clock, reading included
  double mean_answer_ms = 0;  // CPU time of one answer or pair, indexing of its source included
  double p99_answer_ms = 0;
};

struct EvalOptions {
  unsigned threads = 2;
  // Folder with fold0.model to fold4.model (models/verifier/): each record is judged by the weights
  // that were trained without its group (source_id, group). Empty: the shipped weights, whose
  // figures on a set that they were trained on flatter.
  std::string folds_folder = {};
  // Models that are heard beside facts and similarities (assay/claims/entailment.h): none; one; or
  // five, of which each record is judged by that of its fold. They must outlive the call.
  std::vector<const Entailment*> entailments = {};
  std::uint64_t limit = 0;  // records read, 0: all
  // Called with one JSON line per claim (features and truth) in order of the file, for training.
  std::function<void(std::string_view line)> dump_features = {};
  // Called on the calling thread about 10 times a second.
  std::function<void(std::uint64_t done)> progress = {};
};

// Streams the JSON lines of `path` and judges each record against its own source alone. `words`: as
// in Verifier::Create. Memory: a few records at a time plus one score a record. Errors: kNotFound;
// kInvalidArgument for a line that is no record of a known format (names file, line and field), an
// empty file; kNotFound or kDataLoss for the folds.
[[nodiscard]] Result<EvalReport> EvaluateClaims(core::FileSystem& files, const std::string& path,
                                                const embed::Encoder* words,
                                                const EvalOptions& options = {});

}  // namespace assay::claims
