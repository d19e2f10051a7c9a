// Lists over many questions: filling them beside look-ups and inserts, and searching them.
#include <algorithm>
#include <utility>
#include <vector>

#include "semantic/large_index_internal.h"
#include "semantic/state_internal.h"

namespace assay::cache {
namespace {

using internal::LargeIndex;
using internal::NearId;
using internal::Partition;
using internal::StoredRow;

std::vector<float> FloatsOf(const StoredRow& row) {
  std::vector<float> floats(row.values.size());
  std::ranges::transform(row.values, floats.begin(),
                         [&row](std::int8_t v) { return row.scale * static_cast<float>(v); });
  return floats;
}

}  // namespace

namespace internal {

Result<std::shared_ptr<LargeIndex>> LargeIndex::Create(std::size_t fast_dim,
                                                       std::size_t precise_dim) {
  auto made = std::make_shared<LargeIndex>();
  ASSAY_ASSIGN(made->fast, vector::Index::Create({.dim = fast_dim}));
  ASSAY_ASSIGN(made->precise, vector::Index::Create({.dim = precise_dim}));
  return made;
}

Result<void> LargeIndex::Insert(std::uint64_t id, const StoredRow& fast_row,
                                const StoredRow& precise_row) {
  ASSAY_TRY(fast->Insert(id, FloatsOf(fast_row)));
  return precise->Insert(id, FloatsOf(precise_row));
}

void LargeIndex::Erase(std::uint64_t id) {
  fast->Erase(id);
  precise->Erase(id);
}

}  // namespace internal

void SemanticCache::State::IndexPut(Partition& partition, const core::Hash128& context,
                                    std::uint64_t id, const StoredRow& fast_row,
                                    const StoredRow& precise_row) {
  if (partition.index) {
    // Where a row cannot be had in the lists, all rows are compared again.
    if (!partition.index->Insert(id, fast_row, precise_row)) partition.index.reset();
    if (partition.index) ++partition.index->changes;
  }
  if (partition.ids.size() <= options.index_above) return;
  if (!partition.index) {
    auto made = LargeIndex::Create(fast.dim(), precise.dim());
    if (!made) return;
    partition.index = *std::move(made);
  }
  if (!partition.index->NeedsLists()) return;
  partition.index->busy = true;
  to_index.push_back(context);
  if (!indexer.joinable()) {
    indexer = std::jthread([this](const std::stop_token& stop) { MakeLists(stop); });
  }
  index_changed.notify_all();
}

void SemanticCache::State::MakeLists(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  while (index_changed.wait(lock, stop, [this] { return !to_index.empty(); }) &&
         !stop.stop_requested()) {
    const core::Hash128 context = to_index.front();
    const auto found = partitions.find(context);
    const auto index = found == partitions.end() ? nullptr : found->second.index;
    if (index) {
      if (index->filled || Fill(*index, context, lock, stop)) {
        index->changes = 0;
        lock.unlock();
        // Only another Optimize() of the same index can make these fail; there is none.
        const bool made = index->fast->Optimize({}) && index->precise->Optimize({});
        lock.lock();
        index->ready = made;
        if (made) indexed.insert(context);
        index->rows = index->precise->Stats().rows;
      }
      index->busy = false;
    }
    to_index.pop_front();
    index_changed.notify_all();
  }
}

bool SemanticCache::State::Fill(LargeIndex& index, const core::Hash128& context,
                                std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  constexpr std::size_t kAtOnce = 64;  // questions that are copied while requests wait: 0.1 ms
  // What comes from now on is put into the index as it comes.
  const std::vector<std::uint64_t> ids = partitions.at(context).ids;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % kAtOnce == 0) {
      lock.unlock();
      lock.lock();
      if (stop.stop_requested()) return false;
    }
    const auto partition = partitions.find(context);
    if (partition == partitions.end() || partition->second.index.get() != &index) return false;
    const auto entry = entries.find(ids[i]);
    if (entry == entries.end() || index.precise->Contains(ids[i])) continue;
    const std::size_t row = entry->second.row;
    if (!index.Insert(ids[i], partition->second.fast.Row(row),
                      partition->second.precise.Row(row))) {
      partition->second.index.reset();
      return false;
    }
  }
  index.filled = true;
  return true;
}

Result<std::optional<std::vector<NearId>>> SemanticCache::State::Nearest(
    const core::Hash128& context, Which which, std::span<const float> query, std::size_t k) const {
  std::shared_ptr<const LargeIndex> index;
  std::vector<NearId> near;
  {
    const std::scoped_lock lock(mutex);
    const auto found = partitions.find(context);
    if (found == partitions.end()) return std::nullopt;
    const Partition& partition = found->second;
    if (partition.index && partition.index->ready) {
      index = partition.index;
    } else {
      const internal::NearestRows& rows =
          which == Which::kFast ? partition.fast : partition.precise;
      ASSAY_ASSIGN(const auto hits, rows.Search(query, k));
      for (const vector::Hit& hit : hits) near.push_back({partition.ids[hit.row], hit.score});
      return near;
    }
  }
  ASSAY_ASSIGN(const auto hits,
               (which == Which::kFast ? index->fast : index->precise)->Search(query, k));
  for (const vector::Neighbor& hit : hits) near.push_back({hit.id, hit.score});
  return near;
}

void SemanticCache::FinishIndexing() {
  std::unique_lock lock(state_->mutex);
  state_->index_changed.wait(lock, [this] { return state_->to_index.empty(); });
}

}  // namespace assay::cache
