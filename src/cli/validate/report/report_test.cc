#include <cmath>

#include <gtest/gtest.h>

#include "validate/report/figures.h"
#include "validate/report/finding.h"

namespace assay::cli::validate {
namespace {

Finding Row(std::string section, std::string name, Verdict verdict) {
  Finding out;
  out.section = std::move(section);
  out.name = std::move(name);
  out.claimed = "100x";
  out.promised = "2x | more";
  out.measured = "3x";
  out.verdict = verdict;
  return out;
}

TEST(Figures, WilsonsIntervalIsThatOfTheTables) {
  // statsmodels.stats.proportion.proportion_confint(5, 24, method="wilson")
  const auto some = WilsonInterval(5, 24);
  EXPECT_NEAR(some.low, 0.0924483, 1e-6);
  EXPECT_NEAR(some.high, 0.4047045, 1e-6);
  EXPECT_EQ(WilsonInterval(0, 24).low, 0);
  EXPECT_NEAR(WilsonInterval(0, 24).high, 0.1379762, 1e-6);
  EXPECT_EQ(WilsonInterval(24, 24).high, 1);
  EXPECT_EQ(WilsonInterval(0, 0).high, 1);
  EXPECT_EQ(ShareText(5, 24), "5 of 24 (20.8 %, 9.2 to 40.5)");
}

TEST(Figures, AmdahlsLawIsFoundAgainInTimesThatFollowIt) {
  std::vector<Timing> times;
  for (const std::size_t threads : {1U, 2U, 4U, 8U}) {
    times.push_back({threads, 2 * (0.06 + 0.94 / static_cast<double>(threads))});
  }
  const AmdahlFit fit = FitAmdahl(times);
  EXPECT_NEAR(fit.parallel_share, 0.94, 1e-9);
  EXPECT_NEAR(fit.serial_s, 0.12, 1e-9);
  EXPECT_NEAR(fit.limit, 16.6667, 1e-3);
  const AmdahlFit two = FitAmdahl(std::span(times).first(2));
  EXPECT_NEAR(two.parallel_share, 0.94, 1e-9);
}

TEST(Figures, TimesOutsideOfTheLawKeepTheShareWithinItsBounds) {
  const Timing better[] = {{1, 1.0}, {2, 0.45}};  // more than twice as fast
  EXPECT_EQ(FitAmdahl(better).parallel_share, 1);
  EXPECT_TRUE(std::isinf(FitAmdahl(better).limit));
  const Timing worse[] = {{1, 1.0}, {2, 1.2}};  // slower with more threads
  EXPECT_EQ(FitAmdahl(worse).parallel_share, 0);
  EXPECT_EQ(FitAmdahl(worse).limit, 1);
}

TEST(FindingTable, CountsWhatHolds) {
  const Finding rows[] = {Row("speed", "a", Verdict::kHolds), Row("speed", "b", Verdict::kHolds),
                          Row("memory", "c", Verdict::kFallsShort),
                          Row("memory", "d", Verdict::kNotMeasured)};
  EXPECT_EQ(Count(rows).holds, 2U);
  EXPECT_EQ(Count(rows).falls_short, 1U);
  EXPECT_EQ(Count(rows).not_measured, 1U);
  const boost::json::object json = ToJson(rows);
  EXPECT_EQ(json.at("falls_short").to_number<int>(), 1);
  EXPECT_EQ(json.at("findings").at(2).at("outcome").as_string(), "falls short");
}

TEST(FindingTable, TextNamesEachSectionOnceAndKeepsToTheColumns) {
  Finding wide = Row("speed", "a", Verdict::kHolds);
  for (int i = 0; i < 60; ++i) wide.measured += " word";
  const Finding rows[] = {wide, Row("speed", "b", Verdict::kFallsShort)};
  const std::string text = ToText(rows, Painter(ColorMode::kNever, 1), 80);
  EXPECT_EQ(text.find("speed"), text.rfind("speed"));
  EXPECT_NE(text.find("falls short   b\n"), std::string::npos) << text;
  EXPECT_NE(text.find("1 hold, 1 fall short, 0 not measured"), std::string::npos);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80U);
    begin = end + 1;
  }
}

TEST(FindingTable, MarkdownKeepsBarsOutOfTheCells) {
  const Finding rows[] = {Row("speed", "a", Verdict::kHolds)};
  EXPECT_NE(ToMarkdown(rows, "Here.").find("| speed | a | 100x | 2x \\| more | 3x | holds |\n"),
            std::string::npos);
}

TEST(FindingTable, IsReplacedBetweenItsMarkersOnly) {
  const std::string page =
      "# Page\n\n" + std::string(kTableBegin) + "old\n" + std::string(kTableEnd) + "\nafter\n";
  const auto once = ReplaceTable(page, "new\n", "page.md");
  ASSERT_TRUE(once.has_value());
  EXPECT_EQ(*once, "# Page\n\n" + std::string(kTableBegin) + "new\n" + std::string(kTableEnd) +
                       "\nafter\n");
  EXPECT_EQ(*ReplaceTable(*once, "new\n", "page.md"), *once);
}

TEST(FindingTable, APageWithoutItsMarkersIsRefusedByName) {
  const std::string begin(kTableBegin);
  const std::string end(kTableEnd);
  for (const std::string& page :
       {std::string("# Page\n"), begin, end + begin, begin + begin + end, "text " + begin + end}) {
    const auto replaced = ReplaceTable(page, "new\n", "page.md");
    ASSERT_FALSE(replaced.has_value()) << page;
    EXPECT_TRUE(replaced.error().message.starts_with("page.md:"));
  }
}

}  // namespace
}  // namespace assay::cli::validate
