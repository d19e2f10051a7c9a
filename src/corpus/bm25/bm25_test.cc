#include "assay/corpus/bm25.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/corpus/analysis.h"

#include "tests/corpus_fixture.h"

namespace assay::corpus {
namespace {

using Tokens = std::vector<std::string>;

std::vector<std::string_view> Views(const Tokens& tokens) {
  return {tokens.begin(), tokens.end()};
}

// The formula as the header states it, in double, over every row.
class Oracle {
 public:
  explicit Oracle(const std::vector<Tokens>& rows) : rows_(rows) {
    for (const Tokens& row : rows) {
      mean_ += static_cast<double>(row.size()) / static_cast<double>(rows.size());
      for (const std::string& token : std::set<std::string>(row.begin(), row.end())) ++df_[token];
    }
  }

  std::vector<std::pair<double, std::uint32_t>> ScoreAll(const Tokens& query) const {
    std::vector<std::pair<double, std::uint32_t>> scores;
    for (std::uint32_t r = 0; r < rows_.size(); ++r) {
      double score = 0;
      for (const std::string& token : query) score += Score(r, token);
      if (score > 0) scores.emplace_back(score, r);
    }
    std::ranges::sort(scores, [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    return scores;
  }

 private:
  double Score(std::uint32_t r, const std::string& token) const {
    const double f = static_cast<double>(std::ranges::count(rows_[r], token));
    if (f == 0) return 0;
    const double df = df_.at(token);
    const double idf = std::log(1 + (static_cast<double>(rows_.size()) - df + 0.5) / (df + 0.5));
    const double norm = 1 - kBm25B + kBm25B * static_cast<double>(rows_[r].size()) / mean_;
    return idf * f * (kBm25K1 + 1.0) / (f + kBm25K1 * norm);
  }

  const std::vector<Tokens>& rows_;
  std::map<std::string, double> df_;
  double mean_ = 0;
};

// Rows and queries over a vocabulary in which word i is about 1/i as frequent as word 1.
struct ZipfText {
  std::mt19937 random;
  explicit ZipfText(unsigned seed) : random(seed) {}
  Tokens Next(std::size_t length, double vocabulary) {
    Tokens tokens;
    std::uniform_real_distribution<double> uniform(0, std::log(vocabulary));
    for (std::size_t i = 0; i < length; ++i) {
      tokens.push_back("w" + std::to_string(static_cast<int>(std::exp(uniform(random)))));
    }
    return tokens;
  }
};

TEST(Bm25, FindsTheSameRowsAndScoresAsTheFormulaOverEveryRow) {
  ZipfText text(7);
  std::vector<Tokens> rows;
  Bm25Memory memory;
  for (std::size_t i = 0; i < 20'000; ++i) {
    rows.push_back(text.Next(3 + i % 17, 3000));
    memory.AddTokens(Views(rows.back()));
  }
  const Oracle oracle(rows);
  const Bm25View view = memory.Finish();
  ASSERT_TRUE(view.CheckBounds());
  Bm25Scratch scratch;
  std::vector<Bm25Hit> hits;
  for (std::size_t q = 0; q < 40; ++q) {
    const Tokens query = text.Next(1 + q % 12, 3000);
    const auto expected = oracle.ScoreAll(query);
    for (const std::size_t k : {std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
      view.SearchTokens(Views(query), k, scratch, hits);
      ASSERT_EQ(hits.size(), std::min(k, expected.size())) << "query " << q;
      for (std::size_t i = 0; i < hits.size(); ++i) {
        ASSERT_NEAR(hits[i].score, expected[i].first, 2e-5) << "query " << q << " rank " << i;
      }
      for (std::size_t i = 1; i < hits.size(); ++i) {
        ASSERT_TRUE(hits[i - 1].score > hits[i].score || hits[i - 1].row < hits[i].row);
      }
    }
  }
}

TEST(Bm25, RanksEqualTextsByRowInEveryWindow) {
  Bm25Memory memory;
  for (int i = 0; i < 10'000; ++i) memory.AddText(i % 3 == 0 ? "alpha beta gamma" : "delta beta");
  const Bm25View view = memory.Finish();
  Bm25Scratch scratch;
  std::vector<Bm25Hit> hits;
  view.Search("gamma beta alpha", 10, scratch, hits);
  ASSERT_EQ(hits.size(), 10u);
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(hits[i].row, 3 * i);
}

TEST(Bm25, ReturnsNothingForUnknownWordsAndForNoWords) {
  Bm25Memory memory;
  memory.AddText("the refund is paid in 14 days");
  const Bm25View view = memory.Finish();
  Bm25Scratch scratch;
  std::vector<Bm25Hit> hits = {{1, 1}};
  view.Search("zebra", 10, scratch, hits);
  EXPECT_TRUE(hits.empty());
  view.Search("", 10, scratch, hits);
  EXPECT_TRUE(hits.empty());
  view.Search("refund", 0, scratch, hits);
  EXPECT_TRUE(hits.empty());
  EXPECT_TRUE(Bm25Memory().Finish().CheckBounds());
}

TEST(Bm25, SurvivesAQueryOfThousandsOfWords) {
  Bm25Memory memory;
  std::string all;
  for (int i = 0; i < 5000; ++i) {
    const std::string word = "word" + std::to_string(i);
    memory.AddText(word);
    for (int repeat = 0; repeat < 20; ++repeat) all += word + " ";
  }
  const Bm25View view = memory.Finish();
  Bm25Scratch scratch;
  std::vector<Bm25Hit> hits;
  view.Search(all, 5, scratch, hits);
  ASSERT_EQ(hits.size(), 5u);
  EXPECT_LT(hits[0].score, 4096.0F);
}

TEST(Bm25, CheckRefusesPostingsThatPointOutside) {
  Bm25Memory memory;
  for (int i = 0; i < 9000; ++i) memory.AddText("common word" + std::to_string(i % 50));
  const Bm25View sound = memory.Finish();
  ASSERT_TRUE(sound.CheckBounds());
  std::vector<Bm25Term> terms(sound.terms.begin(), sound.terms.end());
  Bm25View view = sound;
  view.terms = terms;
  terms[0].posting_begin = sound.rows.size();
  EXPECT_EQ(view.CheckBounds().error().code, Code::kDataLoss);
  terms[0] = sound.terms[0];
  terms[1].name_bytes = 1u << 31;
  EXPECT_EQ(view.CheckBounds().error().code, Code::kDataLoss);
  terms[1] = sound.terms[1];
  terms[0].window_begin = static_cast<std::uint32_t>(sound.windows.size());
  EXPECT_EQ(view.CheckBounds().error().code, Code::kDataLoss);
  view = sound;
  view.slots = view.slots.first(3);
  EXPECT_EQ(view.CheckBounds().error().code, Code::kDataLoss);
}

Tokens Analyse(std::string_view text) {
  Analyzer analyzer;
  std::vector<std::string_view> terms;
  analyzer.Analyze(text, terms);
  return {terms.begin(), terms.end()};
}

TEST(Analyzer, FoldsCaseAccentsInflectionAndNumbers) {
  EXPECT_EQ(Analyse("The Employees' REFUNDS were 1,234.50 euros"),
            (Tokens{"employee", "refund", "1234.50", "euro"}));
  EXPECT_EQ(Analyse("Café Größe Ærø naïve"), (Tokens{"cafe", "grosse", "aero", "naive"}));
  EXPECT_EQ(Analyse("don't  Anna's Anna\xE2\x80\x99s twenty-one"),
            (Tokens{"dont", "anna", "anna", "twenti", "one"}));
  EXPECT_EQ(Analyse("東京 tower"), (Tokens{"東", "京", "tower"}));
  EXPECT_EQ(Analyse("МОСКВА Ελλάδα"), (Tokens{"москва", "ελλάδα"}));
  EXPECT_EQ(Analyse("a\xFF\xFE"
                    "bc \xC3"),
            (Tokens{"bc"}));
  EXPECT_TRUE(Analyse(" ,.;! \n").empty());
}

TEST(Analyzer, KeepsNegationsAndDropsStopWords) {
  EXPECT_EQ(Analyse("it is not the case"), (Tokens{"not", "case"}));
  EXPECT_TRUE(IsStopWord("the"));
  EXPECT_FALSE(IsStopWord("not"));
  EXPECT_FALSE(IsStopWord(""));
  EXPECT_FALSE(IsStopWord("theirselves"));
}

TEST(Stem, FollowsPortersFirstStep) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"caresses", "caress"},   {"ponies", "poni"},
      {"caress", "caress"},     {"cats", "cat"},
      {"feed", "feed"},         {"agreed", "agree"},
      {"plastered", "plaster"}, {"motoring", "motor"},
      {"sing", "sing"},         {"conflated", "conflate"},
      {"troubled", "trouble"},  {"sized", "size"},
      {"hopping", "hop"},       {"falling", "fall"},
      {"hissing", "hiss"},      {"failing", "fail"},
      {"filing", "file"},       {"happy", "happi"},
      {"sky", "sky"},           {"bus", "bus"},
      {"status", "status"},     {"hoping", "hope"}};
  for (const auto& [word, stem] : cases) {
    std::string copy = word;
    copy.resize(Stem(copy.data(), copy.size()));
    EXPECT_EQ(copy, stem) << word;
  }
}

}  // namespace
}  // namespace assay::corpus
