// assay/telemetry/request_log.h: every exchange as a row in SQLite, for the dashboard and for
// audits. Room: telemetry (uses core).  Threads: Offer may be called from any thread and never
// waits for the disk; queries may be called from any thread and read with a connection of their own
// (WAL). Format: docs/formats/request-log.md.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/result.h"

namespace assay::telemetry {

struct SpanRecord {
  std::string name;
  std::int64_t start_us = 0;  // since the exchange began
  std::int64_t end_us = 0;
  std::string detail;
};

// One exchange. Empty texts and zeros mean "does not apply".
struct ExchangeRecord {
  std::string request_id;  // unique; given to the client as x-request-id
  std::string trace_id;    // 32 hex digits
  std::int64_t start_unix_ms = 0;
  std::string tenant;
  std::string key_id;  // never the token
  std::string key_name;
  std::string endpoint;  // "/v1/chat/completions"
  std::string route;
  std::string model;  // that answered
  std::string upstream;
  int http_status = 0;
  bool stream = false;
  bool coalesced = false;  // waited for an equal request in flight
  std::uint32_t retries = 0;
  std::string cache;    // "memory", "compressed", "disk", "redis", "semantic", "miss", "bypass"
  std::string verdict;  // of the whole answer; empty: not checked
  std::uint32_t supported = 0;  // claims
  std::uint32_t contradicted = 0;
  std::uint32_t unverified = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cost_nanousd = 0;   // spent
  std::int64_t saved_nanousd = 0;  // not spent, by a hit
  std::int64_t total_us = 0;
  std::int64_t upstream_us = 0;
  std::int64_t first_token_us = 0;  // of a stream
  std::int64_t request_bytes = 0;
  std::int64_t response_bytes = 0;
  std::string error_code;  // of the error body, such as "rate_limited"
  std::string error_message;
  std::vector<SpanRecord> spans;
  std::string claims_json;  // array of claims with verdict and evidence; empty: none
  std::string question;     // stored only when RequestLogOptions::texts is set
  std::string answer;
};

struct RequestLogOptions {
  std::string file;
  bool texts = false;
  std::size_t queue_length = 10'000;           // records
  std::int64_t max_age_ms = 7LL * 86'400'000;  // 0: no limit
  std::int64_t max_bytes = 1'000'000'000;      // of the database; 0: no limit
  std::int64_t flush_ms = 200;                 // how long a record may wait for company
};

struct RequestLogStats {
  std::uint64_t offered = 0;
  std::uint64_t written = 0;
  std::uint64_t dropped = 0;  // queue full
  std::uint64_t failed = 0;   // lost to a full or broken disk
  std::uint64_t expired = 0;  // removed by age or size
  bool healthy = true;        // the last write worked
};

// Which exchanges a query wants; empty members take all.
struct ExchangeFilter {
  std::string tenant;
  std::string route;
  std::string model;
  std::string upstream;
  std::string cache;
  std::string verdict;
  std::string key_id;
  int min_status = 0;
  int max_status = 0;
  std::int64_t from_unix_ms = 0;
  std::int64_t until_unix_ms = 0;  // exclusive
  std::int64_t min_total_us = 0;
  std::string
      search;  // part of request id, trace id or, when texts are stored, question and answer
};

struct ExchangePage {
  std::vector<ExchangeRecord> records;  // newest first, without spans, claims and texts
  std::int64_t next_cursor = 0;         // for the page of older ones; 0: there is none
};

class RequestLog {
 public:
  // Opens or creates the database; a newer format is refused (kFailedPrecondition), a damaged file
  // is kDataLoss. `report` gets one sentence when writing begins to fail and one when it works
  // again.
  [[nodiscard]] static Result<std::unique_ptr<RequestLog>> Open(
      RequestLogOptions options, std::function<void(const std::string&)> report = {},
      core::Clock& clock = core::Clock::Real());
  // Writes what is queued.
  ~RequestLog();
  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;

  // Asked before a record is made, which costs more than this: true when there is no room for it,
  // and then it is counted as dropped.
  [[nodiscard]] bool Full() noexcept;
  // Takes the record, or drops and counts it (false) when the queue is full. About 0.2 us.
  bool Offer(ExchangeRecord record) noexcept;
  // Waits until everything offered before is written or counted as failed.
  void Flush();

  // At most `limit` (1 to 500) records older than `cursor` (0: the newest).
  [[nodiscard]] Result<ExchangePage> Recent(const ExchangeFilter& filter, std::int64_t cursor,
                                            std::size_t limit) const;
  // Everything about one. Errors: kNotFound.
  [[nodiscard]] Result<ExchangeRecord> ById(const std::string& request_id) const;
  [[nodiscard]] RequestLogStats stats() const;

 private:
  struct Impl;
  explicit RequestLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::telemetry
