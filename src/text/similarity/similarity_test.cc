#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/core/simd.h"
#include "assay/text/similarity/edit.h"
#include "assay/text/similarity/word_bags.h"

namespace assay::text {
namespace {

constexpr std::array kLaneMeasures = {EditMeasure::kLevenshtein, EditMeasure::kIndel,
                                      EditMeasure::kLcs};

// The whole matrix (Wagner and Fischer 1974), or that of the longest common subsequence.
std::size_t NaiveDistance(std::u32string_view a, std::u32string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, corner + (a[i - 1] == b[j - 1] ? 0 : 1)});
      corner = above;
    }
  }
  return row.back();
}

std::size_t NaiveLcs(std::u32string_view a, std::u32string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (const char32_t c : a) {
    std::size_t corner = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = c == b[j - 1] ? corner + 1 : std::max(above, row[j - 1]);
      corner = above;
    }
  }
  return row.back();
}

std::string RandomText(core::SeededRng& rng, std::size_t length, std::uint64_t letters) {
  std::string out;
  for (std::size_t i = 0; i < length; ++i) out += static_cast<char>('a' + rng.Below(letters));
  return out;
}

TEST(LevenshteinTest, EqualsTheWholeMatrixAtEveryLengthAroundABlock) {
  core::SeededRng rng(1);
  for (const std::size_t n : {0U, 1U, 2U, 31U, 63U, 64U, 65U, 66U, 127U, 128U, 129U, 192U, 257U}) {
    for (const std::size_t m : {0U, 1U, 63U, 64U, 65U, 130U}) {
      const std::u32string a = ToCodePoints(RandomText(rng, n, 3));
      const std::u32string b = ToCodePoints(RandomText(rng, m, 3));
      EXPECT_EQ(LevenshteinDistance(a, b), NaiveDistance(a, b)) << n << " " << m;
      EXPECT_EQ(LcsLength(a, b), NaiveLcs(a, b)) << n << " " << m;
    }
  }
}

TEST(LevenshteinTest, CountsCodePointsNotBytes) {
  EXPECT_EQ(LevenshteinDistance(ToCodePoints("naïve 😀"), ToCodePoints("naive 😁")), 2U);
  EXPECT_EQ(ToCodePoints("a\xFF\xC3"), U"a\uFFFD\uFFFD");
}

TEST(EditMatrixTest, EqualsSinglePairsOnEveryTargetAndAtEveryTail) {
  for (const std::string_view target : core::SimdTargets()) {
    ASSERT_TRUE(core::ForceSimdTarget(target));
    core::SeededRng rng(2);
    for (std::size_t n = 0; n <= 19; ++n) {
      std::vector<std::string> texts;
      for (std::size_t i = 0; i < n; ++i) {
        texts.push_back(RandomText(rng, rng.Below(i % 4 == 0 ? 600 : 140), 4));
      }
      const std::vector<std::string_view> views(texts.begin(), texts.end());
      for (const EditMeasure measure : kLaneMeasures) {
        const std::vector<double> matrix = EditMatrix(views, measure);
        for (std::size_t i = 0; i < n; ++i) {
          const std::vector<double> row = EditRow(views[i], views, measure);
          for (std::size_t j = 0; j < n; ++j) {
            const double expected = EditSimilarity(views[i], views[j], measure);
            ASSERT_EQ(matrix[i * n + j], expected) << target << " " << n << " " << i << " " << j;
            ASSERT_EQ(row[j], expected) << target << " " << n << " " << i << " " << j;
          }
        }
      }
    }
  }
  core::ResetSimdTarget();
}

TEST(EditMatrixTest, DoesNotDependOnTheNumberOfThreadsOrTheLengthsMixed) {
  core::SeededRng rng(3);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 40; ++i) texts.push_back(RandomText(rng, rng.Below(3000), 20));
  texts.push_back(RandomText(rng, 20000, 20));  // more columns than the carry has room for
  texts.emplace_back();
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  EXPECT_EQ(EditMatrix(views, EditMeasure::kLevenshtein, 1),
            EditMatrix(views, EditMeasure::kLevenshtein, 0));
  const std::span<const std::string_view> few(views.data(), 6);
  EXPECT_EQ(EditMatrix(few, EditMeasure::kJaroWinkler, 1),
            EditMatrix(few, EditMeasure::kJaroWinkler, 2));
}

TEST(EditSimilarityTest, OfEmptyStringsIsOneOrNothing) {
  for (const EditMeasure measure :
       {EditMeasure::kLevenshtein, EditMeasure::kIndel, EditMeasure::kLcs, EditMeasure::kJaro,
        EditMeasure::kJaroWinkler}) {
    EXPECT_EQ(EditSimilarity("", "", measure), 1.0);
    EXPECT_EQ(EditSimilarity("", "abc", measure), 0.0);
    EXPECT_EQ(EditSimilarity("abc", "abc", measure), 1.0);
  }
}

TEST(JaroTest, GivesThePublishedValues) {  // Winkler 1990
  EXPECT_NEAR(JaroSimilarity(U"MARTHA", U"MARHTA"), 0.944444, 1e-6);
  EXPECT_NEAR(JaroWinklerSimilarity(U"MARTHA", U"MARHTA"), 0.961111, 1e-6);
  EXPECT_NEAR(JaroSimilarity(U"DIXON", U"DICKSONX"), 0.766667, 1e-6);
  EXPECT_NEAR(JaroWinklerSimilarity(U"DIXON", U"DICKSONX"), 0.813333, 1e-6);
  EXPECT_NEAR(JaroSimilarity(U"JELLYFISH", U"SMELLYFISH"), 0.896296, 1e-6);
}

TEST(WordBagsTest, FoldsCaseAndSplitsAtEverythingElse) {
  const std::vector<std::string_view> texts = {"Don't PANIC, ÉTÉ-2024!", "t été panic don 2024",
                                               ""};
  const WordBags bags(texts);
  ASSERT_EQ(bags.size(), 3U);
  EXPECT_EQ(bags.words(0).size(), 5U);
  EXPECT_EQ(bags.vocabulary(), 5U);
  const std::vector<double> jaccard = bags.Jaccard();
  EXPECT_EQ(jaccard[1], 1.0);
  EXPECT_EQ(jaccard[2], 0.0);
  EXPECT_DOUBLE_EQ(bags.Cosine()[1], 1.0);
  EXPECT_EQ(bags.Cosine()[2], 0.0);
}

TEST(WordBagsTest, CountsShinglesOnceAndWordsAsOftenAsTheyStand) {
  const std::vector<std::string_view> texts = {"a rose is a rose is a rose", "a rose is red",
                                               "rose"};
  const WordBags bags(texts);
  const std::vector<double> shingles = bags.Jaccard(2);  // {a rose, rose is, is a}, {.., is red}
  EXPECT_DOUBLE_EQ(shingles[1], 2.0 / 4);
  EXPECT_EQ(shingles[2], 0.0);
  // a 3, rose 3, is 2 against 1, 1, 1, red 1
  EXPECT_DOUBLE_EQ(bags.Cosine()[1], 8.0 / std::sqrt(22.0 * 4));
  EXPECT_DOUBLE_EQ(bags.Jaccard()[1], 3.0 / 4);
}

}  // namespace
}  // namespace assay::text
