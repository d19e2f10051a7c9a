// assay/vector/vector_store.h: vectors on disk under ids, with versions.
// Room: vector (uses core).  Threads: every call may be made by many threads. Readers never wait
// for writers or for the disk's flushes; commits that come together share one flush.
// Method: an append-only log of commits over a packed base file, both read in place; compaction
// writes a new base. Format: docs/formats/vector-store.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/vector/vector_view.h"

namespace assay::vector {

inline constexpr std::uint32_t kStoreFormatVersion = 1;
inline constexpr std::size_t kMaxEncoderNameBytes = 256;
inline constexpr std::size_t kMaxCommitBytes = std::size_t{512} << 20;

// What happened that no caller asked for.
struct StoreEvent {
  enum class Kind : std::uint8_t {
    kTornTail,          // a commit that a crash cut off was removed; nobody had been told of it
    kCompacted,         // a new base was written
    kCompactionFailed,  // the store goes on as it was
  };
  Kind kind;
  std::string message;  // names file and offset
};

struct StoreOptions {
  std::string folder;
  // Of a store that does not exist yet; where one does, they must be its own or 0 and empty.
  std::size_t dim = 0;     // 1 to kMaxDim
  std::string encoder;     // model and version, such as Encoder::name(); at most 256 bytes
  bool read_only = false;  // no lock is taken, beside a process that writes
  bool background = true;  // compacts on a thread of its own; otherwise only Compact() does
  // The log is compacted when it has this many bytes and as many as the base.
  std::uint64_t compact_from_bytes = std::uint64_t{64} << 20;
  // How many bases are kept. Versions from the oldest one on can be looked at and gone back to.
  std::size_t kept_bases = 2;
  core::Clock* clock = &core::Clock::Real();
  std::function<void(const StoreEvent&)> on_event;  // called from any thread; may be empty
};

// Changes that become visible and durable together. A later one of the same id wins.
class VectorBatch {
 public:
  explicit VectorBatch(std::size_t dim) : dim_(dim), odd_dim_(dim) {}
  // Any bits are kept, NaN and infinity too. A vector of another dimension spoils the batch:
  // Commit() refuses it.
  void Put(std::uint64_t id, std::span<const float> vector);
  // Of an id that is not there: no change.
  void Erase(std::uint64_t id);

  [[nodiscard]] std::size_t dim() const { return dim_; }
  // Of the first vector that has another dimension than the batch; dim() where all have it.
  [[nodiscard]] std::size_t odd_dim() const { return odd_dim_; }
  [[nodiscard]] bool empty() const { return changes_.empty(); }
  [[nodiscard]] std::size_t size_bytes() const {
    return changes_.size() * sizeof(Change) + values_.size() * sizeof(float);
  }

  struct Change {
    std::uint64_t id = 0;
    bool erase = false;
    std::size_t row = 0;  // of a put, in values()
  };
  [[nodiscard]] std::span<const Change> changes() const { return changes_; }
  [[nodiscard]] std::span<const float> values() const { return values_; }

 private:
  std::size_t dim_;
  std::size_t odd_dim_;
  std::vector<Change> changes_;
  std::vector<float> values_;
};

// One entry of the history.
struct CommitInfo {
  std::uint64_t version = 0;
  std::int64_t time_ms = 0;  // Unix milliseconds
  std::uint64_t puts = 0;
  std::uint64_t deltas = 0;  // of the puts, those stored as a difference
  std::uint64_t erases = 0;
  std::uint64_t restored = 0;  // the version that a rollback went back to; 0 otherwise
  std::uint64_t size_bytes = 0;
};

// Ids in rising order.
struct VersionDiff {
  std::vector<std::uint64_t> added;
  std::vector<std::uint64_t> removed;
  std::vector<std::uint64_t> changed;  // there in both, with different bits
};

struct StoreStats {
  std::uint64_t version = 0;
  std::uint64_t oldest_version = 0;  // that can be looked at
  std::uint64_t rows = 0;
  std::uint64_t base_version = 0;  // 0: there is no base yet
  std::uint64_t base_rows = 0;
  std::uint64_t base_bytes = 0;
  std::uint64_t log_bytes = 0;   // behind the newest base
  std::uint64_t disk_bytes = 0;  // kept bases and logs, all together
};

class VectorStore {
 public:
  // Opens the store in a folder, or makes it. A commit that was cut off is removed and told of.
  // Errors: kUnavailable when another process writes to it; kNotFound for a read-only store that is
  // not there; kInvalidArgument for a new one without dim; kFailedPrecondition when dim or encoder
  // are not the store's, or it has another version; kDataLoss, naming file and offset, for damage.
  [[nodiscard]] static Result<std::unique_ptr<VectorStore>> Open(core::FileSystem& files,
                                                                 StoreOptions options);
  ~VectorStore();
  VectorStore(const VectorStore&) = delete;
  VectorStore& operator=(const VectorStore&) = delete;

  [[nodiscard]] std::size_t dim() const;
  [[nodiscard]] std::string encoder() const;
  // Of the newest durable state; 0 before the first commit.
  [[nodiscard]] std::uint64_t version() const;

  // Makes the changes visible and durable (on the disk when this returns) as one new version, which
  // is returned. Errors: kInvalidArgument for another dimension or an empty batch; kOutOfRange
  // above kMaxCommitBytes; kResourceExhausted on a full disk (nothing has changed then);
  // kFailedPrecondition when read-only, or after a flush failed (open the store anew).
  [[nodiscard]] Result<std::uint64_t> Commit(const VectorBatch& batch);
  [[nodiscard]] Result<std::uint64_t> Put(std::uint64_t id, std::span<const float> vector);
  [[nodiscard]] Result<std::uint64_t> Erase(std::uint64_t id);

  // Copies the newest durable vector of an id. Time: O(log rows + dim).
  // Errors: kNotFound; kInvalidArgument if out.size() != dim(); kDataLoss, naming file and offset.
  [[nodiscard]] Result<void> Get(std::uint64_t id, std::span<float> out) const;

  // The newest state, and that of an older version; they stay as they are whatever is written or
  // compacted. Time: O(rows), ViewAt also reads the logs. Errors: kNotFound for a version that
  // there never was, or is no longer kept (the oldest one is named).
  [[nodiscard]] std::shared_ptr<const VectorView> View() const;
  [[nodiscard]] Result<std::shared_ptr<const VectorView>> ViewAt(std::uint64_t version) const;

  // The commits that are kept, oldest first.
  [[nodiscard]] Result<std::vector<CommitInfo>> Log() const;
  // What differs between two versions. Errors: those of ViewAt.
  [[nodiscard]] Result<VersionDiff> Diff(std::uint64_t from, std::uint64_t to) const;
  // Makes a new version that equals an old one; nothing of the history is lost. Returns the new
  // version, or the current one where there is no difference. Errors: those of ViewAt and Commit.
  [[nodiscard]] Result<std::uint64_t> Rollback(std::uint64_t version);

  // Packs the newest state into a new base and drops what is no longer kept. Commits go on
  // meanwhile. Errors: those of the disk; the store is then as before.
  [[nodiscard]] Result<void> Compact();

  [[nodiscard]] StoreStats Stats() const;

 private:
  class Store;
  explicit VectorStore(std::unique_ptr<Store> store);
  std::unique_ptr<Store> store_;
};

// The rows of a view that hold a NaN or an infinity, or only zeros.
struct OddRows {
  std::vector<std::uint64_t> not_finite;  // ids, rising
  std::vector<std::uint64_t> zero;
};
[[nodiscard]] Result<OddRows> FindOddRows(const VectorView& view);

}  // namespace assay::vector
