// Every row with every row. A stripe of rows meets one panel after the other, each of which stays
// in L2 meanwhile; of the whole matrix only the upper half is computed.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "assay/core/parallel.h"
#include "assay/vector/top_k.h"

#include "best_hits_internal.h"
#include "similarity_kernels.h"

namespace assay::vector {
namespace {

constexpr std::size_t kStripeRows = 64;

Result<std::size_t> RowsOf(std::size_t values, std::size_t dim) {
  if (dim == 0 || dim > kMaxDim) {
    return Fail(Code::kOutOfRange, fmt::format("vectors of {} dimensions", dim));
  }
  if (values % dim != 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} values are no vectors of {} dimensions", values, dim));
  }
  if (values / dim >= kNoRow) {
    return Fail(Code::kOutOfRange, fmt::format("{} rows are too many", values / dim));
  }
  return values / dim;
}

class Panels {
 public:
  Panels(std::span<const float> rows, std::size_t dim)
      : rows_(rows), dim_(dim), panel_rows_(internal::PanelRows()) {
    const std::size_t count = rows.size() / dim;
    packed_.resize((count + panel_rows_ - 1) / panel_rows_ * panel_rows_ * dim);
    core::ParallelFor(count, panel_rows_, [&](std::size_t begin, std::size_t end) {
      internal::PackRows(rows_.data() + begin * dim_, end - begin, dim_,
                         packed_.data() + begin * dim_);
    });
  }

  // Rows of a stripe: whole panels.
  [[nodiscard]] std::size_t stripe() const { return std::max(kStripeRows, panel_rows_); }

  // Calls use(first, count, tile) for the panels from row `from` (of whose stripe all are taken)
  // on: tile[p * width() + c] is row begin + p times row first + c.
  template <typename Use>
  void Meet(std::size_t begin, std::size_t end, std::size_t from, const Use& use) const {
    const std::size_t all = rows_.size() / dim_;
    std::vector<float> tile((end - begin) * panel_rows_);
    for (std::size_t first = from; first < all; first += panel_rows_) {
      internal::PanelDots(rows_.data() + begin * dim_, end - begin, packed_.data() + first * dim_,
                          dim_, tile.data());
      use(first, std::min(panel_rows_, all - first), tile.data());
    }
  }
  [[nodiscard]] std::size_t width() const { return panel_rows_; }

 private:
  std::span<const float> rows_;
  std::size_t dim_;
  std::size_t panel_rows_;
  std::vector<float> packed_;
};

}  // namespace

Result<void> SimilarityMatrix(std::span<const float> rows, std::size_t dim, std::span<float> out) {
  ASSAY_ASSIGN(const std::size_t count, RowsOf(rows.size(), dim));
  if (out.size() != count * count) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} places for the {} x {} similarities", out.size(), count, count));
  }
  const Panels panels(rows, dim);
  core::ParallelFor(count, panels.stripe(), [&](std::size_t begin, std::size_t end) {
    panels.Meet(begin, end, begin, [&](std::size_t first, std::size_t width, const float* tile) {
      for (std::size_t i = begin; i < end; ++i) {
        std::copy_n(tile + (i - begin) * panels.width(), width, out.data() + i * count + first);
      }
      if (first < end) return;  // both halves of the stripe's own square are computed
      for (std::size_t c = 0; c < width; ++c) {
        float* to = out.data() + (first + c) * count;
        for (std::size_t i = begin; i < end; ++i) to[i] = tile[(i - begin) * panels.width() + c];
      }
    });
  });
  return {};
}

Result<void> MostSimilarRows(std::span<const float> rows, std::size_t dim, std::size_t k,
                             std::span<std::uint32_t> similar, std::span<float> scores) {
  ASSAY_ASSIGN(const std::size_t count, RowsOf(rows.size(), dim));
  if (k == 0 || k > kMaxTopK) {
    return Fail(Code::kOutOfRange, fmt::format("k is {}, allowed are 1 to {}", k, kMaxTopK));
  }
  if (similar.size() != count * k || scores.size() != count * k) {
    return Fail(Code::kInvalidArgument, fmt::format("{} and {} places for {} of each of {} rows",
                                                    similar.size(), scores.size(), k, count));
  }
  const Panels panels(rows, dim);
  core::ParallelFor(count, panels.stripe(), [&](std::size_t begin, std::size_t end) {
    std::vector<Hit> storage((end - begin) * k);
    std::vector<internal::BestHits> best;
    for (std::size_t i = begin; i < end; ++i) {
      best.emplace_back(std::span(storage).subspan((i - begin) * k, k));
    }
    panels.Meet(begin, end, 0, [&](std::size_t first, std::size_t width, const float* tile) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::span<const float> row(tile + (i - begin) * panels.width(), width);
        internal::BestHits& hits = best[i - begin];
        if (i < first || i >= first + width) {
          hits.Add(static_cast<std::uint32_t>(first), row);
          continue;
        }
        hits.Add(static_cast<std::uint32_t>(first), row.first(i - first));  // all but itself
        hits.Add(static_cast<std::uint32_t>(i + 1), row.subspan(i - first + 1));
      }
    });
    for (std::size_t i = begin; i < end; ++i) {
      const std::span<const Hit> sorted = best[i - begin].Sorted();
      for (std::size_t j = 0; j < k; ++j) {
        similar[i * k + j] = sorted[j].row;
        scores[i * k + j] = sorted[j].score;
      }
    }
  });
  return {};
}

}  // namespace assay::vector
