#include "assay/logs/search.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "assay/core/parallel.h"

namespace assay::logs {
namespace {

struct Job {
  LogBlock block;
  std::shared_ptr<const LineParser> parser;
  std::vector<text::Span> spans;
  std::vector<char> found;
  std::vector<LogLevel> levels;
  std::vector<std::uint64_t> hits;
};

// Hands lines out with their context. Lines before are kept as copies: their block may be gone.
class Output {
 public:
  Output(const std::function<bool(const FoundLine&)>& take, std::size_t before, std::size_t after)
      : take_(take), before_(before), after_(after) {}

  void BeginFile() {
    kept_.clear();
    follow_ = 0;
  }
  // False: nothing more is wanted.
  [[nodiscard]] bool Found(const FoundLine& line) {
    for (const auto& [number, text] : kept_) {
      if (!take_({line.file, number, text, LogLevel::kUnknown, false})) return false;
    }
    kept_.clear();
    follow_ = after_;
    return take_(line);
  }
  [[nodiscard]] bool Other(FoundLine line) {
    line.found = false;
    if (follow_ > 0) {
      --follow_;
      return take_(line);
    }
    if (before_ == 0) return true;
    if (kept_.size() == before_) kept_.pop_front();
    kept_.emplace_back(line.line, line.text);
    return true;
  }

 private:
  const std::function<bool(const FoundLine&)>& take_;
  std::size_t before_;
  std::size_t after_;
  std::size_t follow_ = 0;
  std::deque<std::pair<std::uint64_t, std::string>> kept_;
};

class Searching {
 public:
  Searching(LogReader& reader, const SearchOptions& options, const LineFilter& filter,
            Output* output)
      : reader_(reader), options_(options), filter_(filter), output_(output) {
    const std::size_t threads = core::Parallelism();
    jobs_.resize(threads > 1 ? 2 * threads : 1);
    counts_.by_pattern.resize(options.patterns.size());
    counts_.by_file.resize(reader.paths().size());
  }

  SearchCounts Run() {
    bool wanted = true;
    while (wanted) {
      const std::size_t filled = FillJobs();
      if (filled == 0) break;
      core::ParallelFor(filled, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
          Job& job = jobs_[i];
          SplitLines(job.block.lines, job.spans);
          filter_.Apply(*job.parser, job.block.lines, job.spans, job.found, job.levels, job.hits);
        }
      });
      for (std::size_t i = 0; i < filled && wanted; ++i) wanted = TakeBlock(jobs_[i]);
    }
    return std::move(counts_);
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
    if (!filter_.reads_lines()) return LineParser({}, options_.parser);
    if (options_.format) return LineParser({&*options_.format, 1}, options_.parser);
    return LineParser::Detect(sample, options_.parser);
  }

  bool TakeBlock(const Job& job) {
    if (job.block.file != taken_file_) {
      taken_file_ = job.block.file;
      line_ = 0;
      if (output_ != nullptr) output_->BeginFile();
    }
    const std::size_t words = filter_.words_per_line();
    for (std::size_t i = 0; i < job.spans.size(); ++i) {
      ++line_;
      ++counts_.lines;
      FoundLine line{job.block.file, line_, job.spans[i].of(job.block.lines), job.levels[i], true};
      if (job.found[i] == 0) {
        if (output_ != nullptr && !output_->Other(line)) return false;
        continue;
      }
      ++counts_.found;
      ++counts_.by_file[job.block.file];
      for (std::size_t w = 0; w < words; ++w) {
        for (std::uint64_t rest = job.hits[i * words + w]; rest != 0; rest &= rest - 1) {
          ++counts_.by_pattern[w * 64 + static_cast<std::size_t>(std::countr_zero(rest))];
        }
      }
      if (output_ != nullptr && !output_->Found(line)) return false;
    }
    return true;
  }

  LogReader& reader_;
  const SearchOptions& options_;
  const LineFilter& filter_;
  Output* output_;
  std::vector<Job> jobs_;
  std::shared_ptr<const LineParser> parser_;
  std::size_t file_ = 0;
  std::size_t taken_file_ = ~std::size_t{0};
  std::uint64_t line_ = 0;
  SearchCounts counts_;
};

}  // namespace

LineFilter::LineFilter(SearchOptions options, std::optional<text::PatternSet> set, LevelWords words)
    : options_(std::move(options)), set_(std::move(set)), words_(std::move(words)) {
  reads_lines_ = options_.least_level.has_value() || options_.since_us.has_value() ||
                 options_.until_us.has_value();
}

Result<LineFilter> LineFilter::Create(const SearchOptions& options) {
  std::optional<text::PatternSet> set;
  if (!options.patterns.empty()) {
    ASSAY_ASSIGN(set, text::PatternSet::Compile(options.patterns));
  }
  ASSAY_ASSIGN(LevelWords words, LevelWords::Create());
  return LineFilter(options, std::move(set), std::move(words));
}

std::size_t LineFilter::words_per_line() const {
  return set_ ? set_->words_per_text() : 0;
}

void LineFilter::Apply(const LineParser& parser, std::string_view block,
                       std::span<const text::Span> spans, std::vector<char>& found,
                       std::vector<LogLevel>& levels, std::vector<std::uint64_t>& hits) const {
  const std::size_t words = words_per_line();
  found.assign(spans.size(), 1);
  levels.assign(spans.size(), LogLevel::kUnknown);
  hits.resize(spans.size() * words);
  if (set_) {
    set_->MatchBatch(block, spans, hits);
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const auto* const row = hits.data() + i * words;
      const bool any = std::any_of(row, row + words, [](std::uint64_t bits) { return bits != 0; });
      found[i] = any != options_.invert ? 1 : 0;
    }
  }
  if (!reads_lines_) return;
  const std::int64_t since = options_.since_us.value_or(kNoTime);
  const std::int64_t until = options_.until_us.value_or(std::numeric_limits<std::int64_t>::max());
  const bool window = options_.since_us.has_value() || options_.until_us.has_value();
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (found[i] == 0) continue;
    const LogLine line = parser.Parse(spans[i].of(block));
    levels[i] = line.level == LogLevel::kUnknown ? words_.Of(line.content) : line.level;
    const bool in_window =
        !window || (line.time_us != kNoTime && line.time_us >= since && line.time_us < until);
    const bool bad_enough = !options_.least_level || levels[i] >= *options_.least_level;
    found[i] = in_window && bad_enough ? 1 : 0;
  }
}

Result<SearchCounts> Search(LogReader& reader, const SearchOptions& options,
                            const std::function<bool(const FoundLine&)>& take, std::size_t before,
                            std::size_t after) {
  ASSAY_ASSIGN(const LineFilter filter, LineFilter::Create(options));
  Output output(take, before, after);
  return Searching(reader, options, filter, take ? &output : nullptr).Run();
}

}  // namespace assay::logs
