#include "assay/telemetry/request_log.h"

#include <csignal>
#include <thread>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/core/file_system.h"

#include "fake_clock.h"
#include "temp_dir.h"

namespace assay::telemetry {
namespace {

constexpr std::int64_t kDayNs = 86'400'000'000'000;

ExchangeRecord Record(int number) {
  ExchangeRecord record;
  record.request_id = "req-" + std::to_string(number);
  record.trace_id = "0af7651916cd43dd8448eb211c80319c";
  record.start_unix_ms = 1'000 + number;
  record.tenant = number % 2 == 0 ? "even" : "odd";
  record.endpoint = "/v1/chat/completions";
  record.route = "r";
  record.model = "m";
  record.http_status = number % 10 == 0 ? 500 : 200;
  record.cache = number % 3 == 0 ? "memory" : "miss";
  record.total_us = number;
  return record;
}

class RequestLogTest : public ::testing::Test {
 protected:
  std::unique_ptr<RequestLog> Open(RequestLogOptions options = {}) {
    options.file = File();
    auto log = RequestLog::Open(
        options,
        [this](const std::string& words) {
          const std::scoped_lock lock(mutex_);
          reports_.push_back(words);
        },
        clock_);
    EXPECT_TRUE(log) << log.error().message;
    return log ? *std::move(log) : nullptr;
  }
  std::string File() const { return folder_.File("requests.db"); }
  std::vector<std::string> Reports() {
    const std::scoped_lock lock(mutex_);
    return reports_;
  }
  // The answer of a query with one value.
  std::string Ask(const char* sql) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(File().c_str(), &database), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database, sql, -1, &statement, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    std::string answer = text == nullptr ? "" : text;
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return answer;
  }

  testing::TempDir folder_;
  testing::FakeClock clock_{100 * kDayNs};
  std::mutex mutex_;
  std::vector<std::string> reports_;
};

TEST_F(RequestLogTest, GivesBackWhatItWasOffered) {
  RequestLogOptions options;
  options.texts = true;
  options.max_age_ms = 0;
  const auto log = Open(options);
  ExchangeRecord record = Record(7);
  record.key_id = "abcd1234";
  record.key_name = "Ana's \"key\"";
  record.upstream = "local";
  record.stream = true;
  record.coalesced = true;
  record.retries = 2;
  record.verdict = "contradicted";
  record.supported = 3;
  record.contradicted = 1;
  record.unverified = 4;
  record.prompt_tokens = 1'000'000'000'000;
  record.completion_tokens = 5;
  record.cost_nanousd = 6;
  record.saved_nanousd = 7;
  record.upstream_us = 8;
  record.first_token_us = 9;
  record.request_bytes = 10;
  record.response_bytes = 11;
  record.error_code = "rate_limited";
  record.error_message = "slow down";
  record.spans = {{"Authenticate", 0, 3, ""}, {"ExactLookup", 3, 5, "miss \"x\""}};
  record.claims_json = R"([{"claim":"27 days","verdict":"contradicted"}])";
  record.question = "How many days?\n\xc3\xa9";
  record.answer = "30 days";
  EXPECT_TRUE(log->Offer(record));
  log->Flush();
  const auto found = log->ById("req-7");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->key_name, record.key_name);
  EXPECT_TRUE(found->stream);
  EXPECT_TRUE(found->coalesced);
  EXPECT_EQ(found->retries, 2U);
  EXPECT_EQ(found->supported, 3U);
  EXPECT_EQ(found->contradicted, 1U);
  EXPECT_EQ(found->unverified, 4U);
  EXPECT_EQ(found->prompt_tokens, 1'000'000'000'000);
  EXPECT_EQ(found->response_bytes, 11);
  EXPECT_EQ(found->error_message, "slow down");
  ASSERT_EQ(found->spans.size(), 2U);
  EXPECT_EQ(found->spans[1].name, "ExactLookup");
  EXPECT_EQ(found->spans[1].end_us, 5);
  EXPECT_EQ(found->spans[1].detail, "miss \"x\"");
  EXPECT_EQ(found->claims_json, record.claims_json);
  EXPECT_EQ(found->question, record.question);
  EXPECT_EQ(found->answer, "30 days");
  EXPECT_EQ(log->ById("none").error().code, Code::kNotFound);
  const auto page = log->Recent({}, 0, 10);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->records.size(), 1U);
  EXPECT_EQ(page->records[0].error_code, "rate_limited");
  EXPECT_TRUE(page->records[0].answer.empty()) << "lists show no texts";
}

TEST_F(RequestLogTest, StoresNoTextsUnlessAskedFor) {
  {
    const auto log = Open();
    ExchangeRecord record = Record(1);
    record.start_unix_ms = clock_.wall_ns() / 1'000'000;
    record.question = "a very private question";
    record.answer = "a very private answer";
    log->Offer(record);
  }
  const auto bytes = core::FileSystem::Real().ReadFile(File(), 1 << 24);
  ASSERT_TRUE(bytes);
  EXPECT_NE(bytes->find("req-1"), std::string::npos);
  EXPECT_EQ(bytes->find("very private"), std::string::npos);
  struct stat info{};
  ASSERT_EQ(::stat(File().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(RequestLogTest, PagesThroughAllRecordsNewestFirst) {
  RequestLogOptions options;
  options.max_age_ms = 0;
  const auto log = Open(options);
  for (int i = 0; i < 95; ++i) log->Offer(Record(i));
  log->Flush();
  int expected = 94;
  std::int64_t cursor = 0;
  int pages = 0;
  do {
    const auto page = log->Recent({}, cursor, 20);
    ASSERT_TRUE(page) << page.error().message;
    for (const ExchangeRecord& record : page->records) {
      EXPECT_EQ(record.request_id, "req-" + std::to_string(expected--));
    }
    cursor = page->next_cursor;
    ++pages;
  } while (cursor != 0);
  EXPECT_EQ(expected, -1);
  EXPECT_EQ(pages, 5);
}

TEST_F(RequestLogTest, FiltersTakeWhatFitsAllOfThem) {
  RequestLogOptions options;
  options.max_age_ms = 0;
  options.texts = true;
  const auto log = Open(options);
  for (int i = 0; i < 60; ++i) {
    ExchangeRecord record = Record(i);
    record.answer = "answer 100% number " + std::to_string(i);
    log->Offer(record);
  }
  log->Flush();
  const auto count = [&](const auto& fill) {
    ExchangeFilter filter;
    fill(filter);
    const auto page = log->Recent(filter, 0, 500);
    EXPECT_TRUE(page) << page.error().message;
    return page ? page->records.size() : 0;
  };
  EXPECT_EQ(count([](ExchangeFilter& f) {
              f.tenant = "even";
              f.cache = "memory";
            }),
            10U);
  EXPECT_EQ(count([](ExchangeFilter& f) { f.min_status = 400; }), 6U);
  EXPECT_EQ(count([](ExchangeFilter& f) { f.max_status = 299; }), 54U);
  EXPECT_EQ(count([](ExchangeFilter& f) {
              f.from_unix_ms = 1'010;
              f.until_unix_ms = 1'020;
            }),
            10U);
  EXPECT_EQ(count([](ExchangeFilter& f) { f.min_total_us = 50; }), 10U);
  EXPECT_EQ(count([](ExchangeFilter& f) { f.search = "req-59"; }), 1U);
  EXPECT_EQ(count([](ExchangeFilter& f) { f.search = "100% number 7"; }), 1U);
  EXPECT_EQ(count([](ExchangeFilter& f) { f.search = "%"; }), 60U) << "no wildcard";
  EXPECT_EQ(count([](ExchangeFilter& f) { f.tenant = "' OR 1=1 --"; }), 0U);
}

TEST_F(RequestLogTest, AFullQueueDropsAndCountsInsteadOfWaiting) {
  RequestLogOptions options;
  options.queue_length = 50;
  options.max_age_ms = 0;
  options.flush_ms = 1;
  const auto log = Open(options);
  // A writer elsewhere holds the lock, so that nothing is written meanwhile.
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(File().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  std::uint64_t taken = 0;
  for (int i = 0; i < 1'000; ++i) taken += log->Offer(Record(i)) ? 1U : 0U;
  EXPECT_LE(taken, 200U) << "the queue and the batches that the writer has taken out of it";
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  log->Flush();
  const auto stats = log->stats();
  EXPECT_EQ(stats.offered, 1'000U);
  EXPECT_EQ(stats.dropped, 1'000 - taken);
  EXPECT_EQ(stats.written, taken);
}

TEST_F(RequestLogTest, RecordsExpireByAge) {
  RequestLogOptions options;
  options.max_age_ms = 10 * kDayNs / 1'000'000;
  {
    const auto log = Open(options);
    for (int i = 0; i < 10; ++i) {
      ExchangeRecord record = Record(i);
      record.start_unix_ms = (clock_.wall_ns() - i * 2 * kDayNs) / 1'000'000;
      record.spans = {{"s", 0, 1, ""}};
      log->Offer(record);
    }
    log->Flush();
  }
  // A new start looks for expired records at once.
  clock_.Advance(1);
  {
    const auto log = Open(options);
    while (log->Recent({}, 0, 100)->records.size() > 6) std::this_thread::yield();
    EXPECT_EQ(log->Recent({}, 0, 100)->records.size(), 6U);
  }
  EXPECT_EQ(Ask("SELECT count(*) FROM exchange_detail"), "6");
}

TEST_F(RequestLogTest, TheOldestRecordsGoWhenTheFileIsTooLarge) {
  RequestLogOptions options;
  options.max_age_ms = 0;
  options.max_bytes = 400'000;
  options.texts = true;
  {
    const auto log = Open(options);
    for (int i = 0; i < 1'000; ++i) {
      ExchangeRecord record = Record(i);
      record.answer = std::string(1'000, 'a');
      log->Offer(record);
    }
    log->Flush();
  }
  {
    const auto log = Open(options);
    // The file itself shrinks, and the newest stay.
    const char* size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    while (std::stoll(Ask(size)) > 450'000) std::this_thread::yield();
    const auto page = log->Recent({}, 0, 500);
    ASSERT_TRUE(page);
    EXPECT_GT(page->records.size(), 150U);
    EXPECT_EQ(page->records[0].request_id, "req-999");
  }
}

TEST_F(RequestLogTest, AFullDiskIsCountedReportedOnceAndSurvived) {
  RequestLogOptions options;
  options.max_age_ms = 0;
  options.flush_ms = 1;
  const auto log = Open(options);
  log->Offer(Record(1));
  log->Flush();
  struct rlimit saved{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &saved), 0);
  struct rlimit small = saved;
  small.rlim_cur = 4'096;  // no file may grow
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  for (int i = 2; i < 5; ++i) {
    log->Offer(Record(i));
    log->Flush();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &saved), 0);
  std::signal(SIGXFSZ, before);
  EXPECT_EQ(log->stats().failed, 3U);
  EXPECT_FALSE(log->stats().healthy);
  ASSERT_EQ(Reports().size(), 1U);
  EXPECT_NE(Reports()[0].find("cannot be written"), std::string::npos);
  log->Offer(Record(5));
  log->Flush();
  EXPECT_TRUE(log->stats().healthy);
  EXPECT_EQ(log->stats().written, 2U);
  ASSERT_EQ(Reports().size(), 2U);
  EXPECT_NE(Reports()[1].find("written again"), std::string::npos);
  EXPECT_TRUE(log->ById("req-5"));
}

TEST_F(RequestLogTest, AKilledProcessLosesNothingThatWasFlushed) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    RequestLogOptions options;
    options.file = File();
    options.max_age_ms = 0;
    auto log = RequestLog::Open(options);
    if (!log) ::_exit(1);
    for (int i = 0; i < 300; ++i) (*log)->Offer(Record(i));
    (*log)->Flush();
    (void)!::write(pipe[1], "x", 1);
    for (int i = 300;; ++i) (*log)->Offer(Record(i));  // until it is killed
  }
  char byte = 0;
  ASSERT_EQ(::read(pipe[0], &byte, 1), 1);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(pipe[0]);
  ::close(pipe[1]);
  RequestLogOptions options;
  options.max_age_ms = 0;
  const auto log = Open(options);
  ASSERT_NE(log, nullptr);
  EXPECT_TRUE(log->ById("req-0"));
  EXPECT_TRUE(log->ById("req-299"));
  EXPECT_EQ(Ask("PRAGMA integrity_check"), "ok");
}

TEST_F(RequestLogTest, RefusesANewerFormatAForeignFileAndADamagedOne) {
  {
    const auto log = Open();
  }
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(File().c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version = 2", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(database);
  RequestLogOptions options;
  options.file = File();
  const auto newer = RequestLog::Open(options);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Code::kFailedPrecondition);
  EXPECT_NE(newer.error().message.find("format 2"), std::string::npos) << newer.error().message;

  options.file = folder_.File("foreign.db");
  ASSERT_EQ(sqlite3_open(options.file.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "CREATE TABLE mine(a)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  EXPECT_EQ(RequestLog::Open(options).error().code, Code::kFailedPrecondition);

  options.file = folder_.File("text.db");
  ASSERT_TRUE(
      core::WriteFileAtomically(core::FileSystem::Real(), options.file, std::string(5'000, 'x')));
  EXPECT_EQ(RequestLog::Open(options).error().code, Code::kDataLoss);
  options.file = folder_.File("none/r.db");
  EXPECT_EQ(RequestLog::Open(options).error().code, Code::kNotFound);
}

TEST_F(RequestLogTest, ReadersAndWritersDoNotDisturbEachOther) {
  RequestLogOptions options;
  options.max_age_ms = 0;
  options.flush_ms = 1;
  const auto log = Open(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) log->Offer(Record(t * 1'000 + i));
    });
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) EXPECT_TRUE(log->Recent({}, 0, 10));
    });
  }
  for (std::thread& thread : threads) thread.join();
  log->Flush();
  EXPECT_EQ(log->stats().written, 600U);
}

}  // namespace
}  // namespace assay::telemetry
