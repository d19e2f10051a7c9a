#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "keys/token_internal.h"
#include "store/key_database_internal.h"

namespace assay::crypto {
namespace {

constexpr std::int64_t kSchemaVersion = 1;

constexpr char kSchema[] = R"(
CREATE TABLE api_key(
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  tenant TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  revoked_ms INTEGER,
  period TEXT NOT NULL,
  max_requests INTEGER NOT NULL,
  max_tokens INTEGER NOT NULL,
  max_cost_nanousd INTEGER NOT NULL,
  hash BLOB NOT NULL,
  hash_key INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE key_usage(
  key_id TEXT NOT NULL,
  begin_ms INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  cost_nanousd INTEGER NOT NULL,
  PRIMARY KEY(key_id, begin_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE meta(generation INTEGER NOT NULL) STRICT;
INSERT INTO meta VALUES(0);
PRAGMA user_version = 1;
)";

// SQLite has signed numbers only. At most 2^60 is added at once to at most 2^61, so that no sum
// overflows (add_usage_ below).
constexpr std::int64_t kMostAtOnce = std::int64_t{1} << 60;
std::int64_t Signed(std::uint64_t value) {
  return value > static_cast<std::uint64_t>(kMostAtOnce) ? kMostAtOnce
                                                         : static_cast<std::int64_t>(value);
}
std::uint64_t Unsigned(std::int64_t value) {
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

Result<std::unique_ptr<KeyRecord>> ReadRow(const Statement& row) {
  auto record = std::make_unique<KeyRecord>();
  const auto id = ParseIdOrToken(row.text(0));
  const auto scopes = ScopeSet::Parse(row.text(3));
  const auto period = ParsePeriod(row.text(7));
  if (!id || !scopes || !period || row.blob(11).size() != kMacBytes) {
    return Fail(Code::kDataLoss,
                fmt::format("the key store has a damaged row, of key '{}'", row.text(0)));
  }
  record->id = *id;
  record->name = row.text(1);
  record->tenant = row.text(2);
  record->scopes = *scopes;
  record->created_ms = row.number(4);
  record->expires_ms = row.is_null(5) ? kNever : row.number(5);
  record->revoked_ms = row.is_null(6) ? kNever : row.number(6);
  record->budget = {*period,
                    {Unsigned(row.number(8)), Unsigned(row.number(9)), Unsigned(row.number(10))}};
  std::memcpy(record->hash.data(), row.blob(11).data(), kMacBytes);
  record->hash_key = static_cast<std::uint32_t>(row.number(12));
  return record;
}

Result<void> Migrate(Database& database, const std::string& path) {
  ASSAY_TRY(database.UseWriteAheadLog());
  ASSAY_TRY(database.Execute("PRAGMA synchronous=FULL"));
  ASSAY_ASSIGN(Transaction transaction, Transaction::Begin(database));
  ASSAY_ASSIGN(const std::int64_t version, database.Number("PRAGMA user_version"));
  if (version > kSchemaVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' is of version {}; this Assay reads version {}: use a later one",
                            path, version, kSchemaVersion));
  }
  if (version == 0) ASSAY_TRY(database.Execute(kSchema));
  return transaction.Commit();
}

}  // namespace

Result<std::unique_ptr<KeyDatabase>> KeyDatabase::Open(const std::string& path) {
  ASSAY_ASSIGN(Database database, Database::Open(path));
  ASSAY_TRY(Migrate(database, path));
  std::unique_ptr<KeyDatabase> opened(new KeyDatabase(std::move(database)));
  ASSAY_TRY(opened->Prepare());
  return opened;
}

Result<void> KeyDatabase::Prepare() {
  ASSAY_ASSIGN(load_keys_,
               database_.Prepare("SELECT id, name, tenant, scopes, created_ms, expires_ms, "
                                 "revoked_ms, period, max_requests, max_tokens, max_cost_nanousd, "
                                 "hash, hash_key FROM api_key"));
  ASSAY_ASSIGN(load_usage_, database_.Prepare("SELECT requests, tokens, cost_nanousd FROM "
                                              "key_usage WHERE key_id = ? AND begin_ms = ?"));
  ASSAY_ASSIGN(insert_, database_.Prepare("INSERT INTO api_key VALUES(?1, ?2, ?3, ?4, ?5, ?6, "
                                          "NULL, ?7, ?8, ?9, ?10, ?11, ?12)"));
  ASSAY_ASSIGN(revoke_, database_.Prepare("UPDATE api_key SET revoked_ms = ?2 WHERE id = ?1 AND "
                                          "revoked_ms IS NULL"));
  ASSAY_ASSIGN(add_usage_,
               database_.Prepare("INSERT INTO key_usage VALUES(?, ?, ?, ?, ?) "
                                 "ON CONFLICT DO UPDATE SET "
                                 "requests = min(requests, 1 << 61) + excluded.requests, "
                                 "tokens = min(tokens, 1 << 61) + excluded.tokens, cost_nanousd = "
                                 "min(cost_nanousd, 1 << 61) + excluded.cost_nanousd"));
  ASSAY_ASSIGN(drop_usage_, database_.Prepare("DELETE FROM key_usage WHERE key_id = ? AND "
                                              "begin_ms < ? AND begin_ms <> 0"));
  ASSAY_ASSIGN(data_version_, database_.Prepare("PRAGMA data_version"));
  ASSAY_ASSIGN(generation_, database_.Prepare("SELECT generation FROM meta"));
  ASSAY_ASSIGN(next_generation_, database_.Prepare("UPDATE meta SET generation = generation + 1"));
  return {};
}

Result<std::int64_t> KeyDatabase::DataVersion() {
  ASSAY_TRY(data_version_.Step());
  const std::int64_t version = data_version_.number(0);
  data_version_.Reset();
  return version;
}

Result<std::int64_t> KeyDatabase::Generation() {
  ASSAY_TRY(generation_.Step());
  const std::int64_t generation = generation_.number(0);
  generation_.Reset();
  return generation;
}

Result<std::vector<std::unique_ptr<KeyRecord>>> KeyDatabase::LoadKeys() {
  std::vector<std::unique_ptr<KeyRecord>> records;
  while (true) {
    ASSAY_ASSIGN(const bool row, load_keys_.Step());
    if (!row) return records;
    auto record = ReadRow(load_keys_);
    if (!record) {
      load_keys_.Reset();
      return std::unexpected(std::move(record).error());
    }
    records.push_back(std::move(*record));
  }
}

Result<Usage> KeyDatabase::LoadUsage(const KeyId& id, std::int64_t begin_ms) {
  load_usage_.Text(1, id.view()).Number(2, begin_ms);
  ASSAY_ASSIGN(const bool row, load_usage_.Step());
  if (!row) return Usage{};
  const Usage usage = {Unsigned(load_usage_.number(0)), Unsigned(load_usage_.number(1)),
                       Unsigned(load_usage_.number(2))};
  load_usage_.Reset();
  return usage;
}

// Runs one bound statement, the caller's part, and counts the generation up.
Result<std::int64_t> KeyDatabase::Change(Statement& statement, const BeforeCommit& before) {
  ASSAY_TRY(database_.Execute("PRAGMA synchronous=FULL"));
  ASSAY_ASSIGN(Transaction transaction, Transaction::Begin(database_));
  ASSAY_TRY(statement.Run());
  ASSAY_TRY(next_generation_.Run());
  ASSAY_ASSIGN(const std::int64_t generation, Generation());
  ASSAY_TRY(before());
  ASSAY_TRY(transaction.Commit());
  return generation;
}

Result<std::int64_t> KeyDatabase::Insert(const KeyRecord& record,
                                         const BeforeCommit& before_commit) {
  const std::string scopes = record.scopes.ToText();
  const Usage& limit = record.budget.limit;
  insert_.Text(1, record.id.view()).Text(2, record.name).Text(3, record.tenant).Text(4, scopes);
  insert_.Number(5, record.created_ms);
  if (record.expires_ms != kNever) {
    insert_.Number(6, record.expires_ms);
  } else {
    insert_.Null(6);
  }
  insert_.Text(7, PeriodName(record.budget.period)).Number(8, Signed(limit.requests));
  insert_.Number(9, Signed(limit.tokens)).Number(10, Signed(limit.cost_nanousd));
  insert_.Blob(11, ViewOf(record.hash)).Number(12, record.hash_key);
  return Change(insert_, before_commit);
}

Result<std::int64_t> KeyDatabase::Revoke(const KeyId& id, std::int64_t revoked_ms,
                                         const BeforeCommit& before_commit) {
  revoke_.Text(1, id.view()).Number(2, revoked_ms);
  return Change(revoke_, before_commit);
}

Result<void> KeyDatabase::AddUsage(const UsageDeltas& deltas, std::int64_t oldest_ms) {
  // A power failure may cost the last usage; kill -9 does not. Keys are written with FULL.
  ASSAY_TRY(database_.Execute("PRAGMA synchronous=NORMAL"));
  ASSAY_ASSIGN(Transaction transaction, Transaction::Begin(database_));
  for (const auto& [window, delta] : deltas) {
    const auto& [id, begin_ms] = window;
    add_usage_.Text(1, id).Number(2, begin_ms).Number(3, Signed(delta.requests));
    add_usage_.Number(4, Signed(delta.tokens)).Number(5, Signed(delta.cost_nanousd));
    ASSAY_TRY(add_usage_.Run());
    drop_usage_.Text(1, id).Number(2, oldest_ms);
    ASSAY_TRY(drop_usage_.Run());
  }
  return transaction.Commit();
}

}  // namespace assay::crypto
