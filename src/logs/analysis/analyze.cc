#include <algorithm>
#include <memory>
#include <utility>

#include "assay/core/parallel.h"
#include "assay/logs/analysis.h"

#include "analysis/block_counts.h"
#include "analysis/template_counts.h"

namespace assay::logs {
namespace {

using internal::BlockCounts;
using internal::CountPlan;
using internal::TemplateCounts;

// A block that waits to be counted.
struct Job {
  LogBlock block;
  std::shared_ptr<const LineParser> parser;
  BlockCounts counts;
};

class Counting {
 public:
  Counting(LogReader& reader, const AnalysisOptions& options, const CountPlan& plan)
      : reader_(reader), options_(options), plan_(plan), templates_(options.miner) {
    const std::size_t threads = core::Parallelism();
    // Two blocks for each thread even out blocks of unequal cost.
    jobs_.resize(threads > 1 ? 2 * threads : 1);
  }

  LogAnalysis Run() {
    while (const std::size_t filled = FillJobs()) {
      core::ParallelFor(filled, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
          Job& job = jobs_[i];
          job.counts.Clear();
          job.counts.Count(plan_, *job.parser, job.block.lines);
        }
      });
      // Adding up in the order of the blocks makes sources beyond the limit, and sums of floating
      // point, the same for any number of threads.
      for (std::size_t i = 0; i < filled; ++i) {
        total_.Merge(jobs_[i].counts);
        if (options_.miner != nullptr) templates_.Add(jobs_[i].counts.contents());
      }
      if (options_.progress) options_.progress(reader_.bytes());
    }
    LogAnalysis out = total_.Result();
    if (options_.miner != nullptr) out.templates = templates_.Result();
    return out;
  }

 private:
  std::size_t FillJobs() {
    std::size_t filled = 0;
    while (filled < jobs_.size() && reader_.Next(jobs_[filled].block)) {
      Job& job = jobs_[filled++];
      if (parser_ == nullptr || job.block.file != file_) {
        file_ = job.block.file;
        parser_ = std::make_shared<const LineParser>(ParserFor(job.block.lines));
      }
      job.parser = parser_;
    }
    return filled;
  }

  [[nodiscard]] LineParser ParserFor(std::string_view sample) const {
    if (options_.format) return LineParser({&*options_.format, 1}, options_.parser);
    return LineParser::Detect(sample, options_.parser);
  }

  LogReader& reader_;
  const AnalysisOptions& options_;
  const CountPlan& plan_;
  std::vector<Job> jobs_;
  std::shared_ptr<const LineParser> parser_;
  std::size_t file_ = 0;
  BlockCounts total_;
  TemplateCounts templates_;
};

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
  LogAnalysis out = Counting(reader, options, plan).Run();
  out.bytes = reader.bytes();
  out.cut_lines = reader.cut_lines();
  out.pattern_lines.resize(options.patterns.size());
  out.error_bursts = FindBursts(out.series, ErrorCounts(out.series));
  out.rate_changes = FindRateChanges(out.series, AllCounts(out.series));
  return out;
}

}  // namespace assay::logs
