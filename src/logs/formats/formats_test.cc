#include <gtest/gtest.h>

#include "assay/logs/log_format.h"

#include "formats/fields_internal.h"

namespace assay::logs {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
// 2024-06-15 12:00:00 UTC.
constexpr std::int64_t kReference = 1'718'452'800 * kSecond;

LogLine Read(std::string_view line, std::string latency_key = {}) {
  const LineParserOptions options{kReference, std::move(latency_key)};
  return LineParser::Detect(line, options).Parse(line);
}

struct Case {
  std::string_view line;
  LogFormat format;
  std::int64_t time_us;
  LogLevel level;
  std::string_view source;
  std::string_view host;
  std::string_view content;
};

TEST(LogFormats, AreToldFromOneLine) {
  const Case cases[] = {
      {"<34>1 2003-10-11T22:14:15.003Z mymachine su - ID47 - 'su root' failed",
       LogFormat::kSyslog5424, 1'065'910'455'003'000, LogLevel::kFatal, "su", "mymachine",
       "'su root' failed"},
      {R"(<165>1 2003-10-11T22:14:15.003-07:00 h app 12 - [x@1 a="\"]" b="c"][y] An event)",
       LogFormat::kSyslog5424, 1'065'935'655'003'000, LogLevel::kNotice, "app", "h", "An event"},
      {"<191>1 - - - - - -", LogFormat::kSyslog5424, kNoTime, LogLevel::kDebug, "", "", ""},
      {"<11>Oct 11 22:14:15 host app[12]: it failed", LogFormat::kSyslog3164, 1'697'062'455'000'000,
       LogLevel::kError, "app", "host", "it failed"},
      {"Jun  5 01:02:03 host kernel: up", LogFormat::kSyslog3164, 1'717'549'323'000'000,
       LogLevel::kUnknown, "kernel", "host", "up"},
      {"Jun 16 11:02:03 host -- no tag", LogFormat::kSyslog3164, 1'718'535'723'000'000,
       LogLevel::kUnknown, "", "host", "-- no tag"},
      {"Dec 31 23:59:59 host a: b", LogFormat::kSyslog3164, 1'704'067'199'000'000,
       LogLevel::kUnknown, "a", "host", "b"},
      {"2024-01-02T03:04:05.678901+02:00 web nginx[7]: started", LogFormat::kSyslogIso,
       1'704'157'445'678'901, LogLevel::kUnknown, "nginx", "web", "started"},
      {"[Sun Dec 04 04:47:44 2005] [error] [client 1.2.3.4] Directory index",
       LogFormat::kApacheError, 1'133'671'664'000'000, LogLevel::kError, "", "1.2.3.4",
       "[client 1.2.3.4] Directory index"},
      {"[Sun Dec 04 04:47:44.123456 2005] [core:notice] [pid 9:tid 8] AH1: up",
       LogFormat::kApacheError, 1'133'671'664'123'456, LogLevel::kNotice, "core", "", "AH1: up"},
      {"2024/01/02 03:04:05 [crit] 12#34: *5 open() failed, client: 10.0.0.1, server: x",
       LogFormat::kNginxError, 1'704'164'645'000'000, LogLevel::kFatal, "", "10.0.0.1",
       "*5 open() failed, client: 10.0.0.1, server: x"},
      {R"(127.0.0.1 - bob [10/Oct/2000:13:55:36 -0700] "GET /a/b?q=1 HTTP/1.0" 200 2326)",
       LogFormat::kAccess, 971'211'336'000'000, LogLevel::kInfo, "/a/b", "127.0.0.1",
       R"(GET /a/b?q=1 HTTP/1.0" 200 2326)"},
      {R"(::1 - - [10/Oct/2000:13:55:36 +0000] "GET /x\"y HTTP/1.1" 503 - "-" "curl")",
       LogFormat::kAccess, 971'186'136'000'000, LogLevel::kError, R"(/x\"y)", "::1",
       R"(GET /x\"y HTTP/1.1" 503 - "-" "curl")"},
      {"03-17 16:13:38.811  1702  2395 W WindowManager: a: b", LogFormat::kAndroid,
       1'710'692'018'811'000, LogLevel::kWarn, "WindowManager", "", "a: b"},
      {"2024-01-02T03:04:05Z WARN something odd", LogFormat::kTimestamped, 1'704'164'645'000'000,
       LogLevel::kWarn, "", "", "something odd"},
      {"[2024-01-02 03:04:05.5] [info] hello", LogFormat::kTimestamped, 1'704'164'645'500'000,
       LogLevel::kInfo, "", "", "hello"},
      {"2024-01-02 03:04:05,678 - my.app - ERROR - it broke", LogFormat::kTimestamped,
       1'704'164'645'678'000, LogLevel::kError, "my.app", "", "it broke"},
      {"2024-01-02 03:04:05 just words here", LogFormat::kTimestamped, 1'704'164'645'000'000,
       LogLevel::kUnknown, "", "", "just words here"},
      {R"(time=2024-01-02T03:04:05Z level=warn msg="two \"words\"" x=1)", LogFormat::kLogfmt,
       1'704'164'645'000'000, LogLevel::kWarn, "", "", R"(two \"words\")"},
      {R"({"time":"2024-01-02T03:04:05.123456Z","level":"info","event":"request","a":{"level":"x"}})",
       LogFormat::kJson, 1'704'164'645'123'456, LogLevel::kInfo, "", "", "request"},
      {R"({"level":50,"time":1704164645123,"hostname":"h","name":"app","msg":"no \"x\""})",
       LogFormat::kJson, 1'704'164'645'123'000, LogLevel::kError, "app", "h", R"(no \"x\")"},
      {R"({"ts": 1704164645.5, "level" : "error", "logger":"l", "tags":["a]",{"b":1}], "msg":"m"})",
       LogFormat::kJson, 1'704'164'645'500'000, LogLevel::kError, "l", "", "m"},
      {"Exception in thread main", LogFormat::kPlain, kNoTime, LogLevel::kUnknown, "", "",
       "Exception in thread main"},
      {R"({"no":"log"})", LogFormat::kPlain, kNoTime, LogLevel::kUnknown, "", "",
       R"({"no":"log"})"},
      {"2024-13-02 03:04:05 no such month", LogFormat::kTimestamped, kNoTime, LogLevel::kUnknown,
       "", "", "no such month"},
      {"", LogFormat::kPlain, kNoTime, LogLevel::kUnknown, "", "", ""},
  };
  for (const Case& one : cases) {
    const LogLine line = Read(one.line);
    EXPECT_EQ(FormatName(line.format), FormatName(one.format)) << one.line;
    EXPECT_EQ(line.time_us, one.time_us) << one.line;
    EXPECT_EQ(LevelName(line.level), LevelName(one.level)) << one.line;
    EXPECT_EQ(line.source, one.source) << one.line;
    EXPECT_EQ(line.host, one.host) << one.line;
    EXPECT_EQ(line.content, one.content) << one.line;
  }
}

TEST(LogFormats, LatenciesAreReadInTheirUnits) {
  const auto access = [](std::string_view end) {
    return Read(R"(h - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 5 "-" "curl" )" +
                std::string(end))
        .latency_ns;
  };
  EXPECT_EQ(access("0.012"), 12'000'000);  // nginx, seconds
  EXPECT_EQ(access("rt=1.5"), 1'500'000'000);
  EXPECT_EQ(access("350"), 350'000);  // Apache's %D, microseconds
  EXPECT_EQ(access(""), -1);
  const auto json = [](std::string_view member) {
    return Read(R"({"time":"2024-01-02T03:04:05Z",)" + std::string(member) + "}").latency_ns;
  };
  EXPECT_EQ(json(R"("latency_us":350)"), 350'000);
  EXPECT_EQ(json(R"("duration_ms":1.5)"), 1'500'000);
  EXPECT_EQ(json(R"("duration":"2.5s")"), 2'500'000'000);
  EXPECT_EQ(json(R"("elapsed":7)"), 7'000'000);
  EXPECT_EQ(json(R"("requestTimeSeconds":2)"), 2'000'000'000);
  EXPECT_EQ(json(R"("latency_ms":-3)"), -1);
  EXPECT_EQ(json(R"("size":3)"), -1);
  EXPECT_EQ(Read("level=info msg=x latency=12ms").latency_ns, 12'000'000);
}

TEST(LogFormats, ANamedFieldIsFoundInAnyText) {
  EXPECT_EQ(Read("done, took 12 ms", "took").latency_ns, 12'000'000);
  EXPECT_EQ(Read("done, took=1.5s", "took").latency_ns, 1'500'000'000);
  EXPECT_EQ(Read("mistook 4, took: 3", "took").latency_ns, 3'000'000);
  EXPECT_EQ(Read(R"({"level":"info","cost":4})", "cost").latency_ns, 4'000'000);
  EXPECT_EQ(Read("total_us=8", "total_us").latency_ns, 8'000);
  EXPECT_EQ(Read("took long", "took").latency_ns, -1);
}

TEST(LogFormats, AMixedLogKeepsTheFormatsThatItHas) {
  std::string log;
  for (int i = 0; i < 50; ++i) {
    log += "Jun  5 01:02:03 host kernel: up\n[Sun Dec 04 04:47:44 2005] [error] x\r\n  at a.b(c)\n";
  }
  const LineParser parser = LineParser::Detect(log);
  EXPECT_EQ(std::vector(parser.formats().begin(), parser.formats().end()),
            (std::vector{LogFormat::kSyslog3164, LogFormat::kApacheError}));
  EXPECT_EQ(parser.Parse("  at a.b(c)").format, LogFormat::kPlain);
  EXPECT_EQ(parser.Parse("2024-01-02 03:04:05 not one of them").format, LogFormat::kPlain);
}

TEST(LogFormats, NamesGoBothWays) {
  for (std::size_t i = 0; i < kLogFormats; ++i) {
    const auto format = static_cast<LogFormat>(i);
    EXPECT_EQ(ParseFormat(FormatName(format)), format);
  }
  EXPECT_FALSE(ParseFormat("xml").has_value());
  for (std::size_t i = 1; i < kLogLevels; ++i) {
    const auto level = static_cast<LogLevel>(i);
    EXPECT_EQ(ParseLevel(LevelName(level)), level);
  }
  EXPECT_EQ(ParseLevel("WARNING"), LogLevel::kWarn);
  EXPECT_EQ(ParseLevel("Emergency"), LogLevel::kFatal);
  EXPECT_EQ(ParseLevel("Information"), LogLevel::kInfo);
  EXPECT_EQ(ParseLevel("information!"), LogLevel::kUnknown);
  EXPECT_EQ(ParseLevel("errors"), LogLevel::kUnknown);
  EXPECT_EQ(ParseLevel("combo"), LogLevel::kUnknown);
}

TEST(LogFormats, TimesOfTheUserAreRead) {
  EXPECT_EQ(ParseTime("2024-01-02"), 1'704'153'600 * kSecond);
  EXPECT_EQ(ParseTime("2024-01-02 03:04:05.5"), 1'704'164'645'500'000);
  EXPECT_EQ(ParseTime("2024-01-02T03:04:05+02:00"), 1'704'157'445 * kSecond);
  EXPECT_EQ(ParseTime("1704164645"), 1'704'164'645 * kSecond);
  for (const char* bad :
       {"", "yesterday", "2024-13-01", "2024-01-02x", "2024-01-02 03:04", "12x"}) {
    EXPECT_FALSE(ParseTime(bad).has_value()) << bad;
  }
}

TEST(LogFormats, YearsAreTheLatestThatAreNotInTheFuture) {
  using internal::DaysFromCivil;
  const auto likely_year = [](std::int32_t month, std::int32_t day, std::int32_t reference_day) {
    return internal::LikelyYear(month, day, internal::LastDateOf(reference_day));
  };
  for (std::int32_t year = 1971; year < 2110; ++year) {
    for (const std::int32_t month : {1, 3, 12}) {
      const std::int32_t day = DaysFromCivil(year, month, 10);
      EXPECT_EQ(likely_year(month, 10, day), year);
      EXPECT_EQ(likely_year(month, 11, day), year);      // a zone ahead
      EXPECT_EQ(likely_year(month, 12, day), year - 1);  // tomorrow is last year
    }
    EXPECT_EQ(likely_year(1, 1, DaysFromCivil(year, 12, 31)), year + 1);
    EXPECT_EQ(likely_year(12, 31, DaysFromCivil(year, 1, 1)), year - 1);
  }
  EXPECT_EQ(likely_year(2, 29, DaysFromCivil(2023, 5, 1)), 2020);
}

}  // namespace
}  // namespace assay::logs
