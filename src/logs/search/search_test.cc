#include "assay/logs/search.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "assay/core/parallel.h"

#include "read/text_source_test_support.h"

namespace assay::logs {
namespace {

struct Found {
  std::vector<std::string> lines;  // "3:text" for a line that is found, "2-text" for context
  SearchCounts counts;
};

Found Find(const std::string& log, const SearchOptions& options, std::size_t before = 0,
           std::size_t after = 0, std::size_t most = 1'000'000) {
  LogReader reader(std::make_unique<testing::TextSource>(log), "log", {.block_bytes = 256});
  Found out;
  const auto take = [&](const FoundLine& line) {
    out.lines.push_back(fmt::format("{}{}{}", line.line, line.found ? ':' : '-', line.text));
    return out.lines.size() < most;
  };
  auto counts = Search(reader, options, take, before, after);
  EXPECT_TRUE(counts.has_value());
  if (counts) out.counts = *std::move(counts);
  return out;
}

SearchOptions For(std::vector<text::Pattern> patterns) {
  SearchOptions options;
  options.patterns = std::move(patterns);
  return options;
}

using Lines = std::vector<std::string>;

TEST(Search, FindsLinesWithAnyOfThePatterns) {
  const Found found =
      Find("red\nBLUE\r\ngreen and red\n\ngrey\n", For({{.text = "red"}, {.text = "blue"}}));
  EXPECT_EQ(found.lines, (Lines{"1:red", "2:BLUE", "3:green and red"}));
  EXPECT_EQ(found.counts.by_pattern, (std::vector<std::uint64_t>{2, 1}));
  EXPECT_EQ(found.counts.lines, 5U);
  EXPECT_EQ(found.counts.found, 3U);
}

TEST(Search, FindsExpressionsAndTheLinesWithoutThem) {
  SearchOptions options = For({{.text = "id=[0-9]+", .kind = text::PatternKind::kRegex}});
  EXPECT_EQ(Find("id=1\nid=\nx id=23\n", options).lines, (Lines{"1:id=1", "3:x id=23"}));
  options.invert = true;
  EXPECT_EQ(Find("id=1\nid=\nx id=23\n", options).lines, (Lines{"2:id="}));
}

TEST(Search, GivesEachLineOfContextOnce) {
  const std::string log = "a\nb\nX1\nc\nX2\nd\ne\nf\nX3\n";
  EXPECT_EQ(Find(log, For({{.text = "x"}}), 1, 1).lines,
            (Lines{"2-b", "3:X1", "4-c", "5:X2", "6-d", "8-f", "9:X3"}));
  EXPECT_EQ(Find(log, For({{.text = "x2"}}), 10, 0).lines,
            (Lines{"1-a", "2-b", "3-X1", "4-c", "5:X2"}));
  EXPECT_EQ(Find(log, For({{.text = "x"}}), 0, 0, 2).lines, (Lines{"3:X1", "5:X2"}));
}

TEST(Search, ContextGoesOverTheBordersOfBlocks) {
  std::string log;
  for (int i = 1; i <= 300; ++i) log += fmt::format("line {}{}\n", i, i == 200 ? " X" : "");
  const Found found = Find(log, For({{.text = "x"}}), 100, 50);
  ASSERT_EQ(found.lines.size(), 151U);
  EXPECT_EQ(found.lines.front(), "100-line 100");
  EXPECT_EQ(found.lines[100], "200:line 200 X");
  EXPECT_EQ(found.lines.back(), "250-line 250");
}

TEST(Search, LevelsAndTimesNarrowTheLines) {
  const std::string log =
      "2024-01-02 03:00:00 INFO fine\n2024-01-02 03:00:01 ERROR bad\n2024-01-02 03:00:02 WARN odd\n"
      "2024-01-02 03:00:03 FATAL worst\nno time, but an error\n";
  SearchOptions options;
  options.least_level = LogLevel::kError;
  EXPECT_EQ(Find(log, options).lines,
            (Lines{"2:2024-01-02 03:00:01 ERROR bad", "4:2024-01-02 03:00:03 FATAL worst",
                   "5:no time, but an error"}));
  options.since_us = ParseTime("2024-01-02 03:00:02");
  EXPECT_EQ(Find(log, options).lines, (Lines{"4:2024-01-02 03:00:03 FATAL worst"}));
  options.until_us = ParseTime("2024-01-02 03:00:03");
  EXPECT_TRUE(Find(log, options).lines.empty());
}

TEST(Search, TheLinesDoNotDependOnTheThreads) {
  std::string log;
  for (int i = 0; i < 5'000; ++i)
    log += fmt::format("{} {}\n", i * 7919 % 1000, i % 13 == 0 ? "hit" : "");
  const auto lines_with = [&](std::size_t threads) {
    const core::ThreadLimit limit(threads);
    return Find(log, For({{.text = "hit"}, {.text = "99"}}), 1, 2).lines;
  };
  const Lines one = lines_with(1);
  EXPECT_GT(one.size(), 385U);
  EXPECT_EQ(lines_with(4), one);
}

TEST(Search, RefusesABadExpression) {
  LogReader reader(std::make_unique<testing::TextSource>("x\n"), "log");
  EXPECT_FALSE(
      Search(reader, For({{.text = "(", .kind = text::PatternKind::kRegex}}), nullptr).has_value());
}

}  // namespace
}  // namespace assay::logs
