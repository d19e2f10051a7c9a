#include "assay/corpus/search.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/vector/top_k.h"

namespace assay::corpus {
namespace {

// Weight of the cosine beside the keyword score, which is 1 for the best keyword row. Chosen among
// 0.35 to 0.85 on WiCE and VitaminC themselves: from 0.4 to 0.7 the figures move by less than 0.01,
// so it is no fine tuning. Reciprocal ranks with their usual constant of 60 lose to keywords alone
// on VitaminC.
constexpr float kVectorWeight = 0.5F;
// What a row is worth that is missing among the keyword rows, of the last one there.
constexpr float kMissingShare = 0.5F;

}  // namespace

struct Retriever::State {
  std::shared_ptr<const Index> index;
  const embed::Encoder* encoder = nullptr;
  Bm25Scratch scratch;
  std::vector<Bm25Hit> keyword_hits;
  std::vector<float> query_vectors;
  std::unordered_map<std::uint32_t, std::size_t> place;  // of a passage in the fused list

  [[nodiscard]] bool has_vectors() const { return encoder != nullptr && index->vectors().dim != 0; }

  // Cosine of a query vector and a passage.
  [[nodiscard]] float Similarity(std::span<const float> query, std::uint32_t passage) const {
    const PassageVectors vectors = index->vectors();
    const auto row = vectors.values.subspan(std::size_t{passage} * vectors.dim, vectors.dim);
    float sum = 0;
    for (std::size_t i = 0; i < row.size(); ++i) sum += query[i] * static_cast<float>(row[i]);
    return sum * vectors.scales[passage];
  }

  [[nodiscard]] std::vector<SearchHit> Fuse(std::span<const Bm25Hit> by_keyword,
                                            std::span<const vector::Hit> by_vector,
                                            std::span<const float> query, std::size_t k);
};

std::vector<SearchHit> Retriever::State::Fuse(std::span<const Bm25Hit> by_keyword,
                                              std::span<const vector::Hit> by_vector,
                                              std::span<const float> query, std::size_t k) {
  std::vector<SearchHit> fused;
  place.clear();
  const auto at = [&](std::uint32_t passage) -> SearchHit& {
    const auto [entry, is_new] = place.try_emplace(passage, fused.size());
    if (is_new) fused.push_back({.passage = passage});
    return fused[entry->second];
  };
  for (const Bm25Hit& hit : by_keyword) at(hit.row).bm25 = hit.score;
  for (const vector::Hit& hit : by_vector) at(hit.row).similarity = hit.score;
  const float best = by_keyword.empty() ? 1 : by_keyword.front().score;
  const float missing = by_keyword.empty() ? 0 : kMissingShare * by_keyword.back().score;
  for (SearchHit& hit : fused) {
    if (hit.similarity == 0) hit.similarity = Similarity(query, hit.passage);
    hit.score = (hit.bm25 > 0 ? hit.bm25 : missing) / best + kVectorWeight * hit.similarity;
  }
  const std::size_t kept = std::min(k, fused.size());
  std::ranges::partial_sort(fused, fused.begin() + static_cast<std::ptrdiff_t>(kept),
                            [](const SearchHit& a, const SearchHit& b) {
                              return a.score != b.score ? a.score > b.score : a.passage < b.passage;
                            });
  fused.resize(kept);
  return fused;
}

Retriever::Retriever() : state_(std::make_unique<State>()) {}
Retriever::Retriever(Retriever&&) noexcept = default;
Retriever& Retriever::operator=(Retriever&&) noexcept = default;
Retriever::~Retriever() = default;

Result<Retriever> Retriever::Create(std::shared_ptr<const Index> index,
                                    const embed::Encoder* encoder) {
  if (encoder != nullptr && !index->encoder_name().empty() &&
      (index->encoder_name() != encoder->name() || index->vectors().dim != encoder->dim())) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the index holds vectors of the encoder '{}', not of '{}'; build it "
                            "again with that encoder",
                            index->encoder_name(), encoder->name()));
  }
  Retriever retriever;
  retriever.state_->index = std::move(index);
  retriever.state_->encoder = encoder;
  return retriever;
}

const Index& Retriever::index() const {
  return *state_->index;
}

Result<std::vector<SearchHit>> Retriever::Retrieve(std::string_view query, std::size_t k,
                                                   SearchMode mode) {
  ASSAY_ASSIGN(auto lists, RetrieveBatch({&query, 1}, k, mode));
  return std::move(lists[0]);
}

Result<std::vector<std::vector<SearchHit>>> Retriever::RetrieveBatch(
    std::span<const std::string_view> queries, std::size_t k, SearchMode mode) {
  State& state = *state_;
  if (mode == SearchMode::kVector && !state.has_vectors()) {
    return Fail(Code::kFailedPrecondition,
                "the index holds no vectors; build it with an encoder, or search by keywords");
  }
  k = std::min({k, kMaxBm25Hits, vector::kMaxTopK});
  std::vector<std::vector<SearchHit>> lists(queries.size());
  if (k == 0 || queries.empty()) return lists;
  const bool by_vector = mode != SearchMode::kBm25 && state.has_vectors();
  const bool fused = mode == SearchMode::kHybrid && by_vector;
  const std::size_t depth = fused ? std::max(k, kFusionDepth) : k;

  const PassageVectors rows = state.index->vectors();
  std::vector<vector::Hit> nearest;
  std::size_t per_query = 0;
  if (by_vector) {
    state.query_vectors.resize(queries.size() * rows.dim);
    ASSAY_TRY(state.encoder->Encode(queries, state.query_vectors));
    ASSAY_ASSIGN(nearest, vector::TopKBatch(state.query_vectors, rows.dim,
                                            vector::Int8Rows{rows.values, rows.scales}, depth));
    per_query = nearest.size() / queries.size();
  }
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto hits = std::span<const vector::Hit>(nearest).subspan(q * per_query, per_query);
    if (mode == SearchMode::kVector) {
      for (const vector::Hit& hit : hits) {
        lists[q].push_back({hit.row, hit.score, 0, hit.score});
      }
      continue;
    }
    state.index->bm25().Search(queries[q], depth, state.scratch, state.keyword_hits);
    if (fused) {
      const auto query =
          std::span<const float>(state.query_vectors).subspan(q * rows.dim, rows.dim);
      lists[q] = state.Fuse(state.keyword_hits, hits, query, k);
      continue;
    }
    for (const Bm25Hit& hit : state.keyword_hits) {
      lists[q].push_back({hit.row, hit.score, hit.score, 0});
    }
  }
  return lists;
}

}  // namespace assay::corpus
