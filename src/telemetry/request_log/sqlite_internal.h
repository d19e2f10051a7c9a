// SQLite behind RAII and Result.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "assay/core/result.h"

namespace assay::telemetry::internal {

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;
using StatementHandle = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

// The last error of the connection, with SQLite's own words. Full disk: kResourceExhausted; damaged
// file: kDataLoss; locked: kUnavailable.
[[nodiscard]] Error SqliteError(sqlite3* database, std::string_view what);

[[nodiscard]] Result<Database> OpenDatabase(const std::string& file, int flags);
[[nodiscard]] Result<void> Execute(sqlite3* database, const char* sql);

// A prepared statement. Positions of parameters begin at 1, of columns at 0.
class Statement {
 public:
  [[nodiscard]] static Result<Statement> Prepare(sqlite3* database, const std::string& sql);

  void Bind(int position, std::int64_t value) {
    sqlite3_bind_int64(handle_.get(), position, value);
  }
  // The text must outlive the next Step. A null pointer would bind NULL, hence the literal.
  void Bind(int position, std::string_view text) {
    sqlite3_bind_text(handle_.get(), position, text.empty() ? "" : text.data(),
                      static_cast<int>(text.size()), SQLITE_STATIC);
  }
  // True: there is a row. False: done.
  [[nodiscard]] Result<bool> Step();
  void Reset() { sqlite3_reset(handle_.get()); }
  [[nodiscard]] std::int64_t Integer(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
  }
  [[nodiscard]] std::string Text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    const int size = sqlite3_column_bytes(handle_.get(), column);
    return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
  }

 private:
  Statement(sqlite3* database, StatementHandle handle)
      : database_(database), handle_(std::move(handle)) {}
  sqlite3* database_;
  StatementHandle handle_;
};

}  // namespace assay::telemetry::internal
