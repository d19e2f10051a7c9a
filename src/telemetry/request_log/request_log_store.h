// The tables of the request log and what is done with them; one thread at a time.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "assay/telemetry/request_log.h"

#include "sqlite_internal.h"

namespace assay::telemetry::internal {

inline constexpr int kRequestLogVersion = 1;  // user_version; see docs/formats/request-log.md

// The writing side.
class RequestLogWriter {
 public:
  // Creates or checks the tables.
  [[nodiscard]] static Result<std::unique_ptr<RequestLogWriter>> Open(const std::string& file);

  // One transaction: all or none.
  [[nodiscard]] Result<void> Insert(std::span<const ExchangeRecord> records, bool texts);
  // Removes what began before `before_unix_ms`, then the oldest while the file's used pages hold
  // more than max_bytes (0: no limit); at most kBatch rows a call. Returns how many went.
  [[nodiscard]] Result<std::uint64_t> Expire(std::int64_t before_unix_ms, std::int64_t max_bytes);

 private:
  explicit RequestLogWriter(Database database) : database_(std::move(database)) {}
  [[nodiscard]] Result<void> InsertOne(const ExchangeRecord& record, bool texts);
  [[nodiscard]] Result<std::int64_t> UsedBytes();

  Database database_;
  std::optional<Statement> insert_;
};

// The reading side.
class RequestLogReader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<RequestLogReader>> Open(const std::string& file);
  [[nodiscard]] Result<ExchangePage> Recent(const ExchangeFilter& filter, std::int64_t cursor,
                                            std::size_t limit);
  [[nodiscard]] Result<ExchangeRecord> ById(const std::string& request_id);

 private:
  explicit RequestLogReader(Database database) : database_(std::move(database)) {}
  Database database_;
};

}  // namespace assay::telemetry::internal
