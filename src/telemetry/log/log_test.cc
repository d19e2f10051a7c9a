#include "assay/telemetry/log.h"

#include <csignal>
#include <limits>
#include <map>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/core/file_system.h"

#include "fake_clock.h"
#include "log/json_text.h"
#include "temp_dir.h"

namespace assay::telemetry {
namespace {

class LogTest : public ::testing::Test {
 protected:
  std::unique_ptr<Log> Open(LogOptions options = {}) {
    options.file = File();
    auto log = Log::Open(std::move(options), clock_);
    EXPECT_TRUE(log) << log.error().message;
    return *std::move(log);
  }
  std::string File() const { return folder_.File("assay.log"); }
  std::string Text(const std::string& path) const {
    return core::FileSystem::Real().ReadFile(path, 1 << 28).value_or("");
  }
  // The lines, each parsed: a line that is no JSON object is a failure.
  std::vector<std::map<std::string, std::string>> Lines() {
    std::vector<std::map<std::string, std::string>> lines;
    const std::string text = Text(File());
    EXPECT_TRUE(text.empty() || text.ends_with('\n'));
    simdjson::dom::parser parser;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      simdjson::dom::object object;
      const auto error = parser.parse(text.substr(at, end - at)).get(object);
      EXPECT_EQ(error, simdjson::SUCCESS) << text.substr(at, end - at);
      auto& line = lines.emplace_back();
      for (const auto field : object) {
        std::string_view value;
        const bool is_text = field.value.get(value) == simdjson::SUCCESS;
        EXPECT_TRUE(
            line.emplace(field.key, is_text ? std::string(value) : simdjson::minify(field.value))
                .second);
      }
      at = end + 1;
    }
    return lines;
  }

  testing::TempDir folder_;
  testing::FakeClock clock_;
};

TEST_F(LogTest, ALineIsAJsonObjectWithTimeLevelAndEvent) {
  clock_.SetWall(1'795'276'897'123'456'789);
  {
    const auto log = Open();
    log->Write(Level::kInfo, "request",
               {{"request_id", "r-1"},
                {"status", 200},
                {"bytes", std::uint64_t{1} << 63},
                {"hit", true},
                {"seconds", 0.25},
                {"ratio", std::numeric_limits<double>::infinity()},
                {"delta", std::int64_t{-3}}});
  }
  EXPECT_EQ(Text(File()),
            "{\"time\":\"2026-11-21T16:01:37.123456Z\",\"level\":\"info\",\"event\":\"request\","
            "\"request_id\":\"r-1\",\"status\":200,\"bytes\":9223372036854775808,\"hit\":true,"
            "\"seconds\":0.25,\"ratio\":null,\"delta\":-3}\n");
}

TEST_F(LogTest, AnyBytesStayOneValidLine) {
  const std::string nasty =
      "a\"b\\c\nd\re\tf\x01g\x7fh\xff\xc0\xafi\xed\xa0\x80j\xf0\x9f\x98\x80k\xe2\x82";
  {
    const auto log = Open();
    log->Write(Level::kWarn, "x", {{"text", nasty}, {"long", std::string(50'000, 'y')}});
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].at("text").starts_with("a\"b\\c\nd\re\tf\x01g\x7fh\xef\xbf\xbd"));
  EXPECT_NE(lines[0].at("text").find("j\xf0\x9f\x98\x80k\xef\xbf\xbd"), std::string::npos);
  EXPECT_LT(lines[0].at("long").size(), 17'000U);
  EXPECT_TRUE(lines[0].at("long").ends_with("y..."));
}

TEST_F(LogTest, SecretsAreNeverWritten) {
  {
    const auto log = Open();
    log->Write(
        Level::kError, "upstream",
        {{"authorization", "Bearer abcdefghijkl"},
         {"redis_password", "hunter2"},
         {"api_key", "k"},
         {"set-cookie", "s=1"},
         {"error",
          "Incorrect API key provided: sk-proj-abcdEFGH1234. See ask_AB12cd34_S3cretS3cretS3cret"},
         {"header", "authorization: Bearer eyJhbGciOi.J9"},
         {"prompt_tokens", 12},
         {"task", "task_id_of_many_words sk-1 ask_x"}});
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("authorization"), "[redacted]");
  EXPECT_EQ(lines[0].at("redis_password"), "[redacted]");
  EXPECT_EQ(lines[0].at("api_key"), "[redacted]");
  EXPECT_EQ(lines[0].at("set-cookie"), "[redacted]");
  EXPECT_EQ(lines[0].at("error"), "Incorrect API key provided: sk-[redacted] See ask_[redacted]");
  EXPECT_EQ(lines[0].at("header"), "authorization: Bearer [redacted]");
  EXPECT_EQ(lines[0].at("prompt_tokens"), "12");
  EXPECT_EQ(lines[0].at("task"), "task_id_of_many_words sk-1 ask_x");
  EXPECT_EQ(RedactSecrets("x=Bearer 123456789, done"), "x=Bearer [redacted], done");
  EXPECT_EQ(RedactSecrets("nothing here"), "nothing here");
}

TEST_F(LogTest, TextsOfClientsAreWrittenOnlyWhenAskedFor) {
  {
    const auto log = Open();
    log->Write(Level::kInfo, "a", {{"prompt", ClientText{"my secret question"}}, {"n", 1}});
    log->SetTexts(true);
    log->Write(Level::kInfo, "b", {{"prompt", ClientText{"another question"}}});
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_FALSE(lines[0].contains("prompt"));
  EXPECT_EQ(lines[0].at("n"), "1");
  EXPECT_EQ(lines[1].at("prompt"), "another question");
}

TEST_F(LogTest, LinesBelowTheLevelAreNotWritten) {
  {
    const auto log = Open();
    log->Write(Level::kDebug, "a", {});
    EXPECT_FALSE(log->enabled(Level::kDebug));
    log->SetLevel(Level::kDebug);
    log->Write(Level::kDebug, "b", {});
    log->SetLevel(Level::kOff);
    log->Write(Level::kError, "c", {});
    Log::Null().Write(Level::kError, "d", {});
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].at("event"), "b");
}

TEST_F(LogTest, ManyThreadsNeverMixTheirLines) {
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  LogStats stats;
  {
    const auto log = Open();
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kLines; ++i) log->Write(Level::kInfo, "x", {{"thread", t}, {"i", i}});
      });
    }
    for (std::thread& thread : threads) thread.join();
    log->Flush();
    stats = log->stats();
  }
  EXPECT_EQ(stats.lines, static_cast<std::uint64_t>(kThreads * kLines));
  std::map<std::string, int> next;
  for (const auto& line : Lines())
    EXPECT_EQ(line.at("i"), std::to_string(next[line.at("thread")]++));
  EXPECT_EQ(next.size(), static_cast<std::size_t>(kThreads));
}

TEST_F(LogTest, AFullQueueDropsAndCountsInsteadOfWaiting) {
  // A pipe that nobody reads stands for a disk that does not answer.
  const std::string pipe = folder_.File("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  LogOptions options;
  options.file = pipe;
  options.queue_bytes = 100'000;
  auto log = *Log::Open(options, clock_);
  const std::string filler(1'000, 'x');
  for (int i = 0; i < 2'000; ++i) log->Write(Level::kInfo, "x", {{"filler", filler}});
  EXPECT_GT(log->stats().dropped, 1'000U);
  std::thread drain([&] {  // lets the writer end
    std::string sink(65'536, '\0');
    while (true) {
      const ssize_t got = ::read(reader, sink.data(), sink.size());
      if (got == 0) return;
      if (got < 0) std::this_thread::yield();
    }
  });
  log.reset();
  drain.join();
  ::close(reader);
}

TEST_F(LogTest, AFullDiskIsCountedAndEndsWhenThereIsRoomAgain) {
  const auto log = Open();
  log->Write(Level::kInfo, "before", {});
  log->Flush();
  struct rlimit saved{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &saved), 0);
  struct rlimit small = saved;
  const std::string before = Text(File());
  small.rlim_cur = before.size() + 10;  // the next line is torn after ten bytes
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  log->Write(Level::kInfo, "lost", {});
  log->Flush();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &saved), 0);
  std::signal(SIGXFSZ, ignored);
  EXPECT_EQ(log->stats().write_errors, 1U);
  log->Write(Level::kInfo, "after", {});
  log->Flush();
  EXPECT_EQ(log->stats().lines, 2U);
  EXPECT_EQ(
      Text(File()),
      before +
          "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"info\",\"event\":\"after\"}\n")
      << "the half line was taken back";
}

TEST_F(LogTest, ReopenGoesOnInANewFileAfterRotation) {
  const auto log = Open();
  log->Write(Level::kInfo, "old", {});
  log->Flush();
  ASSERT_TRUE(core::FileSystem::Real().Rename(File(), File() + ".1"));
  ASSERT_TRUE(log->Reopen());
  log->Write(Level::kInfo, "new", {});
  log->Flush();
  EXPECT_NE(Text(File()).find("\"new\""), std::string::npos);
  EXPECT_EQ(Text(File()).find("\"old\""), std::string::npos);
  EXPECT_NE(Text(File() + ".1").find("\"old\""), std::string::npos);
}

TEST_F(LogTest, AFolderThatIsNotThereIsAnErrorThatNamesTheFile) {
  LogOptions options;
  options.file = folder_.File("none/assay.log");
  const auto log = Log::Open(options, clock_);
  ASSERT_FALSE(log);
  EXPECT_EQ(log.error().code, Code::kNotFound);
  EXPECT_NE(log.error().message.find("none/assay.log"), std::string::npos);
}

// What is written without a look at each byte is what a look at each byte would have written.
TEST(PlainTextTest, IsWhatNothingHasToBeChangedIn) {
  constexpr std::string_view kBytes =
      "abk-_ rc\"\\\n\x7f\x80\xc3\xa9sk-ask_Bearer Basic 0123456789/.";
  core::SeededRng rng(5);
  int plain = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto left = rng.NextU64() % 40; left > 0; --left) {
      text += rng.NextU64() % 8 == 0 ? kBytes[rng.NextU64() % kBytes.size()] : 'a';
    }
    if (round % 3 == 0) text += "sk-" + std::string(rng.NextU64() % 12, 'x');
    std::string written;
    internal::AppendJsonString(written, text, 1'000);
    if (!internal::IsPlainText(text)) continue;
    ++plain;
    EXPECT_EQ(written, '"' + text + '"');
  }
  EXPECT_GT(plain, 1'000);
}

TEST_F(LogTest, LongLinesAndPlainTextsAreWrittenWhole) {
  const std::string text(5'000, 'x');
  {
    const auto log = Open();
    for (int i = 0; i < 3; ++i) {
      log->Write(Level::kInfo, "e", {{"a", text}, {"b", PlainText{"0af7"}}, {"c", text + "\n"}});
    }
  }
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 3U);
  for (const auto& line : lines) {
    EXPECT_EQ(line.at("a"), text);
    EXPECT_EQ(line.at("b"), "0af7");
    EXPECT_EQ(line.at("c"), text + "\n");
  }
}

}  // namespace
}  // namespace assay::telemetry
