// How well the evidence covers the claim's words, and which sentences do it best.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "statement/statement_internal.h"
#include "verify/features_internal.h"

namespace assay::claims::internal {

inline constexpr std::size_t kTopSentences = 3;

// What a claim is compared with. The first sentences() rows are sentences; those behind them are
// headings, which lend their words only.
struct EvidencePool {
  std::span<const Statement* const> rows;
  std::span<const std::uint32_t> headings;  // [sentences()] row of its heading, or its own row

  [[nodiscard]] std::size_t sentences() const { return headings.size(); }
};

struct Coverage {
  // [sentences * content words of the claim], similarity of the nearest word, in [0, 1]
  std::vector<float> near;
  std::vector<float> share;            // [sentences] rarity-weighted mean of `near`
  std::vector<std::uint32_t> ranking;  // rows of the pool, best first, at most `ranked`
};

// Fills the features of coverage. `pool` must not be empty. Equal scores rank in pool order. Only
// the first `sentences` rows can rank; those behind them are headings, which lend their words only.
// Requires: 1 <= sentences <= pool.size().
// O(content words * different evidence words * dim).
[[nodiscard]] Coverage MeasureCoverage(const Statement& claim,
                                       std::span<const Statement* const> pool,
                                       const WordTable& words, std::size_t sentences,
                                       std::size_t ranked, FeatureVector& features);

}  // namespace assay::claims::internal
