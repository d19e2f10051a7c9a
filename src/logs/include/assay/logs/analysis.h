// assay/logs/analysis.h: what is in a log: levels, times, sources, latencies, bursts.
// Room: logs (uses core, text).  Threads: Analyze works on core's threads (core::ThreadLimit bounds
// them) and belongs to one caller; the answer does not depend on their number.
// Method: blocks of whole lines are counted apart and their counts are added in the order of the
// blocks; memory is a few blocks and the distinct sources, whatever the size of the log.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "assay/core/result.h"
#include "assay/logs/log_format.h"
#include "assay/logs/log_reader.h"
#include "assay/logs/rates.h"
#include "assay/logs/template_miner.h"
#include "assay/text/pattern_set.h"

namespace assay::logs {

// Distinct sources that are told apart; further ones are counted together.
inline constexpr std::size_t kMaxSources = 65'536;

struct AnalysisOptions {
  std::optional<LogFormat> format;  // for every file; none: found by itself for each file
  LineParserOptions parser;
  // A line whose format has no level gets one from its words: fatal, panic, critical; error,
  // failed, failure, severe, ...exception, ...error:; warn, warning, deprecated (whole words, any
  // case, the worst wins). Off: it stays unknown.
  bool level_words = true;
  std::vector<text::Pattern> patterns;  // counted: lines that have them
  // Lines before or from this moment on are left out, as are lines without a time.
  std::optional<std::int64_t> since_us;
  std::optional<std::int64_t> until_us;
  // Learns the templates of the lines' contents where it is set; it may know some already.
  TemplateMiner* miner = nullptr;
  // Bytes read so far, decompressed; called by the caller's thread between blocks.
  std::function<void(std::uint64_t)> progress;
};

struct SourceCount {
  std::string source;
  std::uint64_t lines = 0;
  std::uint64_t errors = 0;  // and worse

  friend bool operator==(const SourceCount&, const SourceCount&) = default;
};

// Log-linear as in HdrHistogram (Tene): 32 steps in each power of two, so a quantile is at most 1.6
// % off, and never above the maximum.
struct LatencySummary {
  std::uint64_t lines = 0;  // that name one
  double mean_ns = 0;
  std::int64_t min_ns = 0;
  std::int64_t p50_ns = 0;
  std::int64_t p90_ns = 0;
  std::int64_t p95_ns = 0;
  std::int64_t p99_ns = 0;
  std::int64_t p999_ns = 0;
  std::int64_t max_ns = 0;

  friend bool operator==(const LatencySummary&, const LatencySummary&) = default;
};

// A template that lines of this log have.
struct LogTemplate {
  std::uint64_t id = 0;  // the miner's
  std::string text;
  std::uint64_t lines = 0;       // of this log
  std::uint64_t first_line = 0;  // the first of them; lines count from 1, over all files
  std::int64_t first_us = kNoTime;
  LogLevel worst_level = LogLevel::kUnknown;
  bool known = false;  // the miner had it before

  friend bool operator==(const LogTemplate&, const LogTemplate&) = default;
};

struct LogAnalysis {
  std::uint64_t bytes = 0;      // decompressed
  std::uint64_t lines = 0;      // that are counted below
  std::uint64_t left_out = 0;   // outside of since and until
  std::uint64_t cut_lines = 0;  // longer than a block
  std::array<std::uint64_t, kLogLevels> by_level{};
  std::array<std::uint64_t, kLogFormats> by_format{};
  std::uint64_t without_time = 0;
  std::int64_t first_us = kNoTime;
  std::int64_t last_us = kNoTime;
  TimeSeries series;
  std::vector<SourceCount> sources;  // by lines, then by name
  std::uint64_t other_sources = 0;   // lines of sources beyond kMaxSources
  LatencySummary latency;
  std::vector<std::uint64_t> pattern_lines;  // one for each pattern
  std::vector<LogTemplate> templates;        // by id; those that the miner forgot are left out
  std::vector<Burst> error_bursts;
  std::vector<RateChange> rate_changes;

  friend bool operator==(const LogAnalysis&, const LogAnalysis&) = default;
};

// Reads `reader` to its end. Files that break off are in reader.problems(); what was read of them
// is counted. Errors: kInvalidArgument for a bad pattern.
[[nodiscard]] Result<LogAnalysis> Analyze(LogReader& reader, const AnalysisOptions& options = {});

// The level that a text has by its words, as AnalysisOptions::level_words says.
class LevelWords {
 public:
  [[nodiscard]] static Result<LevelWords> Create();

  [[nodiscard]] LogLevel Of(std::string_view text) const;
  // Of many pieces of one buffer; see PatternSet::MatchBatch. `bits` is room that is used again.
  void OfAll(std::string_view buffer, std::span<const text::Span> pieces,
             std::vector<std::uint64_t>& bits, std::span<LogLevel> levels) const;

 private:
  explicit LevelWords(text::PatternSet set) : set_(std::move(set)) {}
  text::PatternSet set_;
};

}  // namespace assay::logs
