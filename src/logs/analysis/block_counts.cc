#include "analysis/block_counts.h"

#include <algorithm>
#include <bit>

namespace assay::logs::internal {
namespace {

// Where a part of `block` stands; an empty one stands at `otherwise`.
text::Span SpanOf(std::string_view part, std::string_view block, std::uint32_t otherwise) {
  if (part.empty()) return {otherwise, otherwise};
  const auto begin = static_cast<std::uint32_t>(part.data() - block.data());
  return {begin, begin + static_cast<std::uint32_t>(part.size())};
}

}  // namespace

void BlockCounts::AddLine(const LogLine& line) {
  ++by_level_[static_cast<std::size_t>(line.level)];
  const bool error = line.level >= LogLevel::kError;
  if (!line.source.empty()) sources_.Add(line.source, 1, error ? 1 : 0);
  if (line.time_us == kNoTime) {
    ++without_time_;
    return;
  }
  times_.Add(line.time_us, line.level);
  if (first_us_ == kNoTime || line.time_us < first_us_) first_us_ = line.time_us;
  last_us_ = std::max(last_us_, line.time_us);
}

void BlockCounts::Count(const CountPlan& plan, const LineParser& parser, std::string_view lines) {
  const AnalysisOptions& options = *plan.options;
  const bool window = options.since_us.has_value() || options.until_us.has_value();
  const std::int64_t since = options.since_us.value_or(kNoTime + 1);
  const std::int64_t until = options.until_us.value_or(std::numeric_limits<std::int64_t>::max());
  SplitLines(lines, spans_);
  counted_.clear();
  pending_.clear();
  pending_spans_.clear();
  contents_.clear();
  for (const text::Span span : spans_) {
    const LogLine line = parser.Parse(span.of(lines));
    if (window && (line.time_us < since || line.time_us >= until)) {
      ++left_out_;
      continue;
    }
    ++lines_;
    ++by_format_[static_cast<std::size_t>(line.format)];
    if (line.latency_ns >= 0) latency_.Add(line.latency_ns);
    if (plan.patterns != nullptr) counted_.push_back(span);
    if (plan.contents) contents_.push_back({line.content, line.time_us, line.level});
    if (line.level == LogLevel::kUnknown && plan.words != nullptr) {
      pending_.push_back({line.time_us, line.source, contents_.size()});
      pending_spans_.push_back(SpanOf(line.content, lines, span.end));
    } else {
      AddLine(line);
    }
  }
  if (!pending_.empty()) AddPending(plan, lines);
  if (plan.patterns != nullptr) AddPatterns(*plan.patterns, lines);
}

void BlockCounts::AddPending(const CountPlan& plan, std::string_view block) {
  levels_.resize(pending_.size());
  plan.words->OfAll(block, pending_spans_, bits_, levels_);
  LogLine line;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    line.time_us = pending_[i].time_us;
    line.source = pending_[i].source;
    line.level = levels_[i];
    if (plan.contents) contents_[pending_[i].content - 1].level = line.level;
    AddLine(line);
  }
}

void BlockCounts::AddPatterns(const text::PatternSet& patterns, std::string_view block) {
  const std::size_t words = patterns.words_per_text();
  pattern_lines_.resize(patterns.pattern_count());
  bits_.resize(counted_.size() * words);
  patterns.MatchBatch(block, counted_, bits_);
  for (std::size_t i = 0; i < bits_.size(); ++i) {
    for (std::uint64_t rest = bits_[i]; rest != 0; rest &= rest - 1) {
      ++pattern_lines_[i % words * 64 + static_cast<std::size_t>(std::countr_zero(rest))];
    }
  }
}

void BlockCounts::MergeBlock(const BlockCounts& other) {
  lines_ += other.lines_;
  left_out_ += other.left_out_;
  for (std::size_t i = 0; i < kLogLevels; ++i) by_level_[i] += other.by_level_[i];
  for (std::size_t i = 0; i < kLogFormats; ++i) by_format_[i] += other.by_format_[i];
  without_time_ += other.without_time_;
  if (other.first_us_ != kNoTime) {
    first_us_ = first_us_ == kNoTime ? other.first_us_ : std::min(first_us_, other.first_us_);
    last_us_ = std::max(last_us_, other.last_us_);
  }
  sources_.Merge(other.sources_);
  latency_.Merge(other.latency_);
  pattern_lines_.resize(std::max(pattern_lines_.size(), other.pattern_lines_.size()));
  for (std::size_t i = 0; i < other.pattern_lines_.size(); ++i) {
    pattern_lines_[i] += other.pattern_lines_[i];
  }
}

void BlockCounts::ClearBlock() {
  lines_ = left_out_ = without_time_ = 0;
  by_level_.fill(0);
  by_format_.fill(0);
  first_us_ = last_us_ = kNoTime;
  sources_.Clear();
  latency_.Clear();
  std::ranges::fill(pattern_lines_, 0);
}

LogAnalysis BlockCounts::Result() const {
  LogAnalysis out;
  out.lines = lines_;
  out.left_out = left_out_;
  out.by_level = by_level_;
  out.by_format = by_format_;
  out.without_time = without_time_;
  out.first_us = first_us_;
  out.last_us = last_us_;
  out.series = times_.Series();
  out.sources = sources_.Sorted();
  out.other_sources = sources_.other_lines();
  out.latency = latency_.Summary();
  out.pattern_lines = pattern_lines_;
  return out;
}

}  // namespace assay::logs::internal
