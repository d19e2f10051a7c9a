#include "sqlite_internal.h"

#include <utility>

#include <fmt/format.h>

namespace assay::telemetry::internal {

Error SqliteError(sqlite3* database, std::string_view what) {
  const int code = database == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(database);
  const char* words = database == nullptr ? "out of memory" : sqlite3_errmsg(database);
  Code kind = Code::kInternal;
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      kind = Code::kResourceExhausted;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = Code::kDataLoss;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
      kind = Code::kUnavailable;
      break;
    case SQLITE_CANTOPEN:
      kind = Code::kNotFound;
      break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      kind = Code::kPermissionDenied;
      break;
    default:
      break;
  }
  return {kind, fmt::format("{}: {} (SQLite {})", what, words, code)};
}

Result<Database> OpenDatabase(const std::string& file, int flags) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(file.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database(raw);
  if (code != SQLITE_OK) return std::unexpected(SqliteError(raw, file));
  constexpr int kBusyMs = 5'000;  // another connection's checkpoint or write
  sqlite3_busy_timeout(raw, kBusyMs);
  return database;
}

Result<void> Execute(sqlite3* database, const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(SqliteError(database, "the request log"));
}

Result<Statement> Statement::Prepare(sqlite3* database, const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v3(database, sql.c_str(), static_cast<int>(sql.size()) + 1,
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  StatementHandle handle(raw);
  if (code != SQLITE_OK) return std::unexpected(SqliteError(database, "the request log"));
  return Statement(database, std::move(handle));
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = SqliteError(database_, "the request log");
  sqlite3_reset(handle_.get());
  return std::unexpected(std::move(error));
}

}  // namespace assay::telemetry::internal
