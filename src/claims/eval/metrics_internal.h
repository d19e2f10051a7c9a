// Figures of a list of judged cases.
#pragma once
#include <span>
#include <string>

#include "assay/claims/evaluation.h"

#include "eval/cases_internal.h"

namespace assay::claims::internal {

struct ScoredCase {
  std::uint32_t part = 0;
  Truth truth = Truth::kSupported;
  Verdict verdict = Verdict::kSupported;  // of a case with one claim
  bool has_verdict = false;
  bool flagged = false;  // found to hold something unsupported
  float risk = 0;        // larger: more likely so
  double cpu_ms = 0;
  // Bytes of the answer: in unsupported words, in labelled spans, in both.
  std::uint64_t marked = 0;
  std::uint64_t labelled = 0;
  std::uint64_t marked_and_labelled = 0;

  [[nodiscard]] bool positive() const { return truth != Truth::kSupported; }
};

// Order does not matter; equal risks share their ranks. O(n log n).
[[nodiscard]] ClaimQuality MeasureQuality(std::string name, std::span<const ScoredCase> cases);

}  // namespace assay::claims::internal
