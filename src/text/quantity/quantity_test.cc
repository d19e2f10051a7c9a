#include "assay/text/quantity.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace assay::text {
namespace {

std::vector<Quantity> Extract(std::string_view text) {
  std::vector<Quantity> out;
  ExtractQuantities(text, out);
  return out;
}

// The first quantity of a text; the test fails if there is none.
Quantity First(std::string_view text) {
  const std::vector<Quantity> all = Extract(text);
  EXPECT_FALSE(all.empty()) << text;
  return all.empty() ? Quantity{} : all.front();
}

std::string Render(std::string_view text) {
  std::string line;
  for (const Quantity& q : Extract(text)) {
    if (!line.empty()) line += " ; ";
    line += std::string(KindName(q.kind)) + " " + Describe(q, text);
  }
  return line.empty() ? "-" : line;
}

struct Row {
  int number;
  std::vector<std::string> cells;
};

// Rows of a table in testdata/, split at " => ".
std::vector<Row> ReadTable(const char* name) {
  const char* root = std::getenv("ASSAY_SOURCE_DIR");
  if (root == nullptr) return {};
  std::ifstream file(std::filesystem::path(root) / "src/text/quantity/testdata" / name);
  std::vector<Row> rows;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line.front() == '#') continue;
    Row row{number, {}};
    for (std::size_t begin = 0;;) {
      const std::size_t end = line.find(" => ", begin);
      row.cells.push_back(line.substr(begin, end - begin));
      if (end == std::string::npos) break;
      begin = end + 4;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

TEST(Quantity, GoldenSentencesGiveTheListedQuantities) {
  const std::vector<Row> rows = ReadTable("golden.txt");
  ASSERT_GE(rows.size(), 200U) << "the table is read through ASSAY_SOURCE_DIR";
  for (const Row& row : rows) {
    ASSERT_EQ(row.cells.size(), 2U) << "golden.txt:" << row.number;
    EXPECT_EQ(Render(row.cells[0]), row.cells[1])
        << "golden.txt:" << row.number << ": " << row.cells[0];
  }
}

TEST(Quantity, ComparisonTableHolds) {
  const std::vector<Row> rows = ReadTable("compare.txt");
  ASSERT_GE(rows.size(), 60U);
  for (const Row& row : rows) {
    ASSERT_EQ(row.cells.size(), 3U) << "compare.txt:" << row.number;
    const Quantity claim = First(row.cells[0]);
    const Quantity evidence = First(row.cells[1]);
    EXPECT_EQ(ComparisonName(Compare(claim, evidence)), row.cells[2])
        << "compare.txt:" << row.number << ": " << row.cells[0] << " | " << row.cells[1];
  }
}

TEST(Quantity, ThirtyDaysInTheHandbookAndThreeInTheAnswerDifferInWords) {
  const Quantity handbook = First("Refunds are possible within 30 days of purchase.");
  const Quantity answer = First("You can get a refund for up to 3 days.");
  EXPECT_EQ(Compare(answer, handbook), Comparison::kDifferent);
  EXPECT_EQ(Describe(handbook), "at most 30 days");
  EXPECT_EQ(Describe(answer), "at most 3 days");
  EXPECT_EQ(Describe(First("It is 30 days.")), "30 days");
}

TEST(Quantity, SpanCoversNumberAndUnitAndNounCoversTheHead) {
  const std::string_view text = "We hired about 12 new sales managers in 2 weeks.";
  const std::vector<Quantity> all = Extract(text);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].span.of(text), "12");
  EXPECT_EQ(all[0].noun.of(text), "managers");
  EXPECT_EQ(all[0].bound, Bound::kAbout);
  EXPECT_EQ(all[1].span.of(text), "2 weeks");
}

TEST(Quantity, ValuesAreInTheCanonicalUnit) {
  EXPECT_DOUBLE_EQ(First("0.5 km away").value, 500);
  EXPECT_DOUBLE_EQ(First("2 weeks").value, 1209600);
  EXPECT_DOUBLE_EQ(First("3 years").value, 36);
  EXPECT_DOUBLE_EQ(First("it is 45% now").value, 0.45);
  EXPECT_DOUBLE_EQ(First("it was 20 °C").value, 293.15);
  EXPECT_NEAR(First("drives 36 km/h").value, 10, 1e-9);
  EXPECT_DOUBLE_EQ(First("1.2 million people").half_width, 50000);
  EXPECT_DOUBLE_EQ(First("12.34 units").half_width, 0.005);
}

TEST(Quantity, AmbiguousDatesAndTimesAreMarked) {
  EXPECT_TRUE(First("on 03/01/2024").is_ambiguous);
  EXPECT_FALSE(First("on 03/25/2024").is_ambiguous);
  EXPECT_FALSE(First("on 2024-03-01").is_ambiguous);
  EXPECT_TRUE(First("at 5:30 there").is_ambiguous);
  EXPECT_FALSE(First("at 5:30 pm there").is_ambiguous);
}

TEST(Quantity, NumbersOfListLinesAreNoQuantities) {
  EXPECT_EQ(Render("Steps:\n1. Wait 5 minutes.\n  2) Use 3 eggs.\n\n## 3. Rest\n"),
            "duration 5 minutes ; count 3 eggs");
  EXPECT_EQ(Render("It ended in round\n12."), "number 12");
}

TEST(Quantity, EmptyAndBrokenInputGivesNothing) {
  EXPECT_TRUE(Extract("").empty());
  EXPECT_TRUE(Extract("\xE2\x80").empty());
  EXPECT_TRUE(Extract("\xFF\xFE $ % - . ,").empty());
  EXPECT_TRUE(Extract("- $").empty());
  EXPECT_EQ(Render("\xEF\xBB\xBF"
                   "5 boats"),
            "count 5 boats");  // a byte-order mark is no letter
  EXPECT_TRUE(Extract("\xF0"
                      "5")
                  .empty());
}

// Every string value of the files in ASSAY_DATA, read raw: JSON escapes are just more bytes.
TEST(Quantity, RealTextKeepsSpansInsideAndInOrder) {
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) GTEST_SKIP() << "set ASSAY_DATA to the data sets' folder";
  std::size_t found = 0;
  for (const char* name : {"grounding/ragtruth.jsonl", "grounding/wice_claims.jsonl"}) {
    std::ifstream file(std::filesystem::path(data) / name);
    ASSERT_TRUE(file.good()) << name;
    std::vector<Quantity> out;
    for (std::string line; std::getline(file, line);) {
      out.clear();
      ExtractQuantities(line, out);
      std::uint32_t last = 0;
      for (const Quantity& q : out) {
        ASSERT_LE(last, q.span.begin) << line.substr(q.span.begin, 40);
        ASSERT_LT(q.span.begin, q.span.end);
        ASSERT_LE(q.span.end, line.size());
        ASSERT_LE(q.noun.end, line.size());
        ASSERT_EQ(Compare(q, q), Comparison::kEqual) << q.span.of(line);
        ASSERT_FALSE(Describe(q, line).empty());
        last = q.span.end;
      }
      found += out.size();
    }
  }
  EXPECT_GT(found, 20000U);
}

}  // namespace
}  // namespace assay::text
