#include "cross/windows.h"

#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "batching.h"
#include "cross/merge.h"

namespace assay::embed::internal {
namespace {

text::WordPiece Tokenizer() {
  auto tokenizer = text::WordPiece::FromVocabulary(
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n27\ndays\nday\n##s\nof\nleave\n(\n)\n,\n.\n%\n5\n-\n");
  EXPECT_TRUE(tokenizer);
  return *std::move(tokenizer);
}

std::string WordsOf(std::string_view claim) {
  const ClaimPieces pieces = SplitClaim(Tokenizer(), claim);
  std::string joined;
  for (const text::Span& word : pieces.words) joined += "<" + std::string(word.of(claim)) + ">";
  return joined;
}

TEST(SplitClaim, GivesWordsWithoutThePunctuationAtTheirEnds) {
  EXPECT_EQ(WordsOf("27 days, of (leave)."), "<27><days><of><leave>");
  EXPECT_EQ(WordsOf("\t5% of  -5\n"), "<5%><of><-5>");
  EXPECT_EQ(WordsOf("days . leave"), "<days><.><leave>");
  EXPECT_EQ(WordsOf(""), "");
  EXPECT_EQ(WordsOf(" \n "), "");
}

TEST(SplitClaim, GivesThePiecesOfTheWholeTextAndTheWordOfEach) {
  const text::WordPiece tokenizer = Tokenizer();
  const std::string claim = "27 days\x01, of \xFF leave. \x01 (unknown) [SEP] days";
  const ClaimPieces pieces = SplitClaim(tokenizer, claim);
  std::vector<std::int32_t> whole;
  tokenizer.AppendPieces(claim, text::WordPiece::kNoLimit, whole);
  EXPECT_EQ(pieces.ids, whole);
  ASSERT_EQ(pieces.word_of.size(), whole.size());
  EXPECT_EQ(pieces.word_of.back(), pieces.words.size() - 1);
}

TEST(CutWindows, CoverEverythingWithAQuarterOfOverlap) {
  EXPECT_EQ(CutWindows(0, 8), (std::vector<Cut>{{0, 0}}));
  EXPECT_EQ(CutWindows(8, 8), (std::vector<Cut>{{0, 8}}));
  EXPECT_EQ(CutWindows(9, 8), (std::vector<Cut>{{0, 8}, {1, 8}}));
  EXPECT_EQ(CutWindows(20, 8), (std::vector<Cut>{{0, 8}, {6, 8}, {12, 8}}));
  for (std::size_t room = 1; room < 20; ++room) {
    for (std::size_t size = 1; size < 100; ++size) {
      std::size_t covered = 0;
      for (const Cut& window : CutWindows(size, room)) {
        EXPECT_LE(window.begin, covered);
        EXPECT_LE(window.size, room);
        covered = window.begin + window.size;
      }
      EXPECT_EQ(covered, size);
    }
  }
}

TEST(CutParts, CoverEverythingOnce) {
  EXPECT_TRUE(CutParts(0, 4).empty());
  EXPECT_EQ(CutParts(5, 4), (std::vector<Cut>{{0, 2}, {2, 3}}));
  for (std::size_t most = 1; most < 20; ++most) {
    for (std::size_t size = 1; size < 100; ++size) {
      std::size_t covered = 0;
      for (const Cut& part : CutParts(size, most)) {
        EXPECT_EQ(part.begin, covered);
        EXPECT_TRUE(part.size >= 1 && part.size <= most);
        covered += part.size;
      }
      EXPECT_EQ(covered, size);
    }
  }
}

TEST(ReadRelation, SumsTheColumnsByClassAtTheTemperature) {
  CrossEncoderCard::Relation relation{
      "r", {RelationClass::kContradicted, RelationClass::kSupported, RelationClass::kNeutral}, 2};
  WindowScore score;
  ReadRelation(std::vector<float>{0, 2, 0}, relation, score);
  EXPECT_NEAR(score.supported, 0.5761, 1e-4);  // e / (e + 2)
  EXPECT_NEAR(score.contradicted, 0.2119, 1e-4);
  ReadRelation(std::vector<float>{-3e38F, 3e38F, 0}, relation, score);
  EXPECT_EQ(score.supported, 1);
  EXPECT_EQ(score.contradicted, 0);
  relation.classes = {RelationClass::kNotSupported, RelationClass::kSupported};
  ReadRelation(std::vector<float>{2, 0}, relation, score);
  EXPECT_NEAR(score.supported, 0.2689, 1e-4);  // 1 / (1 + e)
  EXPECT_EQ(score.contradicted, 0);
}

TEST(MergeWindows, TakesTheBestWindowAndLeavesTheRestToContradiction) {
  const std::vector<WindowScore> windows = {{0.1F, 0.8F, 0.2F, {0.9F, 0.2F}},
                                            {0.7F, 0.1F, 0.6F, {0.3F, 0.5F}}};
  const WindowScore merged = MergeWindows(windows);
  EXPECT_FLOAT_EQ(merged.supported, 0.7F);
  EXPECT_FLOAT_EQ(merged.contradicted, 0.3F);  // 0.8, but only 0.3 is left
  EXPECT_FLOAT_EQ(merged.same, 0.6F);
  EXPECT_EQ(merged.unsupported, (std::vector<float>{0.3F, 0.2F}));
}

TEST(MergeParts, IsAsSupportedAsTheLeastSupportedPart) {
  const std::vector<WindowScore> parts = {{0.9F, 0.05F, 0.8F, {0.1F}}, {0.2F, 0.6F, 0.3F, {0.7F}}};
  const WindowScore merged = MergeParts(parts);
  EXPECT_FLOAT_EQ(merged.supported, 0.2F);
  EXPECT_FLOAT_EQ(merged.contradicted, 0.6F);
  EXPECT_FLOAT_EQ(merged.same, 0.3F);
  EXPECT_EQ(merged.unsupported, (std::vector<float>{0.1F, 0.7F}));
}

TEST(PlanRuns, NeverPadsBeyondWhatTheNetworkTakes) {
  std::vector<std::uint32_t> lengths(50);
  std::iota(lengths.begin(), lengths.end(), 1U);
  for (const internal::Run& run : PlanRuns(lengths, 50).runs) EXPECT_LE(run.length, 50U);
  EXPECT_EQ(PlanRuns(lengths).runs.front().length, 56U);
}

}  // namespace
}  // namespace assay::embed::internal
