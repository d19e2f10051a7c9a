#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "logs/analysis_report.h"
#include "logs/log_options.h"

namespace assay::cli {
namespace {

using logs::LogAnalysis;
using logs::LogLevel;
using logs::LogTemplate;

constexpr double kRareShare = 1e-4;
constexpr std::uint64_t kRareLines = 3;
constexpr std::uint64_t kLateShare = 10;  // the last so-manieth part

void WorstFirst(std::vector<const LogTemplate*>& templates) {
  std::ranges::stable_sort(templates, [](const LogTemplate* a, const LogTemplate* b) {
    return a->worst_level != b->worst_level ? a->worst_level > b->worst_level : a->id < b->id;
  });
}

std::string Percent(std::uint64_t part, std::uint64_t whole) {
  return fmt::format("{:5.1f}%",
                     whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string Duration(std::int64_t ns) {
  const auto value = static_cast<double>(ns);
  if (value < 1e3) return fmt::format("{:.0f} ns", value);
  if (value < 1e6) return fmt::format("{:.1f} us", value / 1e3);
  if (value < 1e9) return fmt::format("{:.1f} ms", value / 1e6);
  return fmt::format("{:.2f} s", value / 1e9);
}

std::string Painted(LogLevel level, const std::string& text, const Painter& paint) {
  if (level >= LogLevel::kError) return paint.Red(text);
  return level == LogLevel::kWarn ? paint.Yellow(text) : text;
}

class TextReport {
 public:
  TextReport(const AnalysisReport& report, const Painter& paint)
      : report_(report), all_(report.analysis), paint_(paint) {}

  std::string Make() {
    Levels();
    Sources();
    Patterns();
    Latency();
    Rates();
    if (report_.templates) {
      Templates("new templates", NewTemplates(report_));
      Templates("rare templates", RareTemplates(report_));
    }
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  void Title(std::string_view title) { Line("\n{}", paint_.Bold(title)); }

  void Levels() {
    std::string formats;
    for (std::size_t i = 0; i < logs::kLogFormats; ++i) {
      if (all_.by_format[i] == 0) continue;
      formats += fmt::format("{}{}", formats.empty() ? "" : ", ",
                             FormatName(static_cast<logs::LogFormat>(i)));
    }
    Line("{} lines, {:.1f} MB, {}", all_.lines, static_cast<double>(all_.bytes) / 1e6,
         formats.empty() ? "empty" : formats);
    if (all_.first_us != logs::kNoTime) {
      Line("{} to {} UTC", TimeText(all_.first_us / 1'000'000), TimeText(all_.last_us / 1'000'000));
    }
    if (all_.left_out > 0) Line("{} lines left out", all_.left_out);
    Title("levels");
    for (std::size_t i = logs::kLogLevels; i-- > 0;) {
      if (all_.by_level[i] == 0) continue;
      const auto level = static_cast<LogLevel>(i);
      Line("{}  {:>10}  {}", Painted(level, fmt::format("{:<8}", LevelName(level)), paint_),
           all_.by_level[i], Percent(all_.by_level[i], all_.lines));
    }
  }

  void Sources() {
    if (all_.sources.empty()) return;
    Title(fmt::format("sources ({})", all_.sources.size()));
    for (std::size_t i = 0; i < std::min(report_.top, all_.sources.size()); ++i) {
      const logs::SourceCount& one = all_.sources[i];
      const std::string errors =
          one.errors > 0 ? paint_.Red(fmt::format("  {} errors", one.errors)) : std::string();
      Line("{:>10}  {}  {}{}", one.lines, Percent(one.lines, all_.lines), PrintableLine(one.source),
           errors);
    }
  }

  void Patterns() {
    if (report_.patterns.empty()) return;
    Title("patterns");
    for (std::size_t i = 0; i < report_.patterns.size(); ++i) {
      Line("{:>10}  {}  {}", all_.pattern_lines[i], Percent(all_.pattern_lines[i], all_.lines),
           PrintableLine(report_.patterns[i]));
    }
  }

  void Latency() {
    const logs::LatencySummary& latency = all_.latency;
    if (latency.lines == 0) return;
    Title(fmt::format("latency of {} lines", latency.lines));
    Line("p50 {}, p90 {}, p95 {}, p99 {}, p99.9 {}, max {}, mean {}", Duration(latency.p50_ns),
         Duration(latency.p90_ns), Duration(latency.p95_ns), Duration(latency.p99_ns),
         Duration(latency.p999_ns), Duration(latency.max_ns),
         Duration(static_cast<std::int64_t>(latency.mean_ns)));
  }

  void Rates() {
    if (!all_.error_bursts.empty()) Title("bursts of errors");
    for (const logs::Burst& one : all_.error_bursts) {
      Line("{} to {}  {} errors, {:.1f} expected", TimeText(one.begin_s), TimeText(one.end_s),
           paint_.Red(fmt::format("{}", one.count)), one.expected);
    }
    if (!all_.rate_changes.empty()) Title("changes of rate");
    for (const logs::RateChange& one : all_.rate_changes) {
      Line("{}  {:.3g} to {:.3g} lines/s", TimeText(one.at_s), one.before_per_s, one.after_per_s);
    }
  }

  void Templates(std::string_view title, const std::vector<const LogTemplate*>& templates) {
    if (templates.empty()) return;
    Title(fmt::format("{} ({} of {})", title, templates.size(), all_.templates.size()));
    for (std::size_t i = 0; i < std::min(report_.top, templates.size()); ++i) {
      const LogTemplate& one = *templates[i];
      Line("{:>10}  line {:<9} {}  {}", one.lines, one.first_line,
           Painted(one.worst_level, fmt::format("{:<7}", LevelName(one.worst_level)), paint_),
           PrintableLine(one.text));
    }
  }

  const AnalysisReport& report_;
  const LogAnalysis& all_;
  const Painter& paint_;
  std::string out_;
};

}  // namespace

std::vector<const LogTemplate*> NewTemplates(const AnalysisReport& report) {
  const auto& all = report.analysis.templates;
  const bool kept = std::ranges::any_of(all, &LogTemplate::known);
  const std::uint64_t late = report.analysis.lines - report.analysis.lines / kLateShare;
  std::vector<const LogTemplate*> out;
  for (const LogTemplate& one : all) {
    if (!one.known && (kept || one.first_line > late)) out.push_back(&one);
  }
  WorstFirst(out);
  return out;
}

std::vector<const LogTemplate*> RareTemplates(const AnalysisReport& report) {
  const auto share =
      static_cast<std::uint64_t>(kRareShare * static_cast<double>(report.analysis.lines));
  std::vector<const LogTemplate*> out;
  for (const LogTemplate& one : report.analysis.templates) {
    if (one.lines <= std::max(kRareLines, share)) out.push_back(&one);
  }
  WorstFirst(out);
  return out;
}

std::string AnalysisText(const AnalysisReport& report, const Painter& paint) {
  return TextReport(report, paint).Make();
}

}  // namespace assay::cli
