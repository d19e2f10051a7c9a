#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "assay/core/parallel.h"
#include "assay/vector/matrix_file.h"
#include "assay/vector/npy.h"
#include "assay/vector/top_k.h"

#include "live_index_internal.h"

namespace assay::vector {
namespace internal {
namespace {

Result<void> CheckVector(std::string_view what, std::span<const float> values, std::size_t dim) {
  if (values.size() != dim) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the {} has {} dimensions, the index {}: is it of another encoder?",
                            what, values.size(), dim));
  }
  const auto bad = std::ranges::find_if(values, [](float v) { return !std::isfinite(v); });
  if (bad != values.end()) {
    return Fail(Code::kInvalidArgument, fmt::format("value {} of the {} is {}, not a finite number",
                                                    bad - values.begin(), what, *bad));
  }
  return {};
}

Result<void> CheckCount(std::size_t k) {
  if (k >= 1 && k <= kMaxTopK) return {};
  return Fail(Code::kOutOfRange,
              fmt::format("{} neighbours; 1 to {} can be asked for", k, kMaxTopK));
}

}  // namespace

LiveIndex::LiveIndex(IndexOptions options) : options_(std::move(options)), rows_(options_.dim) {}

std::shared_ptr<const Coder> LiveIndex::CurrentCoder() const {
  const GatedLock::Read hold(lock_);
  return lists_ ? lists_->shared_coder() : nullptr;
}

void LiveIndex::RemoveLocked(std::uint32_t slot) {
  rows_.Remove(slot);
  if (lists_) lists_->Remove(slot);
  if (optimizing_) touched_.push_back(slot);
}

Result<void> LiveIndex::Insert(std::uint64_t id, std::span<const float> row) {
  ASSAY_TRY(CheckVector("row", row, options_.dim));
  // The costly part happens before the lock; Optimize() seldom comes in between.
  const std::shared_ptr<const Coder> coder = CurrentCoder();
  EncodedRow code = coder ? coder->Encode(row) : EncodedRow();
  const GatedLock::Write hold(lock_);
  const std::uint32_t before = rows_.Find(id);
  if (before == kNoSlot && rows_.size() >= kMaxIndexRows) {
    return Fail(Code::kResourceExhausted,
                fmt::format("the index is full with {} rows", rows_.size()));
  }
  if (before != kNoSlot) RemoveLocked(before);
  const std::uint32_t slot = rows_.Add(id, row);
  if (lists_) {
    if (lists_->shared_coder() != coder) code = lists_->coder().Encode(row);
    lists_->Add(slot, code);
  }
  if (optimizing_) touched_.push_back(slot);
  GrowVersion();
  return {};
}

bool LiveIndex::Erase(std::uint64_t id) {
  const GatedLock::Write hold(lock_);
  const std::uint32_t slot = rows_.Find(id);
  if (slot == kNoSlot) return false;
  RemoveLocked(slot);
  GrowVersion();
  return true;
}

bool LiveIndex::Contains(std::uint64_t id) const {
  const GatedLock::Read hold(lock_);
  return rows_.Find(id) != kNoSlot;
}

std::vector<Neighbor> LiveIndex::SearchLocked(std::span<const float> query, std::size_t k) const {
  const std::vector<Hit> hits =
      lists_ ? lists_->Search(rows_, query, k, effort_) : rows_.Nearest(query, k);
  std::vector<Neighbor> best;
  best.reserve(hits.size());
  for (const Hit& hit : hits) best.push_back({rows_.IdOf(hit.row), hit.score});
  const auto better = [](const Neighbor& a, const Neighbor& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  };
  const std::size_t count = std::min(k, best.size());
  std::ranges::partial_sort(best, best.begin() + static_cast<std::ptrdiff_t>(count), better);
  best.resize(count);
  return best;
}

Result<std::vector<Neighbor>> LiveIndex::Search(std::span<const float> query, std::size_t k) const {
  ASSAY_TRY(CheckVector("query", query, options_.dim));
  ASSAY_TRY(CheckCount(k));
  const GatedLock::Read hold(lock_);
  return SearchLocked(query, k);
}

Result<std::vector<std::vector<Neighbor>>> LiveIndex::SearchBatch(std::span<const float> queries,
                                                                  std::size_t k) const {
  const std::size_t dim = options_.dim;
  ASSAY_TRY(CheckCount(k));
  if (queries.size() % dim != 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} values are no queries of {} dimensions", queries.size(), dim));
  }
  std::vector<std::vector<Neighbor>> found(queries.size() / dim);
  ASSAY_TRY(core::ParallelTry(found.size(), 1, [&](std::size_t begin, std::size_t) -> Result<void> {
    ASSAY_ASSIGN(found[begin], Search(queries.subspan(begin * dim, dim), k));
    return {};
  }));
  return found;
}

IndexStats LiveIndex::Stats() const {
  const GatedLock::Read hold(lock_);
  IndexStats stats;
  stats.rows = rows_.size();
  stats.dim = options_.dim;
  stats.exact = lists_ == nullptr;
  stats.resident_bytes = rows_.resident_bytes();
  if (lists_) {
    stats.lists = lists_->coder().lists();
    stats.probes = effort_.probes;
    stats.rerank = effort_.rerank;
    stats.code_bytes = lists_->code_bytes();
    stats.calibrated_recall = calibrated_recall_;
    stats.resident_bytes += lists_->resident_bytes();
  }
  stats.mapped_bytes = rows_.mapped_bytes();
  stats.version = version();
  stats.optimize_advised = options_.dim >= kMinProjectedDim && rows_.size() >= kExactBelow &&
                           rows_.size() >= 2 * optimized_rows_;
  return stats;
}

}  // namespace internal

Result<std::unique_ptr<Index>> Index::Create(const IndexOptions& options) {
  if (options.dim == 0 || options.dim > kMaxDim) {
    return Fail(Code::kOutOfRange, fmt::format("an index of {} dimensions; 1 to {} are possible",
                                               options.dim, kMaxDim));
  }
  if (!(options.wanted_recall > 0 && options.wanted_recall <= 1)) {
    return Fail(Code::kOutOfRange, fmt::format("a wanted recall of {}; it is above 0, at most 1",
                                               options.wanted_recall));
  }
  if (options.label.size() > kMaxLabelBytes) {
    return Fail(Code::kInvalidArgument, fmt::format("a label of {} bytes; at most {} are possible",
                                                    options.label.size(), kMaxLabelBytes));
  }
  return std::make_unique<internal::LiveIndex>(options);
}

Result<std::unique_ptr<Index>> Index::Over(const IndexOptions& options, std::span<const float> rows,
                                           std::vector<std::uint64_t> ids,
                                           std::shared_ptr<const void> keep) {
  ASSAY_ASSIGN(std::unique_ptr<Index> index, Create(options));
  const std::size_t count = rows.size() / options.dim;
  if (rows.size() % options.dim != 0 || (!ids.empty() && ids.size() != count)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} values and {} ids are no rows of {} dimensions with an id each",
                            rows.size(), ids.size(), options.dim));
  }
  if (count > kMaxIndexRows) {
    return Fail(Code::kResourceExhausted,
                fmt::format("{} rows; an index holds {} at most", count, kMaxIndexRows));
  }
  std::vector<std::uint64_t> sorted = ids;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end()) {
    return Fail(Code::kInvalidArgument, fmt::format("the id {} is there twice", *twice));
  }
  ASSAY_TRY(CheckFinite(rows, options.dim));
  static_cast<internal::LiveIndex&>(*index).Restore(
      {.ids = std::move(ids), .lists = nullptr, .effort = {}}, rows, std::move(keep));
  return index;
}

}  // namespace assay::vector
