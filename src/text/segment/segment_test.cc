#include "assay/text/segment.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace assay::text {
namespace {

std::vector<std::string> SentencesOf(std::string_view text) {
  std::vector<Sentence> sentences;
  SplitSentences(text, sentences);
  std::vector<std::string> out;
  for (const Sentence& sentence : sentences) out.emplace_back(sentence.span.of(text));
  return out;
}

std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<Span> spans;
  SplitWords(text, spans);
  std::vector<std::string> out;
  for (const Span span : spans) out.emplace_back(span.of(text));
  return out;
}

using Strings = std::vector<std::string>;

TEST(SplitSentences, KeepsTitlesInitialsDecimalsAndReferencesTogether) {
  EXPECT_EQ(
      SentencesOf("Dr. J. R. Smith paid 3.5 euros. See No. 5 for more, e.g. the U.S. price."),
      (Strings{"Dr. J. R. Smith paid 3.5 euros.", "See No. 5 for more, e.g. the U.S. price."}));
}

TEST(SplitSentences, NamesTheBlockOfEachSentence) {
  const std::string_view text =
      "# Fees\n\n- **Fees:** 30 euros.\n- None. At all.\n\n```\na. B\n```\n\n| a | b |\n|---|---|\n"
      "| 1 | 2 |\n\n> Quoted text.\n";
  std::vector<Sentence> sentences;
  SplitSentences(text, sentences);
  ASSERT_EQ(sentences.size(), 8U);
  EXPECT_EQ(sentences[0].block, BlockKind::kHeading);
  EXPECT_EQ(sentences[1].span.of(text), "**Fees:** 30 euros.");
  EXPECT_EQ(sentences[1].block, BlockKind::kListItem);
  EXPECT_EQ(sentences[2].block_index, sentences[3].block_index);
  EXPECT_EQ(sentences[4].block, BlockKind::kCode);
  EXPECT_EQ(sentences[5].block, BlockKind::kTableRow);
  EXPECT_EQ(sentences[7].block, BlockKind::kQuote);
}

TEST(SplitWords, KeepsInnerApostrophesHyphensAndDots) {
  EXPECT_EQ(WordsOf("Don't pay 1,234.5 in the U.S., twenty-one!"),
            (Strings{"Don't", "pay", "1,234.5", "in", "the", "U.S.", "twenty-one"}));
}

}  // namespace
}  // namespace assay::text
