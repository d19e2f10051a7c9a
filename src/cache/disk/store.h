// disk/store.h: the working part of DiskTier.
// Room: cache, private.
//
// Locks, in the order in which they are taken: collect_mutex_ (one collector), flush_mutex_ (one
// flush), append_mutex_ (the log's end, and every change of the index and of `segments_`),
// segments_mutex_ (alone while `segments_` changes its members, shared to look one up).
// Readers take only segments_mutex_ and a shard of the index.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "assay/cache/disk_tier.h"
#include "assay/core/file_system.h"

#include "disk/checkpoint.h"
#include "disk/format.h"
#include "disk/index.h"
#include "payload/payload.h"

namespace assay::cache {

class DiskTier::Store {
 public:
  Store(core::FileSystem& files, DiskOptions options);
  ~Store();

  // store_open.cc
  Result<void> Open();
  void StartThreads();
  void Close();

  // store_read.cc
  Result<EntryRef> Get(const Key& key, std::int64_t now_ms);
  Result<void> ForEach(std::int64_t now_ms, const Visitor& visit);
  TierStats Stats() const;
  DiskStats Details() const;

  // store_append.cc
  Result<void> Put(const EntryRef& entry, std::int64_t now_ms);
  Result<bool> Erase(const Key& key);
  Result<std::uint64_t> Purge(const Filter& filter);
  Result<void> Sync();

  // store_collect.cc
  void Maintain();

 private:
  struct Segment {
    std::uint32_t id = 0;
    std::uint64_t file_bytes = 0;
    std::uint64_t live_bytes = 0;
    std::shared_ptr<const core::ReadableFile> reader;
    std::shared_ptr<core::WritableFile> flusher;  // a handle of its own to flush; null when clean
    bool dirty = false;
    bool whole = false;  // its header is good
  };
  using Lock = std::unique_lock<std::mutex>;

  [[nodiscard]] std::string PathOf(std::uint32_t segment) const;
  void Tell(DiskEvent::Kind kind, std::string message);
  [[nodiscard]] std::int64_t NowMs() const;

  // ---- opening ----
  Result<std::vector<std::uint32_t>> ListSegments();
  Result<void> OpenSegments(const std::vector<std::uint32_t>& ids);
  Result<void> Replay(const disk::LogPlace& place);
  void Account();
  void ApplyRecord(const disk::RecordHeader& header, std::uint32_t segment, std::uint64_t offset,
                   std::int64_t now_ms);

  // ---- reading ----
  // The payload of the record in `buffer`, checked. Null view: the record moved meanwhile.
  Result<std::optional<std::string_view>> ReadRecord(const disk::Item& item, std::string& buffer);
  [[nodiscard]] std::shared_ptr<const core::ReadableFile> ReaderOf(std::uint32_t segment) const;
  Result<EntryRef> ReadEntry(const disk::Item& item, bool& moved);
  // Forgets a record that is not what was written.
  void DropDamaged(const disk::Item& item, const std::string& why);

  // ---- appending; all with append_mutex_ held ----
  // `record` has room for the header in front of the padded payload.
  Result<void> AppendRecord(disk::RecordHeader header, std::string& record);
  Result<void> WriteOrMakeRoom(disk::RecordHeader& header, std::string& record);
  Result<void> WriteRecord(disk::RecordHeader& header, std::string& record);
  Result<void> EnsureRoom(std::uint64_t record_bytes);
  Result<void> NewSegment();
  // After an error the active segment is left as it is, and the next record begins a new one.
  void AbandonActive();
  Result<void> AppendErase(const Key& key);
  Result<void> AppendPendingErases();
  [[nodiscard]] Result<void> Usable() const;
  void TurnOff(const Error& error);
  void TurnOn();
  void Forget(const disk::Item& item);
  [[nodiscard]] bool OverLimit(std::uint64_t more_bytes) const;
  Result<void> DropOldest();
  Result<void> RemoveSegment(std::uint32_t segment);

  // ---- flushing ----
  Result<void> RescueSuspects();
  Result<void> Flush();
  void FlushLoop();

  // ---- collecting ----
  void Sweep();
  [[nodiscard]] bool WantsCollection() const;
  [[nodiscard]] bool WantsCheckpoint() const;
  // False when there was nothing to do or the disk failed.
  bool CollectOldest();
  Result<bool> CopyRecord(const disk::Item& item, std::string& buffer);
  void MaybeCheckpoint(bool closing);
  void MaintainLoop();

  core::FileSystem& files_;
  DiskOptions options_;
  PayloadCodec codec_;
  std::optional<core::FolderLock> folder_lock_;
  disk::Index index_;

  std::mutex collect_mutex_;
  std::mutex flush_mutex_;
  mutable std::mutex append_mutex_;
  mutable std::shared_mutex segments_mutex_;
  std::map<std::uint32_t, Segment> segments_;

  // Guarded by append_mutex_.
  std::unique_ptr<core::WritableFile> active_;
  std::uint32_t active_segment_ = 0;
  std::uint32_t last_segment_ = 0;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t records_since_checkpoint_ = 0;
  bool names_dirty_ = false;
  bool reuse_last_ = false;  // the last segment ends in a whole record and can be gone on with
  std::vector<Key> pending_erases_;    // that the disk did not take yet
  std::vector<Key> unflushed_erases_;  // written since the last flush
  std::set<std::uint32_t> suspects_;   // segments that a flush failed for
  bool off_ = false;
  Error off_error_;
  std::int64_t retry_at_ns_ = 0;
  std::int64_t backoff_ns_ = 0;
  std::int64_t last_sweep_ns_ = 0;
  DiskStats details_;
  // Of the records below, all are on the disk, or nobody knows.
  std::uint64_t flushed_below_ = 1;
  std::uint64_t failed_below_ = 1;
  Error flush_error_;
  bool flush_wanted_ = false;
  bool maintain_wanted_ = false;
  bool stopping_ = false;

  std::condition_variable flush_asked_;
  std::condition_variable flush_done_;
  std::condition_variable maintain_asked_;
  std::thread flush_thread_;
  std::thread maintain_thread_;

  // Figures only; they order nothing. live_bytes_ changes under append_mutex_ alone; who only shows
  // it must not wait for a disk that stands still.
  std::atomic<std::uint64_t> live_bytes_{0};
  std::atomic<std::uint64_t> hits_{0};
  std::atomic<std::uint64_t> misses_{0};
  std::atomic<std::uint64_t> puts_{0};
  std::atomic<std::uint64_t> evictions_{0};
  std::atomic<std::uint64_t> expired_{0};
  std::atomic<std::uint64_t> errors_{0};
};

}  // namespace assay::cache
