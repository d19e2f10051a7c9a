// Searching a vector store without an index.
#include <algorithm>

#include "assay/vector/top_k.h"

#include "vector/store_commands.h"

namespace assay::cli {
namespace {

constexpr std::size_t kRowsAtOnce = 4096;

}  // namespace

Result<void> ForRows(const vector::VectorView& view, const OnRows& on_rows) {
  std::vector<float> rows;
  for (std::size_t first = 0; first < view.rows(); first += kRowsAtOnce) {
    rows.resize(std::min(kRowsAtOnce, view.rows() - first) * view.dim());
    ASSAY_TRY(view.Read(first, rows));
    ASSAY_TRY(on_rows(first, rows));
  }
  return {};
}

Result<std::vector<std::vector<vector::Neighbor>>> SearchView(const vector::VectorView& view,
                                                              std::span<const float> queries,
                                                              std::size_t k) {
  const std::size_t dim = view.dim();
  std::vector<std::vector<vector::Neighbor>> best(queries.size() / dim);
  const auto better = [](const vector::Neighbor& a, const vector::Neighbor& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  };
  ASSAY_TRY(ForRows(view, [&](std::size_t first, std::span<const float> rows) -> Result<void> {
    ASSAY_ASSIGN(const std::vector<vector::Hit> hits, vector::TopKBatch(queries, dim, rows, k));
    const std::size_t each = std::min(k, rows.size() / dim);
    for (std::size_t q = 0; q < best.size(); ++q) {
      for (const vector::Hit& hit : std::span(hits).subspan(q * each, each)) {
        if (hit.row != vector::kNoRow) best[q].push_back({view.IdOf(first + hit.row), hit.score});
      }
      std::ranges::sort(best[q], better);
      if (best[q].size() > k) best[q].resize(k);
    }
    return {};
  }));
  return best;
}

}  // namespace assay::cli
