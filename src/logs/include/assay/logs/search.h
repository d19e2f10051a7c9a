// assay/logs/search.h: the lines of a log that have one of many patterns.
// Room: logs (uses core, text).  Threads: Search works on core's threads and belongs to one caller;
// lines come in their order, whatever the number of threads.
// Method: text::PatternSet over blocks of lines: one pass for all patterns together.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/logs/analysis.h"
#include "assay/logs/log_format.h"
#include "assay/logs/log_reader.h"
#include "assay/text/pattern_set.h"

namespace assay::logs {

struct SearchOptions {
  std::vector<text::Pattern> patterns;  // a line with any of them is found; none: every line
  bool invert = false;                  // lines with none of them instead
  // Only lines at least as bad. A level by words counts where the format has none.
  std::optional<LogLevel> least_level;
  std::optional<std::int64_t> since_us;  // as in AnalysisOptions
  std::optional<std::int64_t> until_us;
  std::optional<LogFormat> format;
  LineParserOptions parser;
};

struct FoundLine {
  std::size_t file = 0;                 // index into the reader's paths
  std::uint64_t line = 0;               // of the file, from 1
  std::string_view text;                // valid during the call
  LogLevel level = LogLevel::kUnknown;  // where least_level was asked for, else unknown
  bool found = true;                    // false: context around a line that is
};

struct SearchCounts {
  std::vector<std::uint64_t> by_pattern;  // lines that have each, of those that are found
  std::vector<std::uint64_t> by_file;     // lines found
  std::uint64_t lines = 0;                // searched
  std::uint64_t found = 0;
};

// Whether single lines fit: what Search and `tail` ask for each line. Immutable after Create.
class LineFilter {
 public:
  // Errors: those of PatternSet::Compile.
  [[nodiscard]] static Result<LineFilter> Create(const SearchOptions& options);

  // Of the lines `spans` of `block`: levels and whether each is found. Shape: found [spans.size()];
  // levels and hits are overwritten; hits [spans.size() * words_per_line()] as in PatternSet.
  void Apply(const LineParser& parser, std::string_view block, std::span<const text::Span> spans,
             std::vector<char>& found, std::vector<LogLevel>& levels,
             std::vector<std::uint64_t>& hits) const;
  [[nodiscard]] std::size_t words_per_line() const;
  // A level is asked for, or a time: lines have to be parsed.
  [[nodiscard]] bool reads_lines() const { return reads_lines_; }

 private:
  LineFilter(SearchOptions options, std::optional<text::PatternSet> set, LevelWords words);
  SearchOptions options_;
  std::optional<text::PatternSet> set_;
  LevelWords words_;
  bool reads_lines_ = false;
};

// Calls take(line) for every line that is found, in their order, until it returns false; null: they
// are only counted. `before` and `after` are lines of context of the same file, handed out once
// each. Errors: those of PatternSet::Compile. Files that break off are in reader.problems().
[[nodiscard]] Result<SearchCounts> Search(LogReader& reader, const SearchOptions& options,
                                          const std::function<bool(const FoundLine&)>& take,
                                          std::size_t before = 0, std::size_t after = 0);

}  // namespace assay::logs
