// assay logs search
#include <iterator>
#include <memory>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/parallel.h"
#include "assay/logs/search.h"
#include "assay/text/utf8.h"

#include "json_output.h"
#include "logs/log_options.h"
#include "logs/logs_commands.h"

namespace assay::cli {
namespace {

constexpr std::size_t kFlushBytes = 1 << 16;

struct Options {
  LogFileOptions files;
  std::string pattern;
  std::vector<std::string> more;
  std::string level;
  std::string fail_on;
  std::size_t threads = 0;
  std::size_t before = 0;
  std::size_t after = 0;
  std::size_t context = 0;
  std::uint64_t most = 0;
  bool regex = false;
  bool match_case = false;
  bool word = false;
  bool invert = false;
  bool count = false;
  bool numbers = false;
  bool json = false;
};

Result<logs::SearchOptions> SearchOptionsOf(const Options& options,
                                            const std::vector<std::string>& paths) {
  logs::SearchOptions out;
  std::vector<std::string> texts = options.more;
  texts.insert(texts.begin(), options.pattern);
  for (const std::string& one : texts) {
    if (one.empty() && texts.size() == 1) break;  // every line
    out.patterns.push_back(
        {.text = one,
         .kind = options.regex ? text::PatternKind::kRegex : text::PatternKind::kLiteral,
         .ignore_case = !options.match_case,
         .whole_word = options.word && !options.regex});
  }
  out.invert = options.invert;
  if (!options.level.empty()) {
    ASSAY_ASSIGN(out.least_level, LevelOf(options.level));
  }
  ASSAY_ASSIGN(out.since_us, MomentOf(options.files.since));
  ASSAY_ASSIGN(out.until_us, MomentOf(options.files.until));
  ASSAY_ASSIGN(out.format, FormatOf(options.files));
  out.parser.reference_us = ReferenceUs(paths);
  return out;
}

class Printer {
 public:
  Printer(const Options& options, const std::vector<std::string>& paths, const Painter& paint)
      : options_(options), paths_(paths), paint_(paint) {}
  ~Printer() { Flush(); }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  // False after the last line that is wanted.
  bool Take(const logs::FoundLine& line) {
    if (options_.json) {
      AddJson(line);
    } else {
      AddText(line);
    }
    if (out_.size() >= kFlushBytes) Flush();
    if (line.found) ++found_;
    return options_.most == 0 || found_ < options_.most;
  }

 private:
  void AddText(const logs::FoundLine& line) {
    const bool context = options_.before + options_.after + options_.context > 0;
    if (context && last_line_ != 0 && (line.line != last_line_ + 1 || line.file != last_file_)) {
      out_ += "--\n";
    }
    last_line_ = line.line;
    last_file_ = line.file;
    const char mark = line.found ? ':' : '-';
    if (paths_.size() > 1) out_ += paint_.Dim(fmt::format("{}{}", paths_[line.file], mark));
    if (options_.numbers) out_ += paint_.Dim(fmt::format("{}{}", line.line, mark));
    const std::string text = PrintableLine(line.text);
    out_ += line.level >= logs::LogLevel::kError  ? paint_.Red(text)
            : line.level == logs::LogLevel::kWarn ? paint_.Yellow(text)
                                                  : text;
    out_ += '\n';
  }

  void AddJson(const logs::FoundLine& line) {
    boost::json::object object{{"file", text::RepairUtf8(paths_[line.file])},
                               {"line", line.line},
                               {"text", text::RepairUtf8(line.text)}};
    if (!line.found) object["context"] = true;
    if (line.level != logs::LogLevel::kUnknown) object["level"] = LevelName(line.level);
    out_ += boost::json::serialize(object) + "\n";
  }

  void Flush() {
    std::fwrite(out_.data(), 1, out_.size(), stdout);
    out_.clear();
  }

  const Options& options_;
  const std::vector<std::string>& paths_;
  const Painter& paint_;
  std::string out_;
  std::uint64_t found_ = 0;
  std::uint64_t last_line_ = 0;
  std::size_t last_file_ = 0;
};

void PrintCounts(const Options& options, const logs::SearchOptions& search,
                 const logs::SearchCounts& counts, const std::vector<std::string>& paths) {
  if (!options.json) {
    for (std::size_t i = 0; i < paths.size(); ++i) {
      fmt::print("{}{}\n", paths.size() > 1 ? paths[i] + ":" : "", counts.by_file[i]);
    }
    return;
  }
  boost::json::array patterns;
  for (std::size_t i = 0; i < search.patterns.size(); ++i) {
    patterns.push_back(
        {{"pattern", text::RepairUtf8(search.patterns[i].text)}, {"lines", counts.by_pattern[i]}});
  }
  boost::json::array files;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    files.push_back({{"file", text::RepairUtf8(paths[i])}, {"found", counts.by_file[i]}});
  }
  fmt::print("{}", PrettyJson({{"lines", counts.lines},
                               {"found", counts.found},
                               {"patterns", std::move(patterns)},
                               {"files", std::move(files)}}));
}

Result<int> Run(const Options& options, ColorMode color) {
  std::optional<core::ThreadLimit> limit;
  if (options.threads > 0) limit.emplace(options.threads);
  ASSAY_ASSIGN(const std::vector<std::string> paths, LogPaths(options.files));
  ASSAY_ASSIGN(const logs::SearchOptions search, SearchOptionsOf(options, paths));
  logs::LogReader reader(paths);
  const Painter paint(color, STDOUT_FILENO);
  logs::SearchCounts counts;
  {
    Printer printer(options, paths, paint);
    std::function<bool(const logs::FoundLine&)> take;
    if (!options.count) take = [&](const logs::FoundLine& line) { return printer.Take(line); };
    ASSAY_ASSIGN(counts,
                 logs::Search(reader, search, take, std::max(options.before, options.context),
                              std::max(options.after, options.context)));
  }
  if (options.count) PrintCounts(options, search, counts, paths);
  const int code = ReportLogProblems(reader, color);
  if (code != kExitSuccess) return code;
  const bool met = (options.fail_on == "found" && counts.found > 0) ||
                   (options.fail_on == "missing" && counts.found == 0);
  return met ? kExitFindings : kExitSuccess;
}

void AddOptions(CLI::App& command, Options& options) {
  command.add_option("pattern", options.pattern, "Text to look for, any case; '' is every line")
      ->required();
  AddLogFileOptions(command, options.files);
  command.add_option("-e,--also", options.more, "Another text; a line with any of them is found")
      ->take_all()
      ->allow_extra_args(false)
      ->option_text("TEXT");
  command.add_flag("--regex", options.regex, "The texts are regular expressions");
  command.add_flag("--case", options.match_case, "Upper and lower case differ");
  command.add_flag("-w,--word", options.word, "Whole words only");
  command.add_flag("-v,--invert", options.invert, "Lines that have none of the texts");
  command.add_option("--level", options.level, "Only lines at least as bad: warn, error, ...")
      ->option_text("LEVEL");
  command.add_flag("-c,--count", options.count, "Print how many lines there are, not the lines");
  command.add_flag("-n,--line-number", options.numbers, "Print the number of each line");
  command.add_option("-m,--max", options.most, "Stop after so many lines")
      ->check(CLI::PositiveNumber);
  command.add_option("-B,--before", options.before, "Lines of context before");
  command.add_option("-A,--after", options.after, "Lines of context after");
  command.add_option("-C,--context", options.context, "Lines of context before and after");
  command.add_option("--threads", options.threads, "Threads to use (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--fail-on", options.fail_on,
                  "Exit with 1 when a line is found, or when none is (missing)")
      ->check(CLI::IsMember({"found", "missing"}));
  command.add_flag("--json", options.json, "Print one JSON object for each line, or one with -c");
}

}  // namespace

void AddLogsSearchCommand(CLI::App& logs, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = logs.add_subcommand(
      "search", "The lines that have one of many texts or expressions, of a level, in a time");
  AddOptions(*command, *options);
  command->footer(
      "Examples:\n"
      "  assay logs search timeout app.log --rotated --level error -n\n"
      "  assay logs search 'user [0-9]+ denied' 'auth.log*' --regex -C 2\n"
      "  assay logs search refused -e 'timed out' -e reset app.log.gz -c --json\n"
      "  assay logs search '' app.log --since 15m --level warn --fail-on found");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
