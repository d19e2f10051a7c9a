// assay logs analyze
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/parallel.h"
#include "assay/logs/analysis.h"

#include "logs/analysis_report.h"
#include "logs/log_options.h"
#include "logs/logs_commands.h"

namespace assay::cli {
namespace {

struct Options {
  LogFileOptions files;
  std::vector<std::string> literals;
  std::vector<std::string> expressions;
  std::string latency_key;
  std::string html;
  std::string fail_on;
  std::size_t threads = 0;
  std::size_t top = 10;
  bool templates = false;
  bool no_words = false;
  bool json = false;
};

Result<logs::AnalysisOptions> AnalysisOptionsOf(const Options& options,
                                                const std::vector<std::string>& paths) {
  logs::AnalysisOptions out;
  ASSAY_ASSIGN(out.format, FormatOf(options.files));
  ASSAY_ASSIGN(out.since_us, MomentOf(options.files.since));
  ASSAY_ASSIGN(out.until_us, MomentOf(options.files.until));
  out.parser = {ReferenceUs(paths), options.latency_key};
  out.level_words = !options.no_words;
  for (const std::string& one : options.literals) out.patterns.push_back({.text = one});
  for (const std::string& one : options.expressions) {
    out.patterns.push_back({.text = one, .kind = text::PatternKind::kRegex});
  }
  return out;
}

int CodeOf(const Options& options, const logs::LogAnalysis& all) {
  const auto has = [&](logs::LogLevel level) {
    for (auto i = static_cast<std::size_t>(level); i < logs::kLogLevels; ++i) {
      if (all.by_level[i] > 0) return true;
    }
    return false;
  };
  const bool met = (options.fail_on == "error" && has(logs::LogLevel::kError)) ||
                   (options.fail_on == "warn" && has(logs::LogLevel::kWarn)) ||
                   (options.fail_on == "burst" && !all.error_bursts.empty());
  return met ? kExitFindings : kExitSuccess;
}

Result<int> Run(const Options& options, ColorMode color) {
  constexpr double kNsPerSecond = 1e9;
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  std::optional<core::ThreadLimit> limit;
  if (options.threads > 0) limit.emplace(options.threads);
  ASSAY_ASSIGN(const std::vector<std::string> paths, LogPaths(options.files));
  ASSAY_ASSIGN(logs::AnalysisOptions analysis, AnalysisOptionsOf(options, paths));
  std::optional<logs::TemplateMiner> miner;
  if (options.templates) {
    ASSAY_ASSIGN(miner, logs::TemplateMiner::Create());
    analysis.miner = &*miner;
  }
  ProgressBar progress("reading");
  analysis.progress = [&](std::uint64_t bytes) {
    progress.Update(fmt::format("{} MB", bytes >> 20), 0, 0);
  };
  logs::LogReader reader(paths);
  AnalysisReport report{
      .files = paths, .patterns = options.literals, .analysis = {}, .problems = {}};
  report.patterns.insert(report.patterns.end(), options.expressions.begin(),
                         options.expressions.end());
  ASSAY_ASSIGN(report.analysis, logs::Analyze(reader, analysis));
  report.problems = reader.problems();
  report.top = options.top;
  report.templates = options.templates;
  report.seconds =
      static_cast<double>(core::Clock::Real().monotonic_ns() - begin_ns) / kNsPerSecond;
  if (!options.html.empty()) {
    ASSAY_TRY(
        core::WriteFileAtomically(core::FileSystem::Real(), options.html, AnalysisHtml(report)));
  }
  const std::string text =
      options.json ? AnalysisJson(report) : AnalysisText(report, Painter(color, STDOUT_FILENO));
  std::fwrite(text.data(), 1, text.size(), stdout);
  const int code = ReportLogProblems(reader, color);
  return code != kExitSuccess ? code : CodeOf(options, report.analysis);
}

void AddOptions(CLI::App& command, Options& options) {
  AddLogFileOptions(command, options.files);
  command
      .add_option("--pattern", options.literals, "Count the lines that have this text, any case")
      ->option_text("TEXT");
  command.add_option("--regex", options.expressions, "Count the lines that match this expression")
      ->option_text("REGEX");
  command
      .add_option("--latency", options.latency_key,
                  "Field or word before the latency, such as took (default: the usual names)")
      ->option_text("NAME");
  command.add_flag("--templates", options.templates, "Also find new and rare templates of lines");
  command.add_flag("--no-words", options.no_words,
                   "Do not tell the level by words like error where the format has none");
  command.add_option("--top", options.top, "Sources and templates to show")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command.add_option("--threads", options.threads, "Threads to use (default: all cores)")
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--fail-on", options.fail_on,
                  "Exit with 1 when there are lines of level error or warn and worse, or a burst")
      ->check(CLI::IsMember({"error", "warn", "burst"}));
  command.add_option("--html", options.html, "Also write a report with plots, in one file")
      ->option_text("FILE");
  command.add_flag("--json", options.json, "Print one JSON object");
}

}  // namespace

void AddLogsAnalyzeCommand(CLI::App& logs, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = logs.add_subcommand(
      "analyze", "Levels, times, sources, latencies, bursts of errors, changes of rate");
  AddOptions(*command, *options);
  command->footer(
      "A file that is damaged or cut off is counted as far as it goes; the exit code is 9 then.\n"
      "Examples:\n"
      "  assay logs analyze /var/log/syslog --rotated\n"
      "  assay logs analyze 'access.log*' --html report.html\n"
      "  kubectl logs app | assay logs analyze - --templates --latency took\n"
      "  assay logs analyze app.log --since 2h --fail-on burst --json");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
