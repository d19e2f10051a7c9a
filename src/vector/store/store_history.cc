// Looking back: older versions, the list of commits, and what differs.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "store/store.h"

namespace assay::vector {

using internal::Manifest;
using internal::Run;
using internal::State;
using internal::StateView;

namespace {

std::uint64_t OldestOf(const Manifest& manifest) {
  const std::uint64_t log = manifest.logs.front().version;
  return log == 0 || manifest.bases.empty() ? log : manifest.bases.front().version;
}

}  // namespace

Result<std::shared_ptr<const StateView>> VectorStore::Store::ViewAt(std::uint64_t version) const {
  const auto current = CurrentState();
  if (version == current->version) return std::make_shared<const StateView>(current);
  const std::shared_lock files(files_mutex_);
  const std::uint64_t oldest = OldestOf(manifest_);
  if (version > current->version || version < oldest) {
    return Fail(Code::kNotFound,
                fmt::format("the store in '{}' has no version {}; it has versions {} to {}",
                            options_.folder, version, oldest, current->version));
  }
  auto state = std::make_shared<State>();
  state->dim = current->dim;
  state->encoder = current->encoder;
  for (const Manifest::File& file : manifest_.bases) {
    if (file.version > version) break;
    if (current->base != nullptr && current->base->version() == file.version) {
      state->base = current->base;
    } else {
      ASSAY_ASSIGN(state->base, internal::Base::Open(files_, PathOf(file.name), state->dim));
    }
    state->version = file.version;
  }
  Run run;
  for (std::size_t log = 0; log < manifest_.logs.size() && state->version < version; ++log) {
    ASSAY_TRY(AddChanges(manifest_, log, version, *state, run));
  }
  if (state->version != version) {
    return Fail(Code::kDataLoss, fmt::format("the logs in '{}' end at version {}, before version "
                                             "{}; restore them from a copy",
                                             options_.folder, state->version, version));
  }
  if (!run.empty()) {
    state->runs.push_back(std::make_shared<const Run>(internal::MakeRun(std::move(run))));
  }
  return std::make_shared<const StateView>(state);
}

Result<std::vector<CommitInfo>> VectorStore::Store::Log() const {
  const std::uint64_t newest = CurrentState()->version;
  const std::shared_lock files(files_mutex_);
  std::vector<CommitInfo> commits;
  for (std::size_t log = 0; log < manifest_.logs.size(); ++log) {
    ASSAY_TRY(Replay(manifest_, log, 0,
                     [&](const internal::CommitHeader& header, const core::Record& record,
                         std::span<const internal::LoggedChange> changes) {
                       if (header.version > newest) return false;
                       CommitInfo info{.version = header.version,
                                       .time_ms = header.time_ms,
                                       .restored = header.restored,
                                       .size_bytes = record.payload.size()};
                       for (const auto& change : changes) {
                         const bool erased = change.form == internal::RowForm::kErased;
                         ++(erased ? info.erases : info.puts);
                         if (internal::IsDelta(change.form)) ++info.deltas;
                       }
                       commits.push_back(info);
                       return true;
                     }));
  }
  return commits;
}

Result<VersionDiff> VectorStore::Store::Diff(const StateView& from, const StateView& to) const {
  VersionDiff diff;
  std::vector<float> a(from.dim());
  std::vector<float> b(from.dim());
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < from.rows() || j < to.rows()) {
    const bool from_left = i < from.rows();
    const bool to_left = j < to.rows();
    if (from_left && (!to_left || from.IdOf(i) < to.IdOf(j))) {
      diff.removed.push_back(from.IdOf(i++));
    } else if (to_left && (!from_left || to.IdOf(j) < from.IdOf(i))) {
      diff.added.push_back(to.IdOf(j++));
    } else {
      if (!from.SameStorage(i, to, j)) {
        ASSAY_TRY(from.Read(i, a));
        ASSAY_TRY(to.Read(j, b));
        if (std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) != 0) {
          diff.changed.push_back(from.IdOf(i));
        }
      }
      ++i;
      ++j;
    }
  }
  return diff;
}

StoreStats VectorStore::Store::Stats() const {
  const auto state = CurrentState();
  StoreStats stats{.version = state->version, .rows = StateView(state).rows()};
  if (state->base != nullptr) {
    stats.base_version = state->base->version();
    stats.base_rows = state->base->rows();
    stats.base_bytes = state->base->size_bytes();
  }
  const std::shared_lock files(files_mutex_);
  stats.oldest_version = OldestOf(manifest_);
  for (const std::vector<Manifest::File>* list : {&manifest_.bases, &manifest_.logs}) {
    for (const Manifest::File& file : *list) {
      const Result<core::FileStat> stat = files_.Stat(PathOf(file.name));
      if (!stat) continue;
      stats.disk_bytes += stat->size_bytes;
      const bool newer = list == &manifest_.logs && file.version >= stats.base_version;
      if (newer) stats.log_bytes += stat->size_bytes;
    }
  }
  return stats;
}

// ---- the public class ----

std::shared_ptr<const VectorView> VectorStore::View() const {
  return std::make_shared<const StateView>(store_->CurrentState());
}

Result<std::shared_ptr<const VectorView>> VectorStore::ViewAt(std::uint64_t version) const {
  ASSAY_ASSIGN(std::shared_ptr<const StateView> view, store_->ViewAt(version));
  return std::shared_ptr<const VectorView>(std::move(view));
}

Result<std::vector<CommitInfo>> VectorStore::Log() const {
  return store_->Log();
}

Result<VersionDiff> VectorStore::Diff(std::uint64_t from, std::uint64_t to) const {
  ASSAY_ASSIGN(const auto before, store_->ViewAt(from));
  ASSAY_ASSIGN(const auto after, store_->ViewAt(to));
  return store_->Diff(*before, *after);
}

StoreStats VectorStore::Stats() const {
  return store_->Stats();
}

Result<OddRows> FindOddRows(const VectorView& view) {
  OddRows odd;
  std::vector<float> values(view.dim());
  for (std::size_t row = 0; row < view.rows(); ++row) {
    ASSAY_TRY(view.Read(row, values));
    if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); })) {
      odd.not_finite.push_back(view.IdOf(row));
    } else if (std::ranges::all_of(values, [](float v) { return v == 0; })) {
      odd.zero.push_back(view.IdOf(row));
    }
  }
  return odd;
}

}  // namespace assay::vector
