// assay/corpus/search.h: the passages of an index that bear on a query.
// Room: corpus (uses core, embed, vector).  Threads: one Retriever per thread; they may share the
// Index.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/corpus/bm25.h"
#include "assay/corpus/index.h"
#include "assay/embed/encoder.h"

namespace assay::corpus {

enum class SearchMode : std::uint8_t { kBm25, kVector, kHybrid };

inline constexpr std::size_t kFusionDepth = 100;  // rows of each list that fusion looks at

// score: of the mode asked for. kHybrid takes the best rows of both lists and adds the BM25 score,
// as a share of the best one, to the weighted cosine (convex fusion: Bruch, Gai, Ingber 2023).
struct SearchHit {
  std::uint32_t passage = 0;
  float score = 0;       // larger is better; comparable within one call only
  float bm25 = 0;        // 0: not among the BM25 rows looked at
  float similarity = 0;  // cosine in [-1, 1]; 0 where the index has no vectors
};

class Retriever {
 public:
  // `encoder` may be null: then only kBm25 works, and kHybrid means kBm25.
  // Errors: kFailedPrecondition when the index holds vectors of another encoder.
  [[nodiscard]] static Result<Retriever> Create(std::shared_ptr<const Index> index,
                                                const embed::Encoder* encoder);
  Retriever(Retriever&&) noexcept;
  Retriever& operator=(Retriever&&) noexcept;
  ~Retriever();

  [[nodiscard]] const Index& index() const;

  // The k best passages, best first; equal scores by passage id. An empty list for a query without
  // a known term. Errors: kFailedPrecondition for kVector without vectors; those of the encoder.
  [[nodiscard]] Result<std::vector<SearchHit>> Retrieve(std::string_view query, std::size_t k,
                                                        SearchMode mode = SearchMode::kHybrid);
  // One list per query; queries are encoded in one batch.
  [[nodiscard]] Result<std::vector<std::vector<SearchHit>>> RetrieveBatch(
      std::span<const std::string_view> queries, std::size_t k,
      SearchMode mode = SearchMode::kHybrid);

 private:
  Retriever();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay::corpus
