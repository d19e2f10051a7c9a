// assay logs tail
#include <csignal>
#include <ctime>
#include <memory>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/logs/follow.h"
#include "assay/logs/search.h"
#include "assay/text/utf8.h"

#include "logs/log_options.h"
#include "logs/logs_commands.h"

namespace assay::cli {
namespace {

struct Options {
  LogFileOptions lines;
  std::string file;
  std::string level;
  std::vector<std::string> patterns;
  std::size_t last = 10;
  bool regex = false;
  bool follow = false;
  bool json = false;
};

// Set by a signal, read by the loop; lock-free, and nothing else goes with it.
volatile std::sig_atomic_t stop_asked = 0;

void AskToStop(int /*signal*/) {
  stop_asked = 1;
}

Result<logs::SearchOptions> FilterOptionsOf(const Options& options) {
  logs::SearchOptions out;
  for (const std::string& one : options.patterns) {
    out.patterns.push_back(
        {.text = one,
         .kind = options.regex ? text::PatternKind::kRegex : text::PatternKind::kLiteral});
  }
  // Every line is read, so that it can be coloured by its level.
  out.least_level = logs::LogLevel::kUnknown;
  if (!options.level.empty()) {
    ASSAY_ASSIGN(out.least_level, LevelOf(options.level));
  }
  ASSAY_ASSIGN(out.since_us, MomentOf(options.lines.since));
  ASSAY_ASSIGN(out.until_us, MomentOf(options.lines.until));
  ASSAY_ASSIGN(out.format, FormatOf(options.lines));
  out.parser.reference_us = ReferenceUs({options.file});
  return out;
}

class Tail {
 public:
  Tail(const Options& options, logs::SearchOptions filter_options, logs::LineFilter filter,
       const Painter& paint)
      : json_(options.json),
        options_(std::move(filter_options)),
        filter_(std::move(filter)),
        paint_(paint) {}

  void Take(std::string_view lines) {
    if (!parser_ || parser_->formats().empty()) {
      parser_ = options_.format ? logs::LineParser({&*options_.format, 1}, options_.parser)
                                : logs::LineParser::Detect(lines, options_.parser);
    }
    logs::SplitLines(lines, spans_);
    filter_.Apply(*parser_, lines, spans_, found_, levels_, hits_);
    std::string out;
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      if (found_[i] != 0) Add(spans_[i].of(lines), levels_[i], out);
    }
    std::fwrite(out.data(), 1, out.size(), stdout);
    std::fflush(stdout);
  }

 private:
  void Add(std::string_view line, logs::LogLevel level, std::string& out) const {
    if (json_) {
      out += boost::json::serialize(
          boost::json::object{{"level", LevelName(level)}, {"text", text::RepairUtf8(line)}});
    } else {
      const std::string text = PrintableLine(line);
      out += level >= logs::LogLevel::kError   ? paint_.Red(text)
             : level == logs::LogLevel::kWarn  ? paint_.Yellow(text)
             : level == logs::LogLevel::kDebug ? paint_.Dim(text)
             : level == logs::LogLevel::kTrace ? paint_.Dim(text)
                                               : text;
    }
    out += '\n';
  }

  bool json_;
  logs::SearchOptions options_;
  logs::LineFilter filter_;
  const Painter& paint_;
  std::optional<logs::LineParser> parser_;
  std::vector<text::Span> spans_;
  std::vector<char> found_;
  std::vector<logs::LogLevel> levels_;
  std::vector<std::uint64_t> hits_;
};

Result<int> Run(const Options& options, ColorMode color) {
  constexpr std::timespec kBetweenLooks = {0, 100'000'000};
  ASSAY_ASSIGN(logs::SearchOptions filter_options, FilterOptionsOf(options));
  ASSAY_ASSIGN(logs::LineFilter filter, logs::LineFilter::Create(filter_options));
  const Painter paint(color, STDOUT_FILENO);
  Tail tail(options, std::move(filter_options), std::move(filter), paint);
  if (!options.follow && ::access(options.file.c_str(), F_OK) != 0) {
    return Fail(Code::kNotFound, fmt::format("cannot open '{}': no such file or directory; check "
                                             "the path, or wait for it with -f",
                                             options.file));
  }
  logs::LogFollower follower(options.file, options.last);
  std::signal(SIGINT, AskToStop);
  std::signal(SIGTERM, AskToStop);
  do {
    ASSAY_TRY(follower.Poll([&](std::string_view lines) { tail.Take(lines); }));
    if (options.follow && stop_asked == 0) ::nanosleep(&kBetweenLooks, nullptr);
  } while (options.follow && stop_asked == 0);
  return kExitSuccess;
}

}  // namespace

void AddLogsTailCommand(CLI::App& logs, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      logs.add_subcommand("tail", "The last lines of a log, and with -f those that come");
  command->add_option("file", options->file, "A plain log")->required()->option_text("FILE");
  command->add_flag("-f,--follow", options->follow,
                    "Go on with what is written, also to the file that rotation puts in its place");
  command->add_option("-n,--lines", options->last, "Begin with so many of the last lines")
      ->capture_default_str();
  command->add_option("--level", options->level, "Only lines at least as bad: warn, error, ...")
      ->option_text("LEVEL");
  command->add_option("--pattern", options->patterns, "Only lines that have this text, any case")
      ->option_text("TEXT");
  command->add_flag("--regex", options->regex, "The patterns are regular expressions");
  AddLogLineOptions(*command, options->lines);
  command->add_flag("--json", options->json, "Print one JSON object for each line");
  command->footer(
      "Examples:\n"
      "  assay logs tail -f /var/log/app.log --level warn\n"
      "  assay logs tail app.log -n 1000 --pattern timeout --pattern refused");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
