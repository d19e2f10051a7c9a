#include "request_log_store.h"

#include <type_traits>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "request_log_columns.h"

namespace assay::telemetry::internal {
namespace {

namespace json = boost::json;

constexpr int kExpireBatch = 2'000;  // rows a transaction, so that writing is not held up for long

// The detail columns stand in a table of their own, so that lists read few pages.
constexpr const char* kSchema = R"(
CREATE TABLE exchange(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  request_id TEXT NOT NULL, trace_id TEXT NOT NULL, start_unix_ms INTEGER NOT NULL,
  tenant TEXT NOT NULL, key_id TEXT NOT NULL, key_name TEXT NOT NULL, endpoint TEXT NOT NULL,
  route TEXT NOT NULL, model TEXT NOT NULL, upstream TEXT NOT NULL, http_status INTEGER NOT NULL,
  stream INTEGER NOT NULL, coalesced INTEGER NOT NULL, retries INTEGER NOT NULL, cache TEXT NOT NULL,
  verdict TEXT NOT NULL, supported INTEGER NOT NULL, contradicted INTEGER NOT NULL,
  unverified INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
  cost_nanousd INTEGER NOT NULL, saved_nanousd INTEGER NOT NULL, total_us INTEGER NOT NULL,
  upstream_us INTEGER NOT NULL, first_token_us INTEGER NOT NULL, request_bytes INTEGER NOT NULL,
  response_bytes INTEGER NOT NULL, error_code TEXT NOT NULL, error_message TEXT NOT NULL) STRICT;
CREATE INDEX exchange_request ON exchange(request_id);
CREATE INDEX exchange_start ON exchange(start_unix_ms);
CREATE TABLE exchange_detail(
  id INTEGER PRIMARY KEY REFERENCES exchange(id) ON DELETE CASCADE,
  spans_json TEXT NOT NULL, claims_json TEXT NOT NULL, question TEXT NOT NULL, answer TEXT NOT NULL) STRICT;
PRAGMA user_version = 1;
)";

std::string SummaryNames() {
  std::string names;
  for (const Column& column : kSummaryColumns) {
    if (!names.empty()) names += ", ";
    names += column.name;
  }
  return names;
}

void BindField(Statement& statement, int position, const ExchangeRecord& record,
               const Field& field) {
  std::visit(
      [&](auto member) {
        const auto& value = record.*member;
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, std::string>) {
          statement.Bind(position, value);
        } else {
          statement.Bind(position, static_cast<std::int64_t>(value));
        }
      },
      field);
}

void ReadField(const Statement& statement, int column, ExchangeRecord& record, const Field& field) {
  std::visit(
      [&](auto member) {
        auto& value = record.*member;
        using Value = std::remove_cvref_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::string>) {
          value = statement.Text(column);
        } else {
          value = static_cast<Value>(statement.Integer(column));
        }
      },
      field);
}

std::string SpansJson(const std::vector<SpanRecord>& spans) {
  json::array array;
  for (const SpanRecord& span : spans) {
    array.push_back({{"name", span.name},
                     {"start_us", span.start_us},
                     {"end_us", span.end_us},
                     {"detail", span.detail}});
  }
  return json::serialize(array);
}

std::vector<SpanRecord> ParseSpans(const std::string& text) {
  std::vector<SpanRecord> spans;
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_array()) return spans;
  const auto text_of = [](const json::object& object, std::string_view key) {
    const json::value* found = object.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
  };
  const auto number_of = [](const json::object& object, std::string_view key) {
    const json::value* found = object.if_contains(key);
    return found != nullptr && found->is_int64() ? found->get_int64() : 0;
  };
  for (const json::value& item : value.get_array()) {
    if (const json::object* span = item.if_object()) {
      spans.push_back({text_of(*span, "name"), number_of(*span, "start_us"),
                       number_of(*span, "end_us"), text_of(*span, "detail")});
    }
  }
  return spans;
}

// Conditions of a filter and the values that go into them, in their order.
struct Conditions {
  std::string sql = "WHERE 1";
  std::vector<std::variant<std::string, std::int64_t>> values;

  void Text(std::string_view column, const std::string& value) {
    if (value.empty()) return;
    sql += fmt::format(" AND {} = ?", column);
    values.emplace_back(value);
  }
  void Number(std::string_view condition, std::int64_t value) {
    if (value == 0) return;
    sql += fmt::format(" AND {} ?", condition);
    values.emplace_back(value);
  }
  // Part of one of the ids or texts, letter for letter: instr knows no wildcards.
  void Search(const std::string& value) {
    if (value.empty()) return;
    sql +=
        " AND (instr(request_id, ?) OR instr(trace_id, ?) OR EXISTS (SELECT 1 FROM exchange_detail "
        "d "
        "WHERE d.id = exchange.id AND (instr(d.question, ?) OR instr(d.answer, ?))))";
    for (int i = 0; i < 4; ++i) values.emplace_back(value);
  }
};

Conditions ConditionsOf(const ExchangeFilter& filter, std::int64_t cursor) {
  Conditions conditions;
  conditions.Number("id <", cursor);
  conditions.Text("tenant", filter.tenant);
  conditions.Text("route", filter.route);
  conditions.Text("model", filter.model);
  conditions.Text("upstream", filter.upstream);
  conditions.Text("cache", filter.cache);
  conditions.Text("verdict", filter.verdict);
  conditions.Text("key_id", filter.key_id);
  conditions.Number("http_status >=", filter.min_status);
  conditions.Number("http_status <=", filter.max_status);
  conditions.Number("start_unix_ms >=", filter.from_unix_ms);
  conditions.Number("start_unix_ms <", filter.until_unix_ms);
  conditions.Number("total_us >=", filter.min_total_us);
  conditions.Search(filter.search);
  return conditions;
}

Result<std::int64_t> OneInteger(sqlite3* database, const std::string& sql) {
  ASSAY_ASSIGN(Statement statement, Statement::Prepare(database, sql));
  ASSAY_ASSIGN(const bool row, statement.Step());
  return row ? statement.Integer(0) : 0;
}

}  // namespace

Result<std::unique_ptr<RequestLogWriter>> RequestLogWriter::Open(const std::string& file) {
  ASSAY_ASSIGN(Database database, OpenDatabase(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  // NORMAL in WAL mode: after a power cut the newest batches may be missing, never damaged; a
  // killed process loses nothing that was committed. Space of removed rows is given back page by
  // page.
  ASSAY_TRY(Execute(database.get(),
                    "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; "
                    "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; "
                    "PRAGMA journal_size_limit = 67108864;"));
  ASSAY_ASSIGN(const std::int64_t version, OneInteger(database.get(), "PRAGMA user_version"));
  if (version > kRequestLogVersion) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("{}: this request log has format {}, but this program knows {} at most; "
                    "name another file",
                    file, version, kRequestLogVersion));
  }
  if (version == 0) {
    ASSAY_ASSIGN(const std::int64_t tables,
                 OneInteger(database.get(), "SELECT count(*) FROM sqlite_schema"));
    if (tables != 0) {
      return Fail(Code::kFailedPrecondition,
                  fmt::format("{}: this SQLite file is no request log; name another file", file));
    }
    const std::string create = fmt::format("BEGIN IMMEDIATE;{}COMMIT;", kSchema);
    ASSAY_TRY(Execute(database.get(), create.c_str()));
  }
  return std::unique_ptr<RequestLogWriter>(new RequestLogWriter(std::move(database)));
}

Result<void> RequestLogWriter::InsertOne(const ExchangeRecord& record, bool texts) {
  if (!insert_) {
    std::string marks = "?";
    for (std::size_t i = 1; i < kSummaryColumns.size(); ++i) marks += ",?";
    ASSAY_ASSIGN(insert_, Statement::Prepare(database_.get(),
                                             fmt::format("INSERT INTO exchange({}) VALUES({})",
                                                         SummaryNames(), marks)));
  }
  int position = 0;
  for (const Column& column : kSummaryColumns)
    BindField(*insert_, ++position, record, column.field);
  ASSAY_TRY(insert_->Step());
  insert_->Reset();
  const bool has_texts = texts && (!record.question.empty() || !record.answer.empty());
  if (record.spans.empty() && record.claims_json.empty() && !has_texts) return {};
  ASSAY_ASSIGN(
      Statement detail,
      Statement::Prepare(database_.get(),
                         "INSERT INTO exchange_detail VALUES(last_insert_rowid(),?,?,?,?)"));
  const std::string spans = SpansJson(record.spans);
  detail.Bind(1, spans);
  detail.Bind(2, record.claims_json);
  detail.Bind(3, texts ? std::string_view(record.question) : std::string_view());
  detail.Bind(4, texts ? std::string_view(record.answer) : std::string_view());
  ASSAY_TRY(detail.Step());
  return {};
}

Result<void> RequestLogWriter::Insert(std::span<const ExchangeRecord> records, bool texts) {
  ASSAY_TRY(Execute(database_.get(), "BEGIN IMMEDIATE"));
  for (const ExchangeRecord& record : records) {
    if (auto inserted = InsertOne(record, texts); !inserted) {
      insert_.reset();
      (void)Execute(database_.get(), "ROLLBACK");
      return inserted;
    }
  }
  if (auto committed = Execute(database_.get(), "COMMIT"); !committed) {
    (void)Execute(database_.get(), "ROLLBACK");
    return committed;
  }
  return {};
}

Result<std::int64_t> RequestLogWriter::UsedBytes() {
  ASSAY_ASSIGN(const std::int64_t pages, OneInteger(database_.get(), "PRAGMA page_count"));
  ASSAY_ASSIGN(const std::int64_t free, OneInteger(database_.get(), "PRAGMA freelist_count"));
  ASSAY_ASSIGN(const std::int64_t size, OneInteger(database_.get(), "PRAGMA page_size"));
  return (pages - free) * size;
}

Result<std::uint64_t> RequestLogWriter::Expire(std::int64_t before_unix_ms,
                                               std::int64_t max_bytes) {
  std::uint64_t removed = 0;
  if (before_unix_ms > 0) {
    ASSAY_TRY(Execute(database_.get(),
                      fmt::format("DELETE FROM exchange WHERE id IN (SELECT id FROM exchange WHERE "
                                  "start_unix_ms < {} ORDER BY start_unix_ms LIMIT {})",
                                  before_unix_ms, kExpireBatch)
                          .c_str()));
    removed += static_cast<std::uint64_t>(sqlite3_changes64(database_.get()));
  }
  if (max_bytes > 0) {
    ASSAY_ASSIGN(const std::int64_t used, UsedBytes());
    if (used > max_bytes) {
      // As large a share of the rows as the file is too large, and a tenth more, so that the next
      // batch does not begin it again.
      ASSAY_ASSIGN(const std::int64_t rows,
                   OneInteger(database_.get(), "SELECT count(*) FROM exchange"));
      const double share = static_cast<double>(used - max_bytes) / static_cast<double>(used) + 0.1;
      const auto wanted = static_cast<std::int64_t>(static_cast<double>(rows) * share) + 1;
      ASSAY_TRY(Execute(
          database_.get(),
          fmt::format(
              "DELETE FROM exchange WHERE id IN (SELECT id FROM exchange ORDER BY id LIMIT {})",
              wanted < kExpireBatch ? wanted : kExpireBatch)
              .c_str()));
      removed += static_cast<std::uint64_t>(sqlite3_changes64(database_.get()));
    }
  }
  if (removed > 0) ASSAY_TRY(Execute(database_.get(), "PRAGMA incremental_vacuum(2000)"));
  return removed;
}

Result<std::unique_ptr<RequestLogReader>> RequestLogReader::Open(const std::string& file) {
  ASSAY_ASSIGN(Database database, OpenDatabase(file, SQLITE_OPEN_READONLY));
  return std::unique_ptr<RequestLogReader>(new RequestLogReader(std::move(database)));
}

Result<ExchangePage> RequestLogReader::Recent(const ExchangeFilter& filter, std::int64_t cursor,
                                              std::size_t limit) {
  const Conditions conditions = ConditionsOf(filter, cursor);
  ASSAY_ASSIGN(
      Statement statement,
      Statement::Prepare(database_.get(),
                         fmt::format("SELECT {}, id FROM exchange {} ORDER BY id DESC LIMIT {}",
                                     SummaryNames(), conditions.sql, limit + 1)));
  int position = 0;
  for (const auto& value : conditions.values) {
    ++position;
    std::visit([&](const auto& one) { statement.Bind(position, one); }, value);
  }
  ExchangePage page;
  std::int64_t last_id = 0;
  while (true) {
    ASSAY_ASSIGN(const bool row, statement.Step());
    if (!row) return page;
    if (page.records.size() == limit) {
      page.next_cursor = last_id;
      return page;
    }
    ExchangeRecord& record = page.records.emplace_back();
    int column = 0;
    for (const Column& one : kSummaryColumns) ReadField(statement, column++, record, one.field);
    last_id = statement.Integer(column);
  }
}

Result<ExchangeRecord> RequestLogReader::ById(const std::string& request_id) {
  ASSAY_ASSIGN(
      Statement statement,
      Statement::Prepare(
          database_.get(),
          fmt::format("SELECT {}, coalesce(spans_json, ''), coalesce(claims_json, ''), "
                      "coalesce(question, ''), coalesce(answer, '') FROM exchange LEFT JOIN "
                      "exchange_detail USING (id) WHERE request_id = ? ORDER BY id DESC LIMIT 1",
                      SummaryNames())));
  statement.Bind(1, request_id);
  ASSAY_ASSIGN(const bool row, statement.Step());
  if (!row) {
    return Fail(Code::kNotFound,
                fmt::format("there is no exchange '{}'; it may have expired", request_id));
  }
  ExchangeRecord record;
  int column = 0;
  for (const Column& one : kSummaryColumns) ReadField(statement, column++, record, one.field);
  record.spans = ParseSpans(statement.Text(column++));
  for (const Column& one : kDetailColumns) ReadField(statement, column++, record, one.field);
  return record;
}

}  // namespace assay::telemetry::internal
