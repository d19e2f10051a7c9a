#include <algorithm>
#include <utility>

#include "assay/core/parallel.h"
#include "assay/logs/analysis.h"

#include "analysis/block_counts.h"
#include "analysis/template_counts.h"
#include "read/parsed_blocks.h"

namespace assay::logs {
namespace {

using internal::BlockCounts;
using internal::CountPlan;
using internal::TemplateCounts;

struct CountedBlock : internal::ParsedBlock {
  BlockCounts counts;
};

LogAnalysis CountBlocks(LogReader& reader, const AnalysisOptions& options, const CountPlan& plan) {
  internal::ParsedBlocks<CountedBlock> input(reader, [&](std::string_view first) {
    return options.format ? LineParser({&*options.format, 1}, options.parser)
                          : LineParser::Detect(first, options.parser);
  });
  BlockCounts total;
  TemplateCounts templates(options.miner);
  for (auto blocks = input.Next(); !blocks.empty(); blocks = input.Next()) {
    core::ParallelFor(blocks.size(), 1, [&](std::size_t begin, std::size_t end) {
      for (CountedBlock& one : blocks.subspan(begin, end - begin)) {
        one.counts.ClearBlock();
        one.counts.Count(plan, *one.parser, one.block.lines);
      }
    });
    // Adding up in the order of the blocks makes sources beyond the limit, and sums of floating
    // point, the same for any number of threads.
    for (const CountedBlock& one : blocks) {
      total.MergeBlock(one.counts);
      if (options.miner != nullptr) templates.Add(one.counts.contents());
    }
    if (options.progress) options.progress(reader.bytes());
  }
  for (const CountedBlock& one : input.all()) total.MergeTimes(one.counts);
  LogAnalysis out = total.Result();
  if (options.miner != nullptr) out.templates = templates.Result();
  return out;
}

}  // namespace

Result<LogAnalysis> Analyze(LogReader& reader, const AnalysisOptions& options) {
  CountPlan plan{.options = &options};
  plan.contents = options.miner != nullptr;
  std::optional<LevelWords> words;
  if (options.level_words) {
    ASSAY_ASSIGN(words, LevelWords::Create());
    plan.words = &*words;
  }
  std::optional<text::PatternSet> patterns;
  if (!options.patterns.empty()) {
    ASSAY_ASSIGN(patterns, text::PatternSet::Compile(options.patterns));
    plan.patterns = &*patterns;
  }
  LogAnalysis out = CountBlocks(reader, options, plan);
  out.bytes = reader.bytes();
  out.cut_lines = reader.cut_lines();
  out.pattern_lines.resize(options.patterns.size());
  out.error_bursts = FindBursts(out.series, ErrorCounts(out.series));
  out.rate_changes = FindRateChanges(out.series, AllCounts(out.series));
  return out;
}

}  // namespace assay::logs
