// assay/logs/log_format.h: what a line of a log says: when, how bad, who, what, how long.
// Room: logs (uses core, text).  Threads: a LineParser is immutable; pure functions otherwise.
// The formats are found by themselves: Detect() reads the first lines, keeps each format that some
// of them have, and Parse() tries those in order of how much they ask for. Nothing is allocated;
// the texts of a LogLine are parts of the line.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::logs {

enum class LogLevel : std::uint8_t {
  kUnknown,
  kTrace,
  kDebug,
  kInfo,
  kNotice,
  kWarn,
  kError,
  kFatal,  // also critical, alert, emergency, panic
};
inline constexpr std::size_t kLogLevels = 8;

// Those that ask for more come first; a line has the first one that it fits.
enum class LogFormat : std::uint8_t {
  kJson,         // one object a line; Assay's own log, bunyan, zap, logstash, Docker
  kSyslog5424,   // RFC 5424: <34>1 2003-10-11T22:14:15.003Z host app procid msgid - text
  kSyslog3164,   // RFC 3164, also without <pri>: Oct 11 22:14:15 host app[pid]: text
  kSyslogIso,    // rsyslog: 2003-10-11T22:14:15.003+02:00 host app[pid]: text
  kApacheError,  // [Sun Dec 04 04:47:44 2005] [error] text, also 2.4's with module and pid
  kNginxError,   // 2024/01/02 03:04:05 [error] 12#0: text
  kAccess,  // Apache's and nginx's common and combined, with a latency at the end if there is one
  kBgl,     // Blue Gene/L RAS: - 1117838570 2005.06.03 NODE TIME NODE RAS KERNEL INFO text
  kHdfs,    // 081109 203615 148 INFO dfs.DataNode: text
  kSpark,   // 17/06/09 20:10:40 INFO executor.Executor: text
  kZookeeper,    // 2015-07-29 17:41:44,747 - INFO  [NODE:CLASS@ID] - text
  kHadoop,       // log4j: 2015-10-18 18:01:47,978 INFO [thread] class: text
  kAndroid,      // 03-17 16:13:38.811  1702  2395 D Tag: text
  kHealthApp,    // 20171223-22:15:29:606|Step_LSC|30002312|text
  kWindowsCbs,   // 2016-09-28 04:30:30, Info    CBS    text
  kLogfmt,       // time=2024-01-02T03:04:05Z level=info msg="text" key=value
  kTimestamped,  // a date and time, with or without [ ], then perhaps a level, then text
  kPlain,        // none of them
};
inline constexpr std::size_t kLogFormats = 18;

[[nodiscard]] std::string_view LevelName(LogLevel level);     // "error"; "unknown"
[[nodiscard]] std::string_view FormatName(LogFormat format);  // "syslog3164"
// By the names above. `ParseLevel` also knows what programs write: WARNING, crit, E, Information.
[[nodiscard]] std::optional<LogFormat> ParseFormat(std::string_view name);
[[nodiscard]] LogLevel ParseLevel(std::string_view word);

// "2024-01-02", "2024-01-02 03:04:05.6" (also with T, and with Z or +02:00) and seconds since the
// epoch, to microseconds since the epoch. Nothing may follow.
[[nodiscard]] std::optional<std::int64_t> ParseTime(std::string_view text);

inline constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();

struct LogLine {
  std::int64_t time_us = kNoTime;  // since the Unix epoch; times without a zone count as UTC
  std::int64_t latency_ns = -1;    // -1: the line names none
  LogLevel level = LogLevel::kUnknown;
  LogFormat format = LogFormat::kPlain;
  std::string_view level_text;  // as it stands in the line; of kAccess the status
  std::string_view source;      // program, class, component, logger; of kAccess the path
  std::string_view host;        // machine, node, client
  std::string_view content;     // what is left; of kPlain the whole line
};

struct LineParserOptions {
  // Syslog's and Android's times have no year: a time gets the latest year with which it is not
  // more than a day after this moment.
  std::int64_t reference_us = 0;
  // The field that holds the latency, where it is not one of the usual ones: "took" finds
  // "took 12 ms", "took=12ms" and {"took":12}. Without a unit: milliseconds.
  std::string latency_key;
};

class LineParser {
 public:
  // Formats that at least one in a hundred of the first lines (at most 1,000) have, and two of them
  // if there are so many. `sample` begins at a line's begin; its last line may be cut.
  [[nodiscard]] static LineParser Detect(std::string_view sample,
                                         const LineParserOptions& options = {});
  explicit LineParser(std::span<const LogFormat> formats, LineParserOptions options = {});

  // `line` without its line end. A line that fits none of the formats is kPlain.
  [[nodiscard]] LogLine Parse(std::string_view line) const;
  // In the order in which they are tried; empty where every line is plain.
  [[nodiscard]] std::span<const LogFormat> formats() const { return formats_; }

 private:
  struct Date {
    std::int32_t year = 1970;
    std::int32_t month = 1;
    std::int32_t day = 1;
  };
  std::vector<LogFormat> formats_;
  LineParserOptions options_;
  Date last_date_;  // that a time without a year may have
  // For each first byte of a line the formats that such a line may have, bit by LogFormat.
  std::array<std::uint32_t, 256> by_first_byte_{};
};

}  // namespace assay::logs
