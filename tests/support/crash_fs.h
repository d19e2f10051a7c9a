// crash_fs.h: a disk in memory that loses what was not synced, fills up and fails on command.
// Threads: safe; one lock around every operation.
//
// The model is the strictest that POSIX allows: bytes survive a crash up to the last Sync() of
// their file, names (new, renamed, removed, directories) up to the last SyncDirectory() of their
// parent.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"

namespace assay::testing {

class CrashFs final : public core::FileSystem {
 public:
  // What the operating system happened to have written by itself before the crash.
  struct Luck {
    bool names_survive = false;        // every change of names reached the disk
    std::uint64_t unsynced_bytes = 0;  // of every file, so many bytes beyond the synced ones
  };

  CrashFs();
  ~CrashFs() override;

  // ---- faults ----
  // The power fails: open files go stale, and the disk shows what survived.
  void Crash(const Luck& luck);
  // From the n-th changing operation on (0 = the next), nothing succeeds until Crash().
  void StopAfter(std::uint64_t operations);
  // The n-th changing operation from now (0 = the next) alone fails with an I/O error; an append
  // writes half of its bytes first.
  void FailOperation(std::uint64_t operations);
  // The sum of all files' bytes cannot pass this; an append writes what fits and fails.
  void SetCapacity(std::uint64_t size_bytes);
  // While set, reading at or behind `offset` of an open file fails with an I/O error (a bad
  // sector).
  void FailReadsFrom(std::optional<std::uint64_t> offset);
  // Changing operations so far: create, append, sync, truncate, rename, remove, make, sync names.
  [[nodiscard]] std::uint64_t operations() const;
  // Replaces a file's content, durably (to plant damage). The name is durable too.
  void Plant(const std::string& path, std::string bytes);
  // What a program would read now; nullopt when there is no such file.
  [[nodiscard]] std::optional<std::string> Contents(const std::string& path) const;

  // ---- FileSystem ----
  [[nodiscard]] Result<std::string> ReadFile(const std::string& path,
                                             std::uint64_t limit_bytes) override;
  [[nodiscard]] Result<std::unique_ptr<core::MappedFile>> Map(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<core::ReadableFile>> OpenRead(
      const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<core::WritableFile>> Create(
      const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<core::WritableFile>> OpenAppend(
      const std::string& path) override;
  [[nodiscard]] Result<void> Truncate(const std::string& path, std::uint64_t size_bytes) override;
  [[nodiscard]] Result<void> Rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> Remove(const std::string& path) override;
  [[nodiscard]] Result<void> MakeDirectories(const std::string& path) override;
  [[nodiscard]] Result<void> SyncDirectory(const std::string& path) override;
  [[nodiscard]] Result<core::FileStat> Stat(const std::string& path) override;
  [[nodiscard]] Result<std::vector<std::string>> List(const std::string& path) override;

 private:
  class File;
  class Reader;
  struct Node;  // a file's bytes, or a directory
  using Names = std::map<std::string, std::shared_ptr<Node>>;

  Result<std::shared_ptr<Node>> Find(const std::string& path, std::string_view doing) const;
  Result<std::unique_ptr<core::WritableFile>> Open(const std::string& path, bool empty_it);
  Result<void> NeedParent(const std::string& path, std::string_view doing) const;
  // Counts one changing operation and fails it if a fault was ordered.
  Result<void> Step(std::string_view doing, const std::string& path, bool& half);
  [[nodiscard]] std::uint64_t UsedBytes() const;

  mutable std::mutex mutex_;
  Names names_;                   // what programs see
  Names durable_names_;           // what a crash leaves
  std::uint64_t generation_ = 0;  // of open files; a crash makes older ones stale
  std::uint64_t operations_ = 0;
  std::optional<std::uint64_t> stop_at_;
  std::optional<std::uint64_t> fail_at_;
  std::uint64_t capacity_bytes_ = UINT64_MAX;
  std::optional<std::uint64_t> bad_from_;
};

}  // namespace assay::testing
