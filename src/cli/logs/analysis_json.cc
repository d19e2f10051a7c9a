#include <boost/json.hpp>

#include "assay/text/utf8.h"

#include "json_output.h"
#include "logs/analysis_report.h"

namespace assay::cli {
namespace {

namespace json = boost::json;

constexpr double kNsPerMs = 1e6;

json::value OrNull(std::int64_t time_us) {
  if (time_us == logs::kNoTime) return nullptr;
  return static_cast<double>(time_us) / 1e6;
}

json::object Levels(const std::array<std::uint64_t, logs::kLogLevels>& counts) {
  json::object out;
  for (std::size_t i = 0; i < logs::kLogLevels; ++i) {
    if (counts[i] > 0) out[LevelName(static_cast<logs::LogLevel>(i))] = counts[i];
  }
  return out;
}

json::value Latency(const logs::LatencySummary& latency) {
  if (latency.lines == 0) return nullptr;
  const auto ms = [](std::int64_t ns) { return static_cast<double>(ns) / kNsPerMs; };
  return {{"lines", latency.lines},       {"mean_ms", latency.mean_ns / kNsPerMs},
          {"min_ms", ms(latency.min_ns)}, {"p50_ms", ms(latency.p50_ns)},
          {"p90_ms", ms(latency.p90_ns)}, {"p95_ms", ms(latency.p95_ns)},
          {"p99_ms", ms(latency.p99_ns)}, {"p999_ms", ms(latency.p999_ns)},
          {"max_ms", ms(latency.max_ns)}};
}

json::object Series(const logs::TimeSeries& series) {
  json::array buckets;
  for (const auto& counts : series.buckets) buckets.push_back(Levels(counts));
  return {
      {"begin_s", series.begin_s}, {"width_s", series.width_s}, {"buckets", std::move(buckets)}};
}

json::array Templates(const std::vector<const logs::LogTemplate*>& templates) {
  json::array out;
  for (const logs::LogTemplate* one : templates) {
    out.push_back({{"id", one->id},
                   {"template", text::RepairUtf8(one->text)},
                   {"lines", one->lines},
                   {"first_line", one->first_line},
                   {"first_s", OrNull(one->first_us)},
                   {"level", LevelName(one->worst_level)}});
  }
  return out;
}

json::object Rates(const logs::LogAnalysis& all) {
  json::array bursts;
  for (const logs::Burst& one : all.error_bursts) {
    bursts.push_back({{"begin_s", one.begin_s},
                      {"end_s", one.end_s},
                      {"errors", one.count},
                      {"expected", one.expected},
                      {"p_value", one.p_value}});
  }
  json::array changes;
  for (const logs::RateChange& one : all.rate_changes) {
    changes.push_back(
        {{"at_s", one.at_s}, {"before_per_s", one.before_per_s}, {"after_per_s", one.after_per_s}});
  }
  return {{"error_bursts", std::move(bursts)}, {"rate_changes", std::move(changes)}};
}

}  // namespace

std::string AnalysisJson(const AnalysisReport& report) {
  const logs::LogAnalysis& all = report.analysis;
  json::object formats;
  for (std::size_t i = 0; i < logs::kLogFormats; ++i) {
    if (all.by_format[i] > 0)
      formats[FormatName(static_cast<logs::LogFormat>(i))] = all.by_format[i];
  }
  json::array sources;
  for (const logs::SourceCount& one : all.sources) {
    sources.push_back(
        {{"source", text::RepairUtf8(one.source)}, {"lines", one.lines}, {"errors", one.errors}});
  }
  json::array patterns;
  for (std::size_t i = 0; i < report.patterns.size(); ++i) {
    patterns.push_back(
        {{"pattern", text::RepairUtf8(report.patterns[i])}, {"lines", all.pattern_lines[i]}});
  }
  json::array problems;
  for (const logs::LogProblem& one : report.problems) {
    problems.push_back({{"file", text::RepairUtf8(one.file)},
                        {"code", core::InfoOf(one.error.code).name},
                        {"message", text::RepairUtf8(one.error.message)}});
  }
  json::object out{{"files", json::array(report.files.begin(), report.files.end())},
                   {"bytes", all.bytes},
                   {"lines", all.lines},
                   {"left_out", all.left_out},
                   {"cut_lines", all.cut_lines},
                   {"without_time", all.without_time},
                   {"first_s", OrNull(all.first_us)},
                   {"last_s", OrNull(all.last_us)},
                   {"levels", Levels(all.by_level)},
                   {"formats", std::move(formats)},
                   {"sources", std::move(sources)},
                   {"other_sources", all.other_sources},
                   {"patterns", std::move(patterns)},
                   {"latency", Latency(all.latency)},
                   {"series", Series(all.series)}};
  for (auto& [key, value] : Rates(all)) out[key] = std::move(value);
  if (report.templates) {
    out["template_count"] = all.templates.size();
    out["new_templates"] = Templates(NewTemplates(report));
    out["rare_templates"] = Templates(RareTemplates(report));
  }
  out["problems"] = std::move(problems);
  out["seconds"] = report.seconds;
  return PrettyJson(out);
}

}  // namespace assay::cli
