// store/store.h: the working part of VectorStore.
// Room: vector, private.
//
// One thread at a time has the writer's role: the first of those that commit together, the
// compactor for the moments in which it changes files, a rollback. It alone touches what stands
// under "the writer's". Locks, in the order in which they are taken: compact_mutex_ (one
// compaction), the role, files_mutex_, state_mutex_ (held only to copy a pointer).
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "assay/core/record_file.h"
#include "assay/vector/vector_store.h"

#include "store/log_format.h"
#include "store/manifest.h"
#include "store/state.h"

namespace assay::vector {

class VectorStore::Store {
 public:
  Store(core::FileSystem& files, StoreOptions options);
  ~Store();

  // store_open.cc
  Result<void> Open();
  void StartThread();

  // store_commit.cc
  Result<std::uint64_t> Commit(const VectorBatch& batch);
  Result<std::uint64_t> Rollback(std::uint64_t version);

  // store_compact.cc
  Result<void> Compact();

  // store_history.cc
  Result<std::shared_ptr<const internal::StateView>> ViewAt(std::uint64_t version) const;
  Result<std::vector<CommitInfo>> Log() const;
  Result<VersionDiff> Diff(const internal::StateView& from, const internal::StateView& to) const;
  StoreStats Stats() const;

  [[nodiscard]] std::shared_ptr<const internal::State> CurrentState() const;
  [[nodiscard]] const StoreOptions& options() const { return options_; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  // One commit that waits to be written.
  struct Request {
    const VectorBatch* batch;
    std::uint64_t restored;
    Result<std::uint64_t> result;
    bool done = false;
  };
  using OnCommit = std::function<bool(const internal::CommitHeader&, const core::Record&,
                                      std::span<const internal::LoggedChange>)>;

  [[nodiscard]] std::string PathOf(const std::string& name) const;
  void Tell(StoreEvent::Kind kind, std::string message) const;
  void Publish(internal::State state);

  // ---- opening ----
  Result<void> OpenOnce();
  Result<void> MakeNew();
  Result<void> CheckNoOther();
  Result<void> CheckOptions() const;
  Result<void> Load();
  void RemoveUnlisted();
  Result<void> OpenWriter();
  void NoteEnd();
  Result<std::shared_ptr<const internal::LogFile>> OpenLog(const std::string& name) const;
  // Calls for each commit of a log behind the version `after`, until it returns false. A torn tail
  // is an end in the last log, unless it was noted to be longer, and damage in the others.
  Result<void> Replay(const internal::Manifest& manifest, std::size_t log, std::uint64_t after,
                      const OnCommit& on_commit) const;
  // Adds a log's changes behind the version of `state`, up to `until`.
  Result<void> AddChanges(const internal::Manifest& manifest, std::size_t log, std::uint64_t until,
                          internal::State& state, internal::Run& run) const;

  // ---- the writer's role ----
  template <typename Action>
  auto AsWriter(Action action) {
    {
      Lock lock(queue_mutex_);
      queue_changed_.wait(lock, [&] { return !writing_; });
      writing_ = true;
    }
    auto result = action();
    const Lock lock(queue_mutex_);
    writing_ = false;
    queue_changed_.notify_all();
    return result;
  }
  [[nodiscard]] Result<void> Usable() const;
  void WriteGroup(std::span<Request*> group);
  Result<internal::Run> Append(const Request& request, std::uint64_t version);
  [[nodiscard]] Result<VectorBatch> BatchToRestore(std::uint64_t version) const;
  [[nodiscard]] bool WantsCompaction() const;

  // ---- compacting ----
  Result<std::shared_ptr<const internal::State>> BeginLog();
  Result<void> AdoptBase(std::shared_ptr<const internal::Base> base, const std::string& name);
  void RemoveFiles(const std::vector<std::string>& names);
  void CompactLoop();

  core::FileSystem& files_;
  StoreOptions options_;
  std::optional<core::FolderLock> folder_lock_;

  mutable std::mutex state_mutex_;
  std::shared_ptr<const internal::State> state_;

  // Alone while files are dropped from the manifest, shared while old files are read.
  mutable std::shared_mutex files_mutex_;
  internal::Manifest manifest_;

  std::mutex queue_mutex_;
  std::condition_variable queue_changed_;
  std::vector<Request*> queue_;
  bool writing_ = false;  // somebody has the writer's role

  // The writer's.
  std::optional<core::RecordWriter> writer_;
  std::shared_ptr<const internal::LogFile> active_log_;
  std::uint64_t active_base_version_ = 0;  // of the state that the active log begins behind
  bool broken_ = false;                    // a flush failed: nobody knows what is on the disk
  std::uint64_t log_bytes_ = 0;            // behind the newest base
  std::uint64_t compact_at_bytes_ = 0;
  std::vector<std::shared_ptr<const internal::Run>> since_roll_;  // runs of the active log
  bool compacting_ = false;                                       // a new base is being written

  std::mutex compact_mutex_;
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool compact_wanted_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace assay::vector
