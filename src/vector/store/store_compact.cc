// Compacting: the log is closed, its state packed into a new base, and the manifest says so.
#include <algorithm>

#include <fmt/format.h>

#include "store/store.h"

namespace assay::vector {

using internal::Base;
using internal::Manifest;
using internal::State;

bool VectorStore::Store::WantsCompaction() const {
  const auto state = CurrentState();
  const std::uint64_t base_bytes = state->base == nullptr ? 0 : state->base->size_bytes();
  return log_bytes_ >= std::max(compact_at_bytes_, base_bytes);
}

// With the writer's role: commits go to a new log from here on. Returns the state before them.
Result<std::shared_ptr<const State>> VectorStore::Store::BeginLog() {
  ASSAY_TRY(Usable());
  const auto state = CurrentState();
  const std::uint64_t base_version = state->base == nullptr ? 0 : state->base->version();
  if (state->version == base_version) return state;
  since_roll_.clear();
  if (active_base_version_ == state->version) {
    compacting_ = true;
    return state;  // a compaction that failed later on has already begun this log
  }
  Manifest next = manifest_;
  const std::string name = fmt::format("{}{:010}", internal::kLogPrefix, next.next_file++);
  next.logs.push_back({.version = state->version, .name = name});
  next.end_bytes = 0;
  ASSAY_ASSIGN(core::RecordWriter writer,
               core::RecordWriter::Open(files_, PathOf(name), internal::kLogKind));
  ASSAY_ASSIGN(auto log, OpenLog(name));
  if (Result<void> saved = internal::SaveManifest(files_, options_.folder, next); !saved) {
    // With the old manifest in place the new log never was. Otherwise nobody knows what a crash
    // would leave.
    const Result<Manifest> found = internal::LoadManifest(files_, options_.folder);
    broken_ = !found || found->logs.size() != manifest_.logs.size();
    return std::unexpected(std::move(saved).error());
  }
  {
    const std::unique_lock files(files_mutex_);
    manifest_ = std::move(next);
  }
  State with_log = *state;
  with_log.logs.push_back(log);
  writer_ = std::move(writer);
  active_log_ = std::move(log);
  active_base_version_ = state->version;
  compacting_ = true;
  Publish(std::move(with_log));
  return state;
}

// With the writer's role: the base takes the place of all that it holds.
Result<void> VectorStore::Store::AdoptBase(std::shared_ptr<const Base> base,
                                           const std::string& name) {
  ASSAY_TRY(Usable());
  Manifest next = manifest_;
  next.bases.push_back({.version = base->version(), .name = name});
  next.end_bytes = writer_->size_bytes();
  std::vector<std::string> dropped;
  while (next.bases.size() > options_.kept_bases) {
    dropped.push_back(next.bases.front().name);
    next.bases.erase(next.bases.begin());
  }
  while (next.bases.size() == options_.kept_bases && next.logs.size() > 1 &&
         next.logs[1].version <= next.bases.front().version) {
    dropped.push_back(next.logs.front().name);
    next.logs.erase(next.logs.begin());
  }
  {
    const std::unique_lock files(files_mutex_);
    if (Result<void> saved = internal::SaveManifest(files_, options_.folder, next); !saved) {
      const Result<Manifest> found = internal::LoadManifest(files_, options_.folder);
      broken_ = !found || found->bases.size() != manifest_.bases.size() ||
                found->logs.size() != manifest_.logs.size();
      return saved;
    }
    manifest_ = std::move(next);
    RemoveFiles(dropped);
  }
  const auto before = CurrentState();
  State state{.version = base->version(),
              .dim = before->dim,
              .encoder = before->encoder,
              .base = std::move(base),
              .logs = {active_log_},
              .runs = {}};
  for (const auto& run : since_roll_) state = state.With(run, state.version + 1);
  Publish(std::move(state));
  log_bytes_ = writer_->size_bytes();
  compact_at_bytes_ = options_.compact_from_bytes;
  return {};
}

// Best effort: what stays is removed when the store is opened next.
void VectorStore::Store::RemoveFiles(const std::vector<std::string>& names) {
  for (const std::string& name : names) static_cast<void>(files_.Remove(PathOf(name)));
}

Result<void> VectorStore::Store::Compact() {
  const std::scoped_lock compacting(compact_mutex_);
  std::string name;
  ASSAY_ASSIGN(const std::shared_ptr<const State> state, AsWriter([&] {
                 auto begun = BeginLog();
                 if (begun && compacting_) {
                   name = fmt::format("{}{:010}", internal::kBasePrefix, manifest_.next_file++);
                 }
                 return begun;
               }));
  if (name.empty()) return {};
  const auto pack = [&]() -> Result<void> {
    ASSAY_TRY(Base::Write(files_, PathOf(name), internal::StateView(state)));
    // Read back and compared before anything that it replaces goes away.
    ASSAY_ASSIGN(auto base, Base::Open(files_, PathOf(name), state->dim));
    return AsWriter([&] { return AdoptBase(std::move(base), name); });
  };
  Result<void> packed = pack();
  const bool adopted = packed.has_value();
  const bool in_manifest = AsWriter([&] {
    compacting_ = false;
    since_roll_.clear();
    if (!adopted) compact_at_bytes_ = log_bytes_ + options_.compact_from_bytes;
    return broken_;
  });
  if (!adopted && !in_manifest) RemoveFiles({name});
  return packed;
}

void VectorStore::Store::CompactLoop() {
  Lock lock(wake_mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || compact_wanted_; });
    if (stopping_) return;
    compact_wanted_ = false;
    lock.unlock();
    if (const Result<void> done = Compact(); done) {
      const auto state = CurrentState();
      Tell(StoreEvent::Kind::kCompacted,
           fmt::format("'{}': version {} was packed into {} bytes", options_.folder,
                       state->base->version(), state->base->size_bytes()));
    } else {
      Tell(StoreEvent::Kind::kCompactionFailed,
           fmt::format("'{}' could not be compacted and goes on as it is: {}", options_.folder,
                       done.error().message));
    }
    lock.lock();
  }
}

Result<void> VectorStore::Compact() {
  return store_->Compact();
}

}  // namespace assay::vector
