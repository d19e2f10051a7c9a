// assay/crypto/audit_log.h: who did what, in a file that cannot be changed unnoticed.
// Room: crypto (uses core).  Threads: every method may be called from any thread.
// Method: each record's HMAC-SHA256 covers its text and the HMAC of the record before it (Schneier
// and Kelsey 1999, without the evolving key). Format: docs/formats/audit-log.md.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/crypto/key_ring.h"

namespace assay::crypto {

inline constexpr std::size_t kMaxAuditTextBytes = 4096;  // of one field

struct AuditEvent {
  std::string action;   // "key.create", "key.revoke", "admin.login", "cache.purge", "config.reload"
  std::string actor;    // "cli:alice", "key:Ab3dE5f7", "dashboard 10.0.0.3"
  std::string subject;  // what it was done to; may be empty
  std::vector<std::pair<std::string, std::string>> details;  // never a secret
};

struct AuditRecord {
  std::uint64_t sequence = 0;  // 1 for the first
  std::int64_t time_ms = 0;    // Unix time
  AuditEvent event;
  std::uint32_t key_id = 0;  // of the ring
  std::string json;          // as stored
};

struct AuditReport {
  std::uint64_t records = 0;  // that are whole and in their place, from the first on
  // The number of the first record that is damaged, changed, out of its place or missing.
  std::optional<std::uint64_t> broken;
  std::string reason;  // of `broken`, or of the note that a torn write follows the last record
};

struct AuditOptions {
  std::string path;
  core::FileSystem* files = nullptr;  // null is the real one, where a lock file keeps writers apart
  core::Clock* clock = nullptr;       // null is the real one
};

class AuditLog {
 public:
  // Opens the log, or creates it with mode 0600. The ring need not outlive the log. Errors:
  // kDataLoss when the file is damaged (Verify says where); those of the disk.
  [[nodiscard]] static Result<std::unique_ptr<AuditLog>> Open(const AuditOptions& options,
                                                              const KeyRing& ring);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  // On the disk when it returns: neither kill -9 nor a power failure takes it away. Writers in
  // several processes wait for one another. Returns the record's number. Takes as long as a sync
  // of the disk, and O(log) when another process wrote in between.
  // Errors: kInvalidArgument for an empty action or text that is not UTF-8; kOutOfRange for fields
  // over kMaxAuditTextBytes; kDataLoss when the last record is not genuine; those of the disk.
  [[nodiscard]] Result<std::uint64_t> Append(const AuditEvent& event);

  // Checks the whole chain. Damage is a finding, not an error. Errors: kNotFound; kUnavailable.
  [[nodiscard]] static Result<AuditReport> Verify(const AuditOptions& options, const KeyRing& ring);

  // Calls `take` with each record, oldest first, without checking the chain, until it says false.
  // Errors: kNotFound; kDataLoss at the first record that cannot be read.
  [[nodiscard]] static Result<void> ForEach(const AuditOptions& options,
                                            const std::function<bool(const AuditRecord&)>& take);

 private:
  class Impl;
  explicit AuditLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::crypto
