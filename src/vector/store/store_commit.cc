// Commits: those that wait together are written together and share one flush.
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "assay/core/hash.h"

#include "store/store.h"

namespace assay::vector {

using internal::ChangeHeader;
using internal::CommitHeader;
using internal::Entry;
using internal::RowForm;
using internal::Run;
using internal::State;
using internal::StoredRow;

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

void VectorBatch::Put(std::uint64_t id, std::span<const float> vector) {
  if (vector.size() != dim_) {
    if (odd_dim_ == dim_) odd_dim_ = vector.size();
    return;
  }
  changes_.push_back({.id = id, .erase = false, .row = values_.size() / dim_});
  values_.insert(values_.end(), vector.begin(), vector.end());
}

void VectorBatch::Erase(std::uint64_t id) {
  changes_.push_back({.id = id, .erase = true, .row = 0});
}

Result<void> VectorStore::Store::Usable() const {
  if (options_.read_only) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the store in '{}' was opened for reading only", options_.folder));
  }
  if (broken_) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the disk failed under the store in '{}'; open it anew, nothing "
                            "acknowledged is lost",
                            options_.folder));
  }
  return {};
}

Result<std::uint64_t> VectorStore::Store::Commit(const VectorBatch& batch) {
  const std::size_t dim = CurrentState()->dim;
  for (const std::size_t other : {batch.dim(), batch.odd_dim()}) {
    if (other == dim) continue;
    return Fail(Code::kInvalidArgument,
                fmt::format("a vector of {} dimensions for the store in '{}', which has {}", other,
                            options_.folder, dim));
  }
  if (batch.empty()) return Fail(Code::kInvalidArgument, "a commit without a change");
  if (batch.size_bytes() > kMaxCommitBytes) {
    return Fail(Code::kOutOfRange, fmt::format("a commit of {} bytes: {} at most; cut it in parts",
                                               batch.size_bytes(), kMaxCommitBytes));
  }
  Request request{.batch = &batch, .restored = 0, .result = 0};
  Lock lock(queue_mutex_);
  queue_.push_back(&request);
  queue_changed_.wait(lock, [&] { return request.done || !writing_; });
  if (request.done) return request.result;
  writing_ = true;
  std::vector<Request*> group = std::exchange(queue_, {});
  lock.unlock();
  WriteGroup(group);
  lock.lock();
  for (Request* one : group) one->done = true;
  writing_ = false;
  queue_changed_.notify_all();
  return request.result;
}

// One record of the log; the entries say where its vectors are.
Result<Run> VectorStore::Store::Append(const Request& request, std::uint64_t version) {
  const auto state = CurrentState();
  const internal::Base* base = state->base.get();
  // A difference counts from the base right in front of this log, whatever is compacted later.
  if (compacting_ || (base != nullptr && base->version() != active_base_version_)) base = nullptr;
  const std::span<const VectorBatch::Change> changes = request.batch->changes();
  const CommitHeader header{.version = version,
                            .time_ms = options_.clock->wall_ns() / kNsPerMs,
                            .restored = request.restored,
                            .base_version = base == nullptr ? 0 : base->version(),
                            .changes = static_cast<std::uint32_t>(changes.size()),
                            .reserved = 0};
  std::string payload(reinterpret_cast<const char*>(&header), sizeof(header));
  Run run;
  std::vector<float> before(state->dim);
  const std::uint64_t begin = writer_->size_bytes() + core::kRecordHeaderBytes;
  for (const VectorBatch::Change& change : changes) {
    StoredRow row{.form = RowForm::kErased, .bytes = {}};
    if (!change.erase) {
      const auto base_row = base == nullptr ? std::nullopt : base->RowOf(change.id);
      if (base_row) ASSAY_TRY(base->Read(*base_row, before));
      row =
          internal::StoreRow(request.batch->values().subspan(change.row * state->dim, state->dim),
                             base_row ? std::span<const float>(before) : std::span<const float>());
    }
    run.push_back({.id = change.id,
                   .offset = begin + payload.size() + sizeof(ChangeHeader),
                   .log = active_log_.get(),
                   .size_bytes = static_cast<std::uint32_t>(row.bytes.size()),
                   .crc = core::Crc32c(row.bytes),
                   .form = row.form});
    internal::AppendChange(change.id, row, payload);
  }
  ASSAY_TRY(writer_->Append(payload));
  return internal::MakeRun(std::move(run));
}

void VectorStore::Store::WriteGroup(std::span<Request*> group) {
  std::uint64_t version = CurrentState()->version;
  const std::uint64_t bytes_before = writer_ ? writer_->size_bytes() : 0;
  Result<void> usable = Usable();
  std::vector<std::shared_ptr<const Run>> runs;
  for (Request* request : group) {
    if (!usable) {
      request->result = std::unexpected(usable.error());
      continue;
    }
    Result<Run> run = Append(*request, version + 1);
    if (!run) {
      request->result = std::unexpected(std::move(run).error());
      continue;
    }
    request->result = ++version;
    runs.push_back(std::make_shared<const Run>(std::move(*run)));
  }
  if (runs.empty()) return;
  if (Result<void> synced = writer_->Sync(); !synced) {
    broken_ = true;
    for (Request* request : group) {
      if (request->result) request->result = std::unexpected(synced.error());
    }
    return;
  }
  State next = *CurrentState();
  for (auto& run : runs) {
    if (compacting_) since_roll_.push_back(run);
    next = next.With(std::move(run), next.version + 1);
  }
  Publish(std::move(next));
  log_bytes_ += writer_->size_bytes() - bytes_before;
  if (WantsCompaction()) {
    const Lock lock(wake_mutex_);
    compact_wanted_ = true;
    wake_.notify_all();
  }
}

Result<VectorBatch> VectorStore::Store::BatchToRestore(std::uint64_t version) const {
  const internal::StateView now(CurrentState());
  ASSAY_ASSIGN(const std::shared_ptr<const internal::StateView> then, ViewAt(version));
  ASSAY_ASSIGN(const VersionDiff diff, Diff(now, *then));
  VectorBatch batch(now.dim());
  std::vector<float> values(now.dim());
  for (const std::vector<std::uint64_t>* ids : {&diff.added, &diff.changed}) {
    for (const std::uint64_t id : *ids) {
      ASSAY_TRY(then->Read(*then->RowOf(id), values));
      batch.Put(id, values);
    }
  }
  for (const std::uint64_t id : diff.removed) batch.Erase(id);
  if (batch.size_bytes() > kMaxCommitBytes) {
    return Fail(Code::kOutOfRange,
                fmt::format("going back to version {} changes {} bytes at once, {} at most",
                            version, batch.size_bytes(), kMaxCommitBytes));
  }
  return batch;
}

Result<std::uint64_t> VectorStore::Store::Rollback(std::uint64_t version) {
  return AsWriter([&]() -> Result<std::uint64_t> {
    ASSAY_TRY(Usable());
    ASSAY_ASSIGN(const VectorBatch batch, BatchToRestore(version));
    if (batch.empty()) return CurrentState()->version;
    Request request{.batch = &batch, .restored = version, .result = 0};
    Request* one = &request;
    WriteGroup({&one, 1});
    return request.result;
  });
}

// ---- the public class ----

Result<std::uint64_t> VectorStore::Commit(const VectorBatch& batch) {
  return store_->Commit(batch);
}

Result<std::uint64_t> VectorStore::Put(std::uint64_t id, std::span<const float> vector) {
  VectorBatch batch(vector.size());
  batch.Put(id, vector);
  return store_->Commit(batch);
}

Result<std::uint64_t> VectorStore::Erase(std::uint64_t id) {
  VectorBatch batch(dim());
  batch.Erase(id);
  return store_->Commit(batch);
}

Result<void> VectorStore::Get(std::uint64_t id, std::span<float> out) const {
  return store_->CurrentState()->Get(id, out);
}

Result<std::uint64_t> VectorStore::Rollback(std::uint64_t version) {
  return store_->Rollback(version);
}

}  // namespace assay::vector
