// What is counted in one block, and the sum of many.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "assay/logs/analysis.h"

#include "analysis/latency_histogram.h"
#include "analysis/source_table.h"
#include "analysis/time_counts.h"

namespace assay::logs::internal {

// Shared by all blocks.
struct CountPlan {
  const AnalysisOptions* options = nullptr;
  const LevelWords* words = nullptr;           // null: levels are not looked for in texts
  const text::PatternSet* patterns = nullptr;  // null: none
  bool contents = false;                       // kept for the templates
};

// A counted line as the templates need it.
struct LineContent {
  std::string_view text;
  std::int64_t time_us = kNoTime;
  LogLevel level = LogLevel::kUnknown;
};

class BlockCounts {
 public:
  // Counts the lines of one block on top of what is there.
  void Count(const CountPlan& plan, const LineParser& parser, std::string_view lines);
  // Adds all but the counts by time, which may grow over many blocks: their sum is the same in any
  // order, and they are larger than a block's other counts together.
  void MergeBlock(const BlockCounts& other);
  // Clears what MergeBlock() adds.
  void ClearBlock();
  void MergeTimes(const BlockCounts& other) { times_.Merge(other.times_); }
  // Of the last Count(), in the order of the lines; valid as long as its block.
  [[nodiscard]] std::span<const LineContent> contents() const { return contents_; }
  // All but what the reader knows.
  [[nodiscard]] LogAnalysis Result() const;

 private:
  struct Pending {  // a line whose level its words decide
    std::int64_t time_us;
    std::string_view source;
    std::size_t content;  // index into contents_
  };
  void AddLine(const LogLine& line);
  void AddPending(const CountPlan& plan, std::string_view block);
  void AddPatterns(const text::PatternSet& patterns, std::string_view block);

  std::uint64_t lines_ = 0;
  std::uint64_t left_out_ = 0;
  std::array<std::uint64_t, kLogLevels> by_level_{};
  std::array<std::uint64_t, kLogFormats> by_format_{};
  std::uint64_t without_time_ = 0;
  std::int64_t first_us_ = kNoTime;
  std::int64_t last_us_ = kNoTime;
  TimeCounts times_;
  SourceTable sources_;
  LatencyHistogram latency_;
  std::vector<std::uint64_t> pattern_lines_;
  std::vector<LineContent> contents_;
  // Room that is used again from block to block.
  std::vector<text::Span> spans_;
  std::vector<text::Span> counted_;
  std::vector<text::Span> pending_spans_;
  std::vector<Pending> pending_;
  std::vector<LogLevel> levels_;
  std::vector<std::uint64_t> bits_;
};

}  // namespace assay::logs::internal
