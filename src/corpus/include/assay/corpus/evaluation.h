// assay/corpus/evaluation.h: retrieval quality on sets of queries with known answers.
// Room: corpus.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/corpus/search.h"
#include "assay/embed/encoder.h"

namespace assay::corpus {

struct RetrievalSet {
  std::string name;
  std::vector<std::string> sentences;  // the pool
  std::vector<std::string> queries;
  std::vector<std::vector<std::uint32_t>> relevant;  // per query: rows of `sentences`
};

struct RetrievalRow {
  SearchMode mode = SearchMode::kBm25;
  std::string encoder;     // empty for kBm25
  double recall_at_1 = 0;  // share of queries with a relevant sentence among the first 1, 5, 10
  double recall_at_5 = 0;
  double recall_at_10 = 0;
  double mean_reciprocal_rank = 0;  // over the first 100
  double seconds = 0;               // of all queries, encoding included
};

struct RetrievalReport {
  std::string name;
  std::uint32_t queries = 0;
  std::uint32_t sentences = 0;
  std::vector<RetrievalRow> rows;
};

// Reads `{"premise","hypothesis","label"}` lines (a hypothesis with label supported or contradicted
// seeks its premises among all) or WiCE lines (`claim`, `evidence`, `supporting`: the claim seeks
// its supporting sentences among the evidence of all claims). Errors: kNotFound, kInvalidArgument
// (names file and line).
[[nodiscard]] Result<RetrievalSet> LoadRetrievalSet(core::FileSystem& files,
                                                    const std::string& path);

// BM25 alone, and for each encoder vectors alone and hybrid.
[[nodiscard]] Result<RetrievalReport> EvaluateRetrieval(
    const RetrievalSet& set, std::span<const embed::Encoder* const> encoders);

}  // namespace assay::corpus
