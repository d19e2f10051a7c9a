#include "assay/logs/analysis.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "assay/core/parallel.h"

#include "analysis/latency_histogram.h"
#include "analysis/source_table.h"
#include "analysis/time_counts.h"
#include "read/text_source_test_support.h"

namespace assay::logs {
namespace {

LogAnalysis AnalysisOf(const std::string& text, const AnalysisOptions& options = {},
                       std::size_t block_bytes = 4096) {
  LogReader reader(std::make_unique<testing::TextSource>(text), "text",
                   {.block_bytes = block_bytes});
  auto result = Analyze(reader, options);
  EXPECT_TRUE(result.has_value());
  EXPECT_TRUE(reader.problems().empty());
  return result.value_or(LogAnalysis{});
}

AnalysisOptions WithoutWords() {
  AnalysisOptions options;
  options.level_words = false;
  return options;
}

std::uint64_t Level(const LogAnalysis& analysis, LogLevel level) {
  return analysis.by_level[static_cast<std::size_t>(level)];
}

// 03:04:05 and later, one line a second.
std::string Timed(int second, std::string_view rest) {
  return fmt::format("2024-01-02 03:{:02}:{:02} {}\n", second / 60 % 60, second % 60, rest);
}

TEST(Analyze, CountsLevelsSourcesAndTimes) {
  std::string log;
  for (int i = 0; i < 90; ++i) log += Timed(i, i % 9 == 0 ? "app ERROR no" : "app INFO yes");
  log += "a line of nothing\n\n";
  const LogAnalysis all = AnalysisOf(log);
  EXPECT_EQ(all.bytes, log.size());
  EXPECT_EQ(all.lines, 92U);
  EXPECT_EQ(Level(all, LogLevel::kError), 10U);
  EXPECT_EQ(Level(all, LogLevel::kInfo), 80U);
  EXPECT_EQ(Level(all, LogLevel::kUnknown), 2U);
  EXPECT_EQ(all.without_time, 2U);
  EXPECT_EQ(all.sources, (std::vector<SourceCount>{{"app", 90, 10}}));
  EXPECT_EQ(all.first_us, 1'704'164'400'000'000);
  EXPECT_EQ(all.last_us, all.first_us + 89'000'000);
  EXPECT_EQ(all.series.width_s, 1);
  ASSERT_EQ(all.series.buckets.size(), 90U);
  EXPECT_EQ(all.series.buckets[9][static_cast<std::size_t>(LogLevel::kError)], 1U);
}

TEST(Analyze, AnEmptyLogIsNoError) {
  const LogAnalysis all = AnalysisOf("");
  EXPECT_EQ(all, LogAnalysis{});
}

TEST(Analyze, WordsGiveTheLevelWhereTheFormatHasNone) {
  const std::string log =
      "it FAILED badly\nnullPointerException here\nValueError: x\nkernel panic\nWarning: old\n"
      "terrors\nerror and fatal\nfine\n";
  const LogAnalysis all = AnalysisOf(log);
  EXPECT_EQ(Level(all, LogLevel::kError), 3U);
  EXPECT_EQ(Level(all, LogLevel::kFatal), 2U);
  EXPECT_EQ(Level(all, LogLevel::kWarn), 1U);
  EXPECT_EQ(Level(all, LogLevel::kUnknown), 2U);
  EXPECT_EQ(Level(AnalysisOf(log, WithoutWords()), LogLevel::kUnknown), 8U);
  // A level that the format has is not overruled.
  const LogAnalysis info = AnalysisOf(Timed(1, "INFO no error"));
  EXPECT_EQ(Level(info, LogLevel::kInfo), 1U);
}

TEST(Analyze, CountsLinesThatHaveAPattern) {
  AnalysisOptions options;
  options.patterns = {{.text = "user"}, {.text = "id=[0-9]+", .kind = text::PatternKind::kRegex}};
  const LogAnalysis all = AnalysisOf("user id=1 user\nUSER\nid=x\nid=22\n", options);
  EXPECT_EQ(all.pattern_lines, (std::vector<std::uint64_t>{2, 2}));
  options.patterns = {{.text = "(", .kind = text::PatternKind::kRegex}};
  LogReader reader(std::make_unique<testing::TextSource>("x\n"), "text");
  EXPECT_FALSE(Analyze(reader, options).has_value());
}

TEST(Analyze, LeavesOutWhatIsNotInTheWindow) {
  std::string log;
  for (int i = 0; i < 60; ++i) log += Timed(i, "app INFO yes");
  log += "no time\n";
  AnalysisOptions options;
  options.since_us = 1'704'164'410'000'000;
  options.until_us = 1'704'164'420'000'000;
  const LogAnalysis all = AnalysisOf(log, options);
  EXPECT_EQ(all.lines, 10U);
  EXPECT_EQ(all.left_out, 51U);
  EXPECT_EQ(all.first_us, *options.since_us);
}

TEST(Analyze, LatenciesHaveQuantiles) {
  std::string log;
  for (int i = 1; i <= 1000; ++i) {
    log += fmt::format("{{\"level\":\"info\",\"latency_ms\":{}}}\n", i);
  }
  const LatencySummary latency = AnalysisOf(log).latency;
  EXPECT_EQ(latency.lines, 1000U);
  EXPECT_DOUBLE_EQ(latency.mean_ns, 500.5e6);
  EXPECT_EQ(latency.min_ns, 1'000'000);
  EXPECT_EQ(latency.max_ns, 1'000'000'000);
  EXPECT_NEAR(static_cast<double>(latency.p50_ns), 500e6, 8e6);
  EXPECT_NEAR(static_cast<double>(latency.p99_ns), 990e6, 16e6);
}

TEST(Analyze, SaysWhichTemplatesCameWhen) {
  std::string log;
  for (int i = 0; i < 50; ++i) log += Timed(i, fmt::format("app INFO served page {}", i));
  log += Timed(51, "app ERROR disk vanished completely");
  auto miner = TemplateMiner::Create();
  ASSERT_TRUE(miner.has_value());
  AnalysisOptions options;
  options.miner = &*miner;
  const LogAnalysis first = AnalysisOf(log, options, 256);
  ASSERT_EQ(first.templates.size(), 2U);
  EXPECT_EQ(first.templates[0].text, "served page <*>");
  EXPECT_EQ(first.templates[0].lines, 50U);
  EXPECT_EQ(first.templates[0].first_line, 1U);
  EXPECT_EQ(first.templates[1].first_line, 51U);
  EXPECT_EQ(first.templates[1].worst_level, LogLevel::kError);
  EXPECT_EQ(first.templates[1].first_us, first.last_us);
  EXPECT_FALSE(first.templates[1].known);
  const LogAnalysis again = AnalysisOf(log, options);
  EXPECT_TRUE(again.templates[1].known);
  EXPECT_EQ(again.templates[0].lines, 50U);
}

// Lines of four formats with chance sources, times and latencies.
std::string MixedLog(std::size_t lines) {
  std::mt19937 random(3);
  std::string log;
  for (std::size_t i = 0; i < lines; ++i) {
    const auto day = 1 + random() % 28;
    const auto source = random() % 300;
    switch (random() % 5) {
      case 0:
        log += fmt::format("2015-10-{:02} 18:01:47,978 WARN [main] org.c{}: x\r\n", day, source);
        break;
      case 1:
        log += fmt::format("[Sun Dec {:02} 04:47:44 2005] [error] y\n", day);
        break;
      case 2:
        log += fmt::format("Jun {:2} 15:16:01 combo s{}[1]: authentication failure\n", day, source);
        break;
      case 3:
        log +=
            fmt::format("{{\"time\":\"2024-01-{:02}T03:04:05Z\",\"level\":\"info\",\"took\":{}}}\n",
                        day, random() % 1000);
        break;
      default:
        log += "  at some.place(Code.java:12)\n";
    }
  }
  return log;
}

TEST(Analyze, TheAnswerDoesNotDependOnTheThreads) {
  const std::string log = MixedLog(20'000);
  AnalysisOptions options;
  options.patterns = {{.text = "main"}, {.text = "some"}};
  LogAnalysis one;
  {
    const core::ThreadLimit limit(1);
    one = AnalysisOf(log, options, 1024);
  }
  EXPECT_EQ(one.lines, 20'000U);
  for (const std::size_t threads : {2U, 4U}) {
    const core::ThreadLimit limit(threads);
    EXPECT_EQ(AnalysisOf(log, options, 1024), one) << threads;
  }
  // Blocks of another size are the same lines.
  LogAnalysis other = AnalysisOf(log, options, 1 << 20);
  EXPECT_EQ(other, one);
}

TEST(Analyze, CountsAgreeWithALoopOverTheLines) {
  const std::string log = MixedLog(5'000);
  const LogAnalysis all = AnalysisOf(log, WithoutWords());
  const LineParser parser = LineParser::Detect(log);
  std::map<std::string, std::uint64_t> sources;
  std::array<std::uint64_t, kLogLevels> levels{};
  std::istringstream stream(log);
  for (std::string line; std::getline(stream, line);) {
    if (line.ends_with('\r')) line.pop_back();
    const LogLine parsed = parser.Parse(line);
    ++levels[static_cast<std::size_t>(parsed.level)];
    if (!parsed.source.empty()) ++sources[std::string(parsed.source)];
  }
  EXPECT_EQ(all.by_level, levels);
  EXPECT_EQ(all.sources.size(), sources.size());
  for (const SourceCount& one : all.sources)
    EXPECT_EQ(one.lines, sources[one.source]) << one.source;
}

TEST(TimeCounts, MergedInAnyCutTheyAreTheSame) {
  std::mt19937_64 random(5);
  for (const std::int64_t range_s : {10LL, 3000LL, 100'000LL, 40'000'000LL, 3'000'000'000LL}) {
    std::vector<std::int64_t> times;
    for (int i = 0; i < 2000; ++i) {
      times.push_back((static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(range_s)) -
                       range_s / 3) *
                      1'000'000);
    }
    internal::TimeCounts whole;
    for (const std::int64_t time : times) whole.Add(time, LogLevel::kInfo);
    const TimeSeries series = whole.Series();
    EXPECT_LE(series.buckets.size(), kMaxTimeBuckets);
    std::vector<std::uint64_t> expected(series.buckets.size());
    for (const std::int64_t time : times) {
      ++expected[static_cast<std::size_t>((time / 1'000'000 - series.begin_s) / series.width_s)];
    }
    EXPECT_EQ(AllCounts(series), expected);
    for (const std::size_t cut : {1U, 7U, 500U}) {
      internal::TimeCounts sum;
      for (std::size_t at = 0; at < times.size(); at += cut) {
        internal::TimeCounts part;
        for (std::size_t i = at; i < std::min(at + cut, times.size()); ++i) {
          part.Add(times[i], LogLevel::kInfo);
        }
        sum.Merge(part);
      }
      EXPECT_EQ(sum.Series(), series) << range_s << ' ' << cut;
    }
  }
}

TEST(SourceTable, CountsAsAMapDoes) {
  std::mt19937 random(9);
  internal::SourceTable table;
  std::map<std::string, std::uint64_t> expected;
  for (int i = 0; i < 50'000; ++i) {
    std::string name(random() % 40, 'a');
    for (char& c : name) c = static_cast<char>('a' + random() % 2);
    table.Add(name, 1, 0);
    ++expected[name];
  }
  const auto sorted = table.Sorted();
  ASSERT_EQ(sorted.size(), expected.size());
  for (const SourceCount& one : sorted) EXPECT_EQ(one.lines, expected[one.source]);
  EXPECT_TRUE(std::ranges::is_sorted(sorted, std::ranges::greater{}, &SourceCount::lines));
}

TEST(SourceTable, CountsWhatIsBeyondItsLimitTogether) {
  internal::SourceTable table;
  for (std::size_t i = 0; i < kMaxSources + 10; ++i) table.Add(std::to_string(i), 2, 0);
  table.Add("0", 1, 0);
  EXPECT_EQ(table.other_lines(), 20U);
  EXPECT_EQ(table.Sorted()[0], (SourceCount{"0", 3, 0}));
}

TEST(LatencyHistogram, QuantilesAreWithinTwoPercentOfTheSortedOnes) {
  std::mt19937_64 random(13);
  internal::LatencyHistogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const auto value =
        static_cast<std::int64_t>(std::exp(static_cast<double>(random() % 30'000) / 1000.0));
    values.push_back(value);
    histogram.Add(value);
  }
  std::ranges::sort(values);
  const LatencySummary summary = histogram.Summary();
  const auto near = [&](std::int64_t ours, double q) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size())));
    const auto exact = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(static_cast<double>(ours), exact, exact * 0.016 + 1);
  };
  near(summary.p50_ns, 0.5);
  near(summary.p90_ns, 0.9);
  near(summary.p99_ns, 0.99);
  near(summary.p999_ns, 0.999);
  EXPECT_EQ(summary.min_ns, values.front());
  EXPECT_EQ(summary.max_ns, values.back());
}

}  // namespace
}  // namespace assay::logs
