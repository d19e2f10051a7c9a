#include "logs/log_options.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include <fmt/format.h>
#include <glob.h>
#include <unistd.h>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/text/utf8.h"

#include "command.h"

namespace assay::cli {
namespace {

constexpr std::int64_t kNsPerUs = 1000;
constexpr std::int64_t kUsPerSecond = 1'000'000;

Result<void> AddMatches(const std::string& pattern, std::vector<std::string>& paths) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  for (std::size_t i = 0; status == 0 && i < found.gl_pathc; ++i) {
    paths.emplace_back(found.gl_pathv[i]);
  }
  ::globfree(&found);
  if (status != 0) return Fail(Code::kNotFound, fmt::format("no file matches '{}'", pattern));
  return {};
}

}  // namespace

void AddLogLineOptions(CLI::App& command, LogFileOptions& options) {
  command
      .add_option("--format", options.format,
                  "Format of the lines, such as json, syslog3164, access or plain (default: found "
                  "by itself)")
      ->option_text("NAME");
  command
      .add_option("--since", options.since,
                  "Leave out lines before: 2024-01-02, \"2024-01-02 03:04:05\", or 15m, 2h, 1d ago")
      ->option_text("TIME");
  command.add_option("--until", options.until, "Leave out lines from this moment on")
      ->option_text("TIME");
}

void AddLogFileOptions(CLI::App& command, LogFileOptions& options) {
  command
      .add_option("files", options.files,
                  "Logs, plain, gzip or zstd, or patterns of names; - is standard input")
      ->required()
      ->option_text("FILE...");
  command.add_flag("--rotated", options.rotated,
                   "Also read what log rotation made of each FILE, oldest first");
  AddLogLineOptions(command, options);
}

Result<std::vector<std::string>> LogPaths(const LogFileOptions& options) {
  core::FileSystem& files = core::FileSystem::Real();
  std::vector<std::string> paths;
  for (const std::string& file : options.files) {
    if (options.rotated && file != "-") {
      ASSAY_ASSIGN(const auto set, logs::RotatedSet(files, file));
      paths.insert(paths.end(), set.begin(), set.end());
    } else if (file.find_first_of("*?[") != std::string::npos && !files.Stat(file)) {
      ASSAY_TRY(AddMatches(file, paths));
    } else {
      paths.push_back(file);
    }
  }
  return paths;
}

Result<std::optional<logs::LogFormat>> FormatOf(const LogFileOptions& options) {
  if (options.format.empty()) return std::nullopt;
  const auto format = logs::ParseFormat(options.format);
  if (format) return format;
  std::string names;
  for (std::size_t i = 0; i < logs::kLogFormats; ++i) {
    names += fmt::format("{}{}", i > 0 ? ", " : "", FormatName(static_cast<logs::LogFormat>(i)));
  }
  return Fail(Code::kInvalidArgument,
              fmt::format("there is no format '{}'; these are: {}", options.format, names));
}

Result<std::optional<std::int64_t>> MomentOf(const std::string& text) {
  if (text.empty()) return std::nullopt;
  if (const auto moment = logs::ParseTime(text)) return moment;
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [unit, fault] = std::from_chars(text.data(), end, number);
  constexpr std::string_view kUnits = "smhd";
  constexpr std::int64_t kSeconds[] = {1, 60, 3600, 86'400};
  const std::size_t which =
      fault == std::errc() && unit + 1 == end ? kUnits.find(*unit) : std::string_view::npos;
  constexpr std::int64_t kMostNumber = 1'000'000;
  if (which == std::string_view::npos || number < 0 || number > kMostNumber) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' is no time; write 2024-01-02, \"2024-01-02 03:04:05\" (UTC, or "
                            "with +02:00), or 15m, 2h, 1d for so long ago",
                            text));
  }
  const std::int64_t now_us = core::Clock::Real().wall_ns() / kNsPerUs;
  return now_us - number * kSeconds[which] * kUsPerSecond;
}

Result<logs::LogLevel> LevelOf(const std::string& name) {
  const logs::LogLevel level = logs::ParseLevel(name);
  if (level != logs::LogLevel::kUnknown) return level;
  return Fail(Code::kInvalidArgument,
              fmt::format("there is no level '{}'; these are: trace, debug, info, notice, warn, "
                          "error, fatal",
                          name));
}

std::int64_t ReferenceUs(const std::vector<std::string>& paths) {
  std::int64_t latest_ns = 0;
  for (const std::string& path : paths) {
    const auto stat = core::FileSystem::Real().Stat(path);
    if (!stat) return core::Clock::Real().wall_ns() / kNsPerUs;
    latest_ns = std::max(latest_ns, stat->modified_ns);
  }
  return latest_ns / kNsPerUs;
}

std::string TimeText(std::int64_t seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return fmt::format("{}", seconds);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string PrintableLine(std::string_view text) {
  std::string out = text::RepairUtf8(text);
  std::ranges::replace_if(
      out, [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f'; },
      '?');
  return out;
}

int ReportLogProblems(const logs::LogReader& reader, ColorMode color) {
  const Painter paint(color, STDERR_FILENO);
  int code = kExitSuccess;
  for (const logs::LogProblem& problem : reader.problems()) {
    fmt::print(stderr, "{} {}\n", paint.Red("assay:"), problem.error.message);
    if (code == kExitSuccess) code = core::InfoOf(problem.error.code).exit_code;
  }
  if (reader.cut_lines() > 0) {
    fmt::print(stderr, "assay: {} lines were too long; the begin of each was read\n",
               reader.cut_lines());
  }
  return code;
}

}  // namespace assay::cli
