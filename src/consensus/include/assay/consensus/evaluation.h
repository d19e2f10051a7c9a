// assay/consensus/evaluation.h: how often the consensus is right on sets with known answers.
// Room: consensus.  Threads: one call at a time per report; nothing is shared.
// Prequential: a row is answered by what was learned from the rows before it, then its votes (and,
// where said so, its labels) are learned from. No row is ever judged by its own label.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/consensus/consensus.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"

namespace assay::consensus {

enum class EvalFormat : std::uint8_t {
  kAnswers,    // {"answers": [{"model", "text", "correct" | "human_true" | "judge_true"}]}
  kOutcomes,   // {"subject", "correct": {model: bool}}: which expert to ask, without answers
  kReference,  // {"reference", "answers": [{"model", "text"}]}: similarity to the reference
  kClaims,     // {"answers": [{"model", "triplets": [{subject, predicate, object, label}]}]}
};

// A share or mean with its 95% interval (ratio estimator over rows, Cochran 1977, section 6.3).
struct Measured {
  double value = 0;
  double low = 0;
  double high = 0;
};

struct EvalRow {
  std::string name;
  Measured accuracy;
};

struct CoveragePoint {
  double coverage = 0;  // share of the rows with the highest confidence
  double accuracy = 0;  // of those
};

struct EvalReport {
  EvalFormat format = EvalFormat::kAnswers;
  std::uint64_t n = 0;        // rows that count
  std::uint64_t skipped = 0;  // rows without a label or with fewer than two answers
  // kAnswers and kOutcomes: share of right answers. kReference: mean cosine to the reference.
  // kClaims: share of the claims that are supported.
  Measured accuracy;        // of the consensus as it runs, taught by the labels of earlier rows
  Measured without_labels;  // the same, learning from votes alone
  Measured best_single;     // the best expert by hindsight
  std::string best_expert;
  Measured majority;  // most votes, a tie counts as drawn by lot; kReference, kClaims: all alike
  Measured medoid;    // the answer that agrees most with the others
  Measured any;       // at least one expert is right: the most that choosing can reach
  Measured gain;      // accuracy minus best_single, paired by row
  std::vector<EvalRow> experts;  // by name
  // Of the confidence of the consensus as it runs.
  std::vector<CoveragePoint> curve;  // at 10%, 20%, ... 100%
  double calibration_error = 0;      // expected, over ten bins of equal width
  double area_under_curve = 0;  // ROC of the confidence for "right"; 0 where one class is empty
  double kept = 1;              // kClaims: share of the claims that a quorum supports
  double seconds = 0;
};

struct EvalOptions {
  MergeOptions merge;       // kAuto: kWeighted over finals or, without those, over opinions
  std::uint64_t limit = 0;  // rows read, 0: all
  std::function<void(std::uint64_t done)> progress = {};
};

// `encoder` as in Merger::Create; kReference needs one. Errors: kNotFound; kInvalidArgument for a
// line that is no row of a known format (names file and line), for an empty file, or a missing
// encoder.
[[nodiscard]] Result<EvalReport> EvaluateConsensus(core::FileSystem& files, const std::string& path,
                                                   const embed::Encoder* encoder,
                                                   const EvalOptions& options = {});

// "answers", "outcomes", "reference", "claims".
[[nodiscard]] std::string_view EvalFormatName(EvalFormat format);

}  // namespace assay::consensus
