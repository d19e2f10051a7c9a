#include "assay/text/segment.h"

#include <cstdlib>
#include <fstream>
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

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

Strings Split(std::string text, std::string_view separator) {
  Strings parts;
  for (std::size_t at = 0; (at = text.find(separator)) != std::string::npos;) {
    parts.push_back(text.substr(0, at));
    text.erase(0, at + separator.size());
  }
  parts.push_back(text);
  return parts;
}

// The format stands at the head of testdata/sentences.txt.
TEST(SplitSentences, AgreesWithTheGoldenCases) {
  const char* source = std::getenv("ASSAY_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "ASSAY_SOURCE_DIR is not set (ctest sets it)";
  std::ifstream file(std::string(source) + "/src/text/segment/testdata/sentences.txt");
  std::size_t cases = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with("# One") || line.starts_with("# without")) continue;
    if (line[0] == '#' && line.find(" => ") == std::string::npos) continue;
    ReplaceAll(line, "\\n", "\n");
    ReplaceAll(line, "\\r", "\r");
    const Strings sides = Split(line, " => ");
    std::string text = sides[0];
    Strings expected;
    if (sides.size() == 2) {
      expected = Split(sides[1], " || ");
    } else {
      ReplaceAll(line, " || ", "||");
      expected = Split(line, "||");
      ReplaceAll(text, " || ", " ");
      ReplaceAll(text, "||", "");
    }
    EXPECT_EQ(SentencesOf(text), expected) << text;
    ++cases;
  }
  EXPECT_GE(cases, 120U);
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

TEST(SplitSentences, FindsNothingInEmptyAndBlankText) {
  EXPECT_EQ(SentencesOf(""), Strings{});
  EXPECT_EQ(SentencesOf(" \n\t\r\n \u00A0\u3000\n"), Strings{});
  EXPECT_EQ(SentencesOf("---\n\n```\n```\n#\n>\n"), Strings{});
}

TEST(SplitSentences, KeepsIllFormedBytesInsideTheirSentence) {
  EXPECT_EQ(SentencesOf("Caf\xE9 is open. It\xFF is good.\xC3"),
            (Strings{"Caf\xE9 is open.", "It\xFF is good.\xC3"}));
}

TEST(SplitSentences, AppendsToWhatIsThere) {
  std::vector<Sentence> sentences;
  SplitSentences("One.", sentences);
  SplitSentences("Two.", sentences);
  EXPECT_EQ(sentences.size(), 2U);
}

// Doubling such a text must not multiply the work: every window is bounded. A quadratic splitter
// would take minutes here and run into the test's time limit.
TEST(SplitSentences, StaysLinearOnHostileText) {
  for (const std::string_view unit :
       {"(",  "[",   "`",  "``",   "a.",           ".",   "*",  "> ", "\n>", "| ", "a|\n", "1. ",
        "\"", "A. ", "- ", "Dr. ", "\xE2\x80\x9D", "x\n", "[1", "!",  "#"}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    std::vector<Sentence> sentences;
    SplitSentences(text, sentences);
    for (std::size_t i = 1; i < sentences.size(); ++i) {
      ASSERT_LE(sentences[i - 1].span.end, sentences[i].span.begin) << unit;
    }
    std::vector<Span> words;
    SplitWords(text, words);
    for (std::size_t i = 1; i < words.size(); ++i) {
      ASSERT_LE(words[i - 1].end, words[i].begin) << unit;
    }
  }
}

TEST(SplitWords, KeepsInnerApostrophesHyphensAndDots) {
  EXPECT_EQ(WordsOf("Don't pay 1,234.5 in the U.S., twenty-one!"),
            (Strings{"Don't", "pay", "1,234.5", "in", "the", "U.S.", "twenty-one"}));
  EXPECT_EQ(WordsOf("He said 'yes' at 5 p.m. (e.g. J.R.Smith)"),
            (Strings{"He", "said", "yes", "at", "5", "p.m.", "e.g.", "J.R.", "Smith"}));
  EXPECT_EQ(WordsOf("the end. A-1, 3-5, end- -x snake_case _it_"),
            (Strings{"the", "end", "A", "1", "3", "5", "end", "x", "snake_case", "it"}));
  EXPECT_EQ(WordsOf("v1.2.3 costs 5, or 6. 5kg 3rd"),
            (Strings{"v1.2.3", "costs", "5", "or", "6", "5kg", "3rd"}));
}

TEST(SplitWords, ReadsOtherScripts) {
  EXPECT_EQ(WordsOf("na\u00EFve e\u0301t\u00E9 d\u2019Arc"),
            (Strings{"na\u00EFve", "e\u0301t\u00E9", "d\u2019Arc"}));
  EXPECT_EQ(WordsOf("\u4E2D\u56FD\u3002ABC\u4EBA"), (Strings{"\u4E2D", "\u56FD", "ABC", "\u4EBA"}));
  EXPECT_EQ(WordsOf("\u0440\u0443\u0441\u0441\u043A\u0438\u0439 \u30AB\u30BF"),
            (Strings{"\u0440\u0443\u0441\u0441\u043A\u0438\u0439", "\u30AB\u30BF"}));
  EXPECT_EQ(WordsOf("a\xFFz \xE4"), (Strings{"a\xFFz", "\xE4"}));
  EXPECT_EQ(WordsOf("\U0001F600 ! -- ..."), Strings{});
}

}  // namespace
}  // namespace assay::text
