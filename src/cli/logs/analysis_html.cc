// The report as one page: no script, no font and no picture from elsewhere, plots as SVG.
#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "assay/text/utf8.h"

#include "logs/analysis_report.h"
#include "logs/log_options.h"

namespace assay::cli {
namespace {

using logs::LogAnalysis;
using logs::LogLevel;

constexpr std::string_view kHead = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log report</title>
<style>
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem 2rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
svg { width: 100%; height: auto; } text { font: 11px system-ui, sans-serif; fill: currentColor; }
table { border-collapse: collapse; } td, th { padding: .15rem .9rem .15rem 0; text-align: left; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em; }
.bad { color: #cf222e; }
</style></head><body>
)html";

// By LogLevel.
constexpr std::array<std::string_view, logs::kLogLevels> kColours = {
    "#9aa0a6", "#c9d6df", "#a8c5e2", "#4c8fd0", "#2e9e8f", "#e0a100", "#d1242f", "#7d1128"};

std::string Escaped(std::string_view text) {
  return text::EscapeMarkup(PrintableLine(text));
}

constexpr double kLeft = 60;
constexpr double kRight = 1090;
constexpr double kTop = 10;
constexpr double kBottom = 250;
constexpr std::size_t kMostBars = 512;  // narrower ones could not be told apart

using Bucket = std::array<std::uint64_t, logs::kLogLevels>;

// Steps taken together so that there are at most kMostBars of them.
logs::TimeSeries Coarser(const logs::TimeSeries& series) {
  const std::size_t factor = (series.buckets.size() + kMostBars - 1) / kMostBars;
  if (factor <= 1) return series;
  logs::TimeSeries out{series.begin_s, series.width_s * static_cast<std::int64_t>(factor), {}};
  for (std::size_t i = 0; i < series.buckets.size(); ++i) {
    if (i % factor == 0) out.buckets.emplace_back();
    for (std::size_t level = 0; level < logs::kLogLevels; ++level) {
      out.buckets.back()[level] += series.buckets[i][level];
    }
  }
  return out;
}

std::uint64_t Sum(const Bucket& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return sum;
}

class Page {
 public:
  explicit Page(const AnalysisReport& report) : report_(report), all_(report.analysis) {}

  std::string Make() {
    out_ = kHead;
    Summary();
    Time();
    Latency();
    Rates();
    Sources();
    Patterns();
    if (report_.templates) {
      Templates("New templates", NewTemplates(report_));
      Templates("Rare templates", RareTemplates(report_));
    }
    out_ += "</body></html>\n";
    return std::move(out_);
  }

 private:
  template <typename... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }

  void Summary() {
    std::string names;
    for (const std::string& file : report_.files) names += " " + Escaped(file);
    Add("<h1>Log report:{}</h1>", names);
    Add("<p>{} lines, {:.1f} MB", all_.lines, static_cast<double>(all_.bytes) / 1e6);
    if (all_.first_us != logs::kNoTime) {
      Add(", {} to {} UTC", TimeText(all_.first_us / 1'000'000),
          TimeText(all_.last_us / 1'000'000));
    }
    Add("</p>");
    for (const logs::LogProblem& one : report_.problems) {
      Add("<p class=\"bad\">{}</p>", Escaped(one.error.message));
    }
    Add("<h2>Levels</h2><table>");
    for (std::size_t i = logs::kLogLevels; i-- > 0;) {
      if (all_.by_level[i] == 0) continue;
      Add("<tr><td><span class=\"key\" style=\"background:{}\"></span>{}</td><td "
          "class=\"n\">{}</td>"
          "<td class=\"n\">{:.1f} %</td></tr>",
          kColours[i], LevelName(static_cast<LogLevel>(i)), all_.by_level[i],
          100 * static_cast<double>(all_.by_level[i]) / static_cast<double>(all_.lines));
    }
    Add("</table>");
  }

  void Time() {
    if (all_.series.buckets.empty()) return;
    const logs::TimeSeries series = Coarser(all_.series);
    std::uint64_t most = 1;
    for (const Bucket& counts : series.buckets) most = std::max(most, Sum(counts));
    Add("<h2>Lines over time, a bar for {} s</h2>", series.width_s);
    Add("<svg viewBox=\"0 0 1100 290\" role=\"img\" aria-label=\"lines over time by level\">");
    const auto bars = static_cast<double>(series.buckets.size());
    const double width = (kRight - kLeft) / bars;
    for (const auto& change : all_.rate_changes)
      Mark(series, change.at_s, "#8250df", "change of rate");
    for (std::size_t i = 0; i < series.buckets.size(); ++i) {
      Bar(series, i, kLeft + static_cast<double>(i) * width, width, static_cast<double>(most));
    }
    for (const auto& burst : all_.error_bursts)
      Mark(series, burst.begin_s, "#d1242f", "burst of errors");
    Axes(series, most);
    Add("</svg>");
  }

  void Bar(const logs::TimeSeries& series, std::size_t bar, double x, double width, double most) {
    const Bucket& counts = series.buckets[bar];
    if (Sum(counts) == 0) return;
    Add("<g><title>{}: {} lines</title>",
        TimeText(series.begin_s + static_cast<std::int64_t>(bar) * series.width_s), Sum(counts));
    double y = kBottom;
    // The worst at the foot, where its height is easiest to compare.
    for (std::size_t i = logs::kLogLevels; i-- > 0;) {
      if (counts[i] == 0) continue;
      const double height = (kBottom - kTop) * static_cast<double>(counts[i]) / most;
      y -= height;
      Add("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"/>", x, y,
          std::max(0.5, width * 0.92), height, kColours[i]);
    }
    Add("</g>");
  }

  void Mark(const logs::TimeSeries& series, std::int64_t at_s, std::string_view colour,
            std::string_view what) {
    const auto whole =
        static_cast<double>(series.width_s) * static_cast<double>(series.buckets.size());
    const double x = kLeft + (kRight - kLeft) * static_cast<double>(at_s - series.begin_s) / whole;
    Add("<line x1=\"{:.2f}\" x2=\"{:.2f}\" y1=\"{}\" y2=\"{}\" stroke=\"{}\" stroke-dasharray=\"4 "
        "3\">"
        "<title>{} at {}</title></line>",
        x, x, kTop, kBottom, colour, what, TimeText(at_s));
  }

  void Axes(const logs::TimeSeries& series, std::uint64_t most) {
    Add("<line x1=\"{0}\" x2=\"{1}\" y1=\"{2}\" y2=\"{2}\" stroke=\"currentColor\"/>", kLeft,
        kRight, kBottom);
    for (const double part : {0.5, 1.0}) {
      Add("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{:.0f}</text>", kLeft - 6,
          kBottom - (kBottom - kTop) * part + 4, part * static_cast<double>(most));
    }
    constexpr int kTicks = 4;
    const auto whole_s = series.width_s * static_cast<std::int64_t>(series.buckets.size());
    for (int i = 0; i <= kTicks; ++i) {
      const double x = kLeft + (kRight - kLeft) * i / kTicks;
      const std::string_view anchor = i == 0 ? "start" : i == kTicks ? "end" : "middle";
      Add("<text x=\"{:.0f}\" y=\"{}\" text-anchor=\"{}\">{}</text>", x, kBottom + 18, anchor,
          TimeText(series.begin_s + whole_s * i / kTicks));
    }
  }

  // Bars of the quantiles on a logarithmic scale.
  void Latency() {
    const logs::LatencySummary& latency = all_.latency;
    if (latency.lines == 0) return;
    struct Quantile {
      std::string_view name;
      std::int64_t ns;
    };
    const std::array<Quantile, 7> quantiles = {{{"min", latency.min_ns},
                                                {"p50", latency.p50_ns},
                                                {"p90", latency.p90_ns},
                                                {"p95", latency.p95_ns},
                                                {"p99", latency.p99_ns},
                                                {"p99.9", latency.p999_ns},
                                                {"max", latency.max_ns}}};
    const auto log = [](std::int64_t ns) { return std::log10(static_cast<double>(ns) + 1); };
    const double low = std::floor(log(latency.min_ns));
    const double span = std::max(1.0, std::ceil(log(latency.max_ns)) - low);
    Add("<h2>Latency of {} lines, mean {:.3f} ms (logarithmic)</h2>", latency.lines,
        latency.mean_ns / 1e6);
    Add("<svg viewBox=\"0 0 1100 170\" role=\"img\" aria-label=\"quantiles of the latency\">");
    for (std::size_t i = 0; i < quantiles.size(); ++i) {
      const double y = 8 + 23 * static_cast<double>(i);
      const double width = std::max(1.0, 850 * (log(quantiles[i].ns) - low) / span);
      Add("<text x=\"52\" y=\"{0}\" text-anchor=\"end\">{1}</text><rect x=\"60\" y=\"{2}\" "
          "width=\"{3:.1f}\" height=\"16\" fill=\"#4c8fd0\"/><text x=\"{4:.1f}\" y=\"{0}\">{5:.3f} "
          "ms"
          "</text>",
          y + 12, quantiles[i].name, y, width, 66 + width,
          static_cast<double>(quantiles[i].ns) / 1e6);
    }
    Add("</svg>");
  }

  void Rates() {
    if (!all_.error_bursts.empty()) {
      Add("<h2>Bursts of errors</h2><table><tr><th>from</th><th>to</th><th class=\"n\">errors</th>"
          "<th class=\"n\">expected</th></tr>");
      for (const logs::Burst& one : all_.error_bursts) {
        Add("<tr><td>{}</td><td>{}</td><td class=\"n bad\">{}</td><td class=\"n\">{:.1f}</td></tr>",
            TimeText(one.begin_s), TimeText(one.end_s), one.count, one.expected);
      }
      Add("</table>");
    }
    if (all_.rate_changes.empty()) return;
    Add("<h2>Changes of rate</h2><table><tr><th>at</th><th class=\"n\">lines/s before</th>"
        "<th class=\"n\">after</th></tr>");
    for (const logs::RateChange& one : all_.rate_changes) {
      Add("<tr><td>{}</td><td class=\"n\">{:.3g}</td><td class=\"n\">{:.3g}</td></tr>",
          TimeText(one.at_s), one.before_per_s, one.after_per_s);
    }
    Add("</table>");
  }

  void Sources() {
    if (all_.sources.empty()) return;
    Add("<h2>Sources ({})</h2><table><tr><th class=\"n\">lines</th><th class=\"n\">errors</th>"
        "<th>source</th></tr>",
        all_.sources.size());
    for (std::size_t i = 0; i < std::min(report_.top, all_.sources.size()); ++i) {
      const logs::SourceCount& one = all_.sources[i];
      Add("<tr><td class=\"n\">{}</td><td class=\"n{}\">{}</td><td>{}</td></tr>", one.lines,
          one.errors > 0 ? " bad" : "", one.errors, Escaped(one.source));
    }
    Add("</table>");
  }

  void Patterns() {
    if (report_.patterns.empty()) return;
    Add("<h2>Patterns</h2><table>");
    for (std::size_t i = 0; i < report_.patterns.size(); ++i) {
      Add("<tr><td class=\"n\">{}</td><td>{}</td></tr>", all_.pattern_lines[i],
          Escaped(report_.patterns[i]));
    }
    Add("</table>");
  }

  void Templates(std::string_view title, const std::vector<const logs::LogTemplate*>& templates) {
    if (templates.empty()) return;
    Add("<h2>{} ({} of {})</h2><table><tr><th class=\"n\">lines</th><th class=\"n\">first line</th>"
        "<th>level</th><th>template</th></tr>",
        title, templates.size(), all_.templates.size());
    for (std::size_t i = 0; i < std::min(report_.top, templates.size()); ++i) {
      const logs::LogTemplate& one = *templates[i];
      Add("<tr><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
          one.lines, one.first_line, LevelName(one.worst_level), Escaped(one.text));
    }
    Add("</table>");
  }

  const AnalysisReport& report_;
  const LogAnalysis& all_;
  std::string out_;
};

}  // namespace

std::string AnalysisHtml(const AnalysisReport& report) {
  return Page(report).Make();
}

}  // namespace assay::cli
