// sqlite_internal.h: SQLite with Assay's errors.
// Room: crypto.  Threads: a Database belongs to one thread at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "assay/core/result.h"

namespace assay::crypto {

// A prepared statement; Reset() makes it ready for the next use.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}

  // Parameters are numbered from 1. The bytes must live until the next Step.
  Statement& Text(int parameter, std::string_view text);
  Statement& Blob(int parameter, std::string_view bytes);
  Statement& Number(int parameter, std::int64_t value);
  Statement& Null(int parameter);

  // True when there is a row. After the last one, and after an error, the statement is reset.
  // Errors: kUnavailable when others hold the file, kResourceExhausted, kDataLoss, ...
  [[nodiscard]] Result<bool> Step();
  [[nodiscard]] Result<void> Run();  // steps to the end
  void Reset();

  // Columns are numbered from 0. Views live until the next Step or Reset.
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Database {
 public:
  // Opens an existing file.
  [[nodiscard]] static Result<Database> Open(const std::string& path);
  [[nodiscard]] Result<Statement> Prepare(std::string_view sql);
  [[nodiscard]] Result<void> Execute(const char* sql);  // one or more statements
  // Turns write-ahead logging on, which stays a property of the file. Waits for others as every
  // statement does, also where SQLite itself would not: when several turn it on at once.
  [[nodiscard]] Result<void> UseWriteAheadLog();
  [[nodiscard]] Result<std::int64_t> Number(std::string_view sql);  // first column of the first row
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }

 private:
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  std::unique_ptr<sqlite3, Close> database_;
};

// Rolls back what is not committed when it goes.
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> Begin(Database& database);  // takes the write lock
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  [[nodiscard]] Result<void> Commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace assay::crypto
