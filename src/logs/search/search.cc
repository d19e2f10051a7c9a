#include "assay/logs/search.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <span>
#include <string>
#include <utility>

#include "assay/core/parallel.h"

#include "read/parsed_blocks.h"

namespace assay::logs {
namespace {

struct SearchedBlock : internal::ParsedBlock {
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
      : input_(reader,
               [&](std::string_view first) {
                 if (!filter.reads_lines()) return LineParser({}, options.parser);
                 if (options.format) return LineParser({&*options.format, 1}, options.parser);
                 return LineParser::Detect(first, options.parser);
               }),
        filter_(filter),
        output_(output) {
    counts_.by_pattern.resize(options.patterns.size());
    counts_.by_file.resize(reader.paths().size());
  }

  SearchCounts Run() {
    bool wanted = true;
    while (wanted) {
      const std::span<SearchedBlock> blocks = input_.Next();
      if (blocks.empty()) break;
      core::ParallelFor(blocks.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (SearchedBlock& one : blocks.subspan(begin, end - begin)) {
          SplitLines(one.block.lines, one.spans);
          filter_.Apply(*one.parser, one.block.lines, one.spans, one.found, one.levels, one.hits);
        }
      });
      for (std::size_t i = 0; i < blocks.size() && wanted; ++i) wanted = TakeBlock(blocks[i]);
    }
    return std::move(counts_);
  }

 private:
  bool TakeBlock(const SearchedBlock& one) {
    if (one.block.file != taken_file_) {
      taken_file_ = one.block.file;
      line_ = 0;
      if (output_ != nullptr) output_->BeginFile();
    }
    const std::size_t words = filter_.words_per_line();
    for (std::size_t i = 0; i < one.spans.size(); ++i) {
      ++line_;
      ++counts_.lines;
      FoundLine line{one.block.file, line_, one.spans[i].of(one.block.lines), one.levels[i], true};
      if (one.found[i] == 0) {
        if (output_ != nullptr && !output_->Other(line)) return false;
        continue;
      }
      ++counts_.found;
      ++counts_.by_file[one.block.file];
      for (std::size_t w = 0; w < words; ++w) {
        for (std::uint64_t rest = one.hits[i * words + w]; rest != 0; rest &= rest - 1) {
          ++counts_.by_pattern[w * 64 + static_cast<std::size_t>(std::countr_zero(rest))];
        }
      }
      if (output_ != nullptr && !output_->Found(line)) return false;
    }
    return true;
  }

  internal::ParsedBlocks<SearchedBlock> input_;
  const LineFilter& filter_;
  Output* output_;
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
