// key_database_internal.h: the tables of the key store.
// Room: crypto.  Threads: one at a time.  Format: docs/formats/key-store.md.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "assay/core/result.h"

#include "store/key_table_internal.h"
#include "store/sqlite_internal.h"

namespace assay::crypto {

class KeyDatabase {
 public:
  // Creates the tables in an empty file. Errors: kFailedPrecondition for a later version; those of
  // SQLite.
  [[nodiscard]] static Result<std::unique_ptr<KeyDatabase>> Open(const std::string& path);

  // Changes whenever another connection has committed something.
  [[nodiscard]] Result<std::int64_t> DataVersion();
  // Goes up with each change of the keys, not with usage.
  [[nodiscard]] Result<std::int64_t> Generation();

  [[nodiscard]] Result<std::vector<std::unique_ptr<KeyRecord>>> LoadKeys();
  // What all processes have written for a window.
  [[nodiscard]] Result<Usage> LoadUsage(const KeyId& id, std::int64_t begin_ms);

  // Both call `before_commit` when all but the commit is done, and undo it when that fails. They
  // return the generation that they made.
  using BeforeCommit = std::function<Result<void>()>;
  [[nodiscard]] Result<std::int64_t> Insert(const KeyRecord& record,
                                            const BeforeCommit& before_commit);
  [[nodiscard]] Result<std::int64_t> Revoke(const KeyId& id, std::int64_t revoked_ms,
                                            const BeforeCommit& before_commit);

  // Adds to what is there, and drops windows that began before `oldest_ms`, which is no Total.
  [[nodiscard]] Result<void> AddUsage(const UsageDeltas& deltas, std::int64_t oldest_ms);

 private:
  explicit KeyDatabase(Database database) : database_(std::move(database)) {}
  [[nodiscard]] Result<void> Prepare();
  [[nodiscard]] Result<std::int64_t> Change(Statement& statement, const BeforeCommit& before);

  Database database_;
  Statement load_keys_, load_usage_, insert_, revoke_, add_usage_, drop_usage_;
  Statement data_version_, generation_, next_generation_;
};

}  // namespace assay::crypto
