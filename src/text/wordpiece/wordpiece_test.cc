#include "assay/text/wordpiece.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace assay::text {
namespace {

constexpr std::string_view kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nunable\n,\n[\n]\nsep\nthe\nfee\n##s\n"
    "caf\n##e\n\u4E2D\n5\n##0\ninternationalisation\n##\n#\n";

WordPiece Small() {
  return *WordPiece::FromVocabulary(kVocabulary);
}

std::vector<std::string> TokensOf(const WordPiece& tokenizer, std::string_view text) {
  std::vector<std::int32_t> ids;
  tokenizer.AppendPieces(text, WordPiece::kNoLimit, ids);
  std::vector<std::string> out;
  for (const std::int32_t id : ids) out.emplace_back(tokenizer.TokenOf(id));
  return out;
}

using Strings = std::vector<std::string>;

TEST(WordPiece, TakesTheLongestPiecesFromTheLeft) {
  EXPECT_EQ(TokensOf(Small(), "unaffable unable fees"),
            (Strings{"un", "##aff", "##able", "unable", "fee", "##s"}));
}

TEST(WordPiece, GivesUnknownForAWordThatPiecesCannotSpell) {
  EXPECT_EQ(TokensOf(Small(), "unx the"), (Strings{"[UNK]", "the"}));
}

TEST(WordPiece, LowersCaseStripsAccentsAndSetsIdeographsApart) {
  EXPECT_EQ(TokensOf(Small(), "CAF\u00C9 cafe\u0301 fee\u4E2Dthe\uFF0C,"),
            (Strings{"caf", "##e", "caf", "##e", "fee", "\u4E2D", "the", "[UNK]", ","}));
}

TEST(WordPiece, JoinsAWordAcrossRemovedCharacters) {
  EXPECT_EQ(TokensOf(Small(), std::string_view("f\0ee\u200Ds th\u00ADe\x7F", 14)),
            (Strings{"fee", "##s", "the"}));
}

TEST(WordPiece, ReadsWrittenSpecialTokensAsSuch) {
  EXPECT_EQ(TokensOf(Small(), "the[SEP]fee [sep]"),
            (Strings{"the", "[SEP]", "fee", "[", "sep", "]"}));
}

TEST(WordPiece, DropsIllFormedBytes) {
  EXPECT_EQ(TokensOf(Small(),
                     "f\xFF"
                     "ee\xE4\xB8 50"),
            (Strings{"fee", "5", "##0"}));
}

TEST(WordPiece, GivesUnknownForAWordOfMoreThanAHundredCharacters) {
  const std::string hundred = "un" + std::string(98, 's');
  std::string vocabulary(kVocabulary);
  const WordPiece tokenizer = Small();
  EXPECT_EQ(TokensOf(tokenizer, hundred).size(), 99U);
  EXPECT_EQ(TokensOf(tokenizer, hundred + "s"), (Strings{"[UNK]"}));
}

TEST(WordPiece, FindsWordsAroundTheSixteenByteEdge) {
  std::string vocabulary(kVocabulary);
  for (std::size_t n = 7; n <= 18; ++n) vocabulary += std::string(n, 'q') + "\n";
  const auto tokenizer = WordPiece::FromVocabulary(vocabulary);
  ASSERT_TRUE(tokenizer);
  for (std::size_t n = 7; n <= 18; ++n) {
    const std::string word(n, 'q');
    EXPECT_EQ(TokensOf(*tokenizer, word), Strings{word}) << n;
    EXPECT_EQ(TokensOf(*tokenizer, word + " the"), (Strings{word, "the"})) << n;
    EXPECT_EQ(TokensOf(*tokenizer, "the," + word + ","), (Strings{"the", ",", word, ","})) << n;
  }
  EXPECT_EQ(TokensOf(*tokenizer, "internationalisation"), Strings{"internationalisation"});
}

TEST(WordPiece, CutsAtTheLimitAndSaysSo) {
  const WordPiece tokenizer = Small();
  std::vector<std::int32_t> ids;
  EXPECT_TRUE(tokenizer.Encode("unaffable the fee", 5, ids));
  EXPECT_EQ(ids, (std::vector<std::int32_t>{2, 5, 6, 7, 3}));
  ids.clear();
  EXPECT_FALSE(tokenizer.Encode("unaffable  ", 5, ids));
  EXPECT_EQ(ids, (std::vector<std::int32_t>{2, 5, 6, 7, 3}));
  ids.clear();
  EXPECT_TRUE(tokenizer.Encode("the", 0, ids));
  EXPECT_EQ(ids, (std::vector<std::int32_t>{2, 3}));
  ids.clear();
  EXPECT_FALSE(tokenizer.Encode("", 128, ids));
  EXPECT_EQ(ids, (std::vector<std::int32_t>{2, 3}));
}

TEST(WordPiece, FindsEveryTokenOfItsVocabulary) {
  const WordPiece tokenizer = Small();
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(tokenizer.vocabulary_size()); ++id) {
    EXPECT_EQ(tokenizer.IdOf(tokenizer.TokenOf(id)), id);
  }
  EXPECT_EQ(tokenizer.IdOf("##un"), std::nullopt);
  EXPECT_EQ(tokenizer.IdOf(""), std::nullopt);
}

TEST(WordPiece, RefusesABrokenVocabularyAndNamesTheLine) {
  const auto message = [](std::string_view vocabulary) {
    const auto tokenizer = WordPiece::FromVocabulary(vocabulary);
    return tokenizer ? "accepted" : tokenizer.error().message;
  };
  EXPECT_EQ(message("[PAD]\n[UNK]\n[CLS]\n"), "the vocabulary lacks [SEP]");
  EXPECT_EQ(message("[PAD]\n\n[CLS]\n"), "vocabulary line 2 is empty");
  EXPECT_EQ(message("[PAD]\nthe\nfee\nthe\n"), "vocabulary line 4 repeats the token of line 2");
  EXPECT_EQ(message("a\xC3\n"), "not UTF-8: a truncated sequence at byte 1 (c3 0a)");
  EXPECT_EQ(message(""), "the vocabulary lacks [PAD]");
}

}  // namespace
}  // namespace assay::text
