// What `assay logs analyze`, `search` and `tail` have in common.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "assay/core/result.h"
#include "assay/logs/log_format.h"
#include "assay/logs/log_reader.h"

#include "terminal.h"

namespace assay::cli {

struct LogFileOptions {
  std::vector<std::string> files;
  bool rotated = false;
  std::string format;  // by its name; empty: found by itself
  std::string since;
  std::string until;
};

void AddLogFileOptions(CLI::App& command, LogFileOptions& options);
// --format, --since and --until alone.
void AddLogLineOptions(CLI::App& command, LogFileOptions& options);

// The files to read, in their order: names with * ? or [ that are no file are patterns.
// Errors: kNotFound for a pattern without a file, or a rotated set without one.
[[nodiscard]] Result<std::vector<std::string>> LogPaths(const LogFileOptions& options);

// What --format says. Errors: kInvalidArgument for an unknown name.
[[nodiscard]] Result<std::optional<logs::LogFormat>> FormatOf(const LogFileOptions& options);
// A moment, or so long before now ("15m", "2h", "1d", "30s"); none for an empty text.
[[nodiscard]] Result<std::optional<std::int64_t>> MomentOf(const std::string& text);
// A level by its name. Errors: kInvalidArgument.
[[nodiscard]] Result<logs::LogLevel> LevelOf(const std::string& name);

// What times without a year are seen from: the latest change of the files, else now.
[[nodiscard]] std::int64_t ReferenceUs(const std::vector<std::string>& paths);

// "2024-01-02 03:04:05"
[[nodiscard]] std::string TimeText(std::int64_t seconds);
// UTF-8 without control characters, which could steer a terminal.
[[nodiscard]] std::string PrintableLine(std::string_view text);

// Says on standard error what could not be read; the exit code for it, 0 for nothing.
[[nodiscard]] int ReportLogProblems(const logs::LogReader& reader, ColorMode color);

}  // namespace assay::cli
