#include <utility>

#include <fmt/format.h>

#include "store/sqlite_internal.h"

namespace assay::crypto {
namespace {

constexpr int kBusyTimeoutMs = 5000;

std::unexpected<Error> SqlFail(sqlite3* database, int code) {
  const Code ours = [&] {
    switch (code & 0xff) {
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
      case SQLITE_IOERR:
        return Code::kUnavailable;
      case SQLITE_FULL:
      case SQLITE_NOMEM:
        return Code::kResourceExhausted;
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        return Code::kDataLoss;
      case SQLITE_PERM:
      case SQLITE_READONLY:
      case SQLITE_CANTOPEN:
      case SQLITE_AUTH:
        return Code::kPermissionDenied;
      case SQLITE_CONSTRAINT:
        return Code::kAlreadyExists;
      default:
        return Code::kInternal;
    }
  }();
  const char* const file = database != nullptr ? sqlite3_db_filename(database, "main") : nullptr;
  return Fail(ours,
              fmt::format("SQLite on '{}': {}", file != nullptr ? file : "",
                          database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code)));
}

}  // namespace

Statement& Statement::Text(int parameter, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), parameter, text.data(), text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::Blob(int parameter, std::string_view bytes) {
  sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), SQLITE_STATIC);
  return *this;
}

Statement& Statement::Number(int parameter, std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
  return *this;
}

Statement& Statement::Null(int parameter) {
  sqlite3_bind_null(statement_.get(), parameter);
  return *this;
}

Result<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    Reset();
    return false;
  }
  auto failed = SqlFail(database_, code);  // before Reset changes the message
  Reset();
  return failed;
}

Result<void> Statement::Run() {
  while (true) {
    ASSAY_ASSIGN(const bool row, Step());
    if (!row) return {};
  }
}

void Statement::Reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

std::string_view Statement::text(int column) const {
  const auto* const data =
      reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::string_view Statement::blob(int column) const {
  const auto* const data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Database> Database::Open(const std::string& path) {
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  Database database;
  database.database_.reset(opened);
  if (code != SQLITE_OK) {
    return Fail(SqlFail(nullptr, code).error().code,
                fmt::format("cannot open '{}': {}", path, sqlite3_errstr(code)));
  }
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_timeout(opened, kBusyTimeoutMs);
  return database;
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return SqlFail(database_.get(), code);
  return Statement(database_.get(), statement);
}

Result<void> Database::Execute(const char* sql) {
  const int code = sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return SqlFail(database_.get(), code);
  return {};
}

Result<void> Database::UseWriteAheadLog() {
  // A connection that reads and wants to write beside another such one could wait for ever, so
  // SQLite tells both at once that the file is busy. Neither holds a lock by then.
  for (int waited_ms = 0;; waited_ms += sqlite3_sleep(1)) {
    Result<void> done = Execute("PRAGMA journal_mode=WAL");
    if (done || (sqlite3_errcode(database_.get()) & 0xff) != SQLITE_BUSY ||
        waited_ms >= kBusyTimeoutMs) {
      return done;
    }
  }
}

Result<std::int64_t> Database::Number(std::string_view sql) {
  ASSAY_ASSIGN(Statement statement, Prepare(sql));
  ASSAY_ASSIGN(const bool row, statement.Step());
  return row ? statement.number(0) : 0;
}

Result<Transaction> Transaction::Begin(Database& database) {
  ASSAY_TRY(database.Execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // A failed rollback leaves nothing to do: closing the file rolls back as well.
  if (database_ != nullptr && database_->in_transaction()) {
    static_cast<void>(database_->Execute("ROLLBACK"));
  }
}

Result<void> Transaction::Commit() {
  ASSAY_TRY(database_->Execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace assay::crypto
