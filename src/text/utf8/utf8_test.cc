#include "assay/text/utf8.h"

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace assay::text {
namespace {

std::string Bytes(std::initializer_list<int> bytes) {
  std::string out;
  for (const int byte : bytes) out.push_back(static_cast<char>(byte));
  return out;
}

// The oracle: decodes by arithmetic and checks the value, where the library follows table 3-7.
// Returns the bytes of the well-formed sequence at the start of `text`, or 0.
std::size_t OracleLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return 1;
  std::size_t length = 0;
  while (length < 8 && (byte(0) & (0x80U >> length)) != 0) ++length;
  if (length < 2 || length > 4 || text.size() < length) return 0;
  std::uint32_t value = byte(0) & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return 0;
    value = value << 6 | (byte(i) & 0x3FU);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[length] || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return 0;
  return length;
}

std::size_t OracleErrorOffset(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = OracleLength(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::size_t ErrorOffset(std::string_view text) {
  const auto error = FindUtf8Error(text);
  return error ? error->offset : std::string_view::npos;
}

// The bytes at which table 3-7 changes, and their neighbours.
const std::vector<int> kEdges = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF,
                                 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFE, 0xFF};

TEST(FindUtf8Error, AgreesWithTheOracleOnAllSequencesOfEdgeBytes) {
  for (const int a : kEdges) {
    for (const int b : kEdges) {
      for (const int c : kEdges) {
        for (const int d : kEdges) {
          const std::string text = Bytes({a, b, c, d});
          for (std::size_t size = 1; size <= 4; ++size) {
            const std::string_view part = std::string_view(text).substr(0, size);
            ASSERT_EQ(ErrorOffset(part), OracleErrorOffset(part)) << testing::PrintToString(part);
          }
        }
      }
    }
  }
}

TEST(FindUtf8Error, AgreesWithTheOracleOnAllThreeBytePrefixes) {
  std::string text(4, '\x80');
  for (int lead = 0x80; lead < 0x100; ++lead) {
    for (int second = 0; second < 0x100; ++second) {
      for (int third = 0x70; third < 0xD0; ++third) {
        text = Bytes({lead, second, third, 0x80});
        ASSERT_EQ(ErrorOffset(text), OracleErrorOffset(text)) << testing::PrintToString(text);
      }
    }
  }
}

TEST(FindUtf8Error, FindsTheErrorAtEveryPlaceOfALongText) {
  for (std::size_t size = 1; size <= 100; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      std::string text(size, 'a');
      text[place] = '\xFF';
      ASSERT_EQ(ErrorOffset(text), place);
    }
  }
}

TEST(FindUtf8Error, SaysWhatIsWrong) {
  const auto fault = [](std::initializer_list<int> bytes) {
    return Describe(FindUtf8Error(Bytes(bytes)).value().fault);
  };
  EXPECT_EQ(fault({0x80}), "a continuation byte without a lead byte");
  EXPECT_EQ(fault({0xFF}), "a byte that occurs in no UTF-8 text");
  EXPECT_EQ(fault({0xC0, 0xAF}), "an overlong sequence");
  EXPECT_EQ(fault({0xE0, 0x80, 0x80}), "an overlong sequence");
  EXPECT_EQ(fault({0xED, 0xA0, 0x80}), "a surrogate (U+D800..DFFF)");
  EXPECT_EQ(fault({0xF4, 0x90, 0x80, 0x80}), "a code point above U+10FFFF");
  EXPECT_EQ(fault({0xE2, 0x82}), "a truncated sequence");
}

TEST(ValidateUtf8, NamesTheByteOffsetAndTheBytes) {
  EXPECT_TRUE(ValidateUtf8("caf\u00E9 \U0001F600"));
  const auto result = ValidateUtf8("abc\xED\xA0\x80z");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kInvalidArgument);
  EXPECT_EQ(result.error().message,
            "not UTF-8: a surrogate (U+D800..DFFF) at byte 3 (ed a0 80 7a)");
}

TEST(DecodeUtf8, ReadsBackEveryCodePoint) {
  std::string text;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    text.clear();
    AppendUtf8(c, text);
    const Decoded decoded = DecodeUtf8(text, 0);
    ASSERT_TRUE(decoded.valid && decoded.code_point == c && decoded.size_bytes == text.size());
    const Decoded before = DecodeUtf8Before(text, text.size());
    ASSERT_TRUE(before.valid && before.code_point == c && before.size_bytes == text.size());
  }
}

TEST(DecodeUtf8Before, TakesAnIllFormedByteAlone) {
  const std::string text = "a\xE2\x82";
  const Decoded decoded = DecodeUtf8Before(text, text.size());
  EXPECT_FALSE(decoded.valid);
  EXPECT_EQ(decoded.size_bytes, 1);
}

// The examples of the Unicode Standard, table 3-8 to 3-11, and what Python's errors="replace"
// gives.
TEST(RepairUtf8, WritesOneReplacementForEachMaximalSubpart) {
  const std::string r = "\uFFFD";
  EXPECT_EQ(RepairUtf8(Bytes({0xC0, 0xAF, 0xE0, 0x80, 0xBF, 0xF0, 0x81, 0x82, 0x41})),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(RepairUtf8(Bytes({0xED, 0xA0, 0x80, 0xED, 0xBF, 0xBF, 0xED, 0xAF, 0x41})),
            r + r + r + r + r + r + r + r + "A");
  EXPECT_EQ(RepairUtf8(Bytes({0xF4, 0x91, 0x92, 0x93, 0xFF, 0x41, 0x80, 0xBF, 0x42})),
            r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(RepairUtf8(Bytes({0xE1, 0x80, 0xE2, 0xF0, 0x91, 0x92, 0xF1, 0xBF, 0x41})),
            r + r + r + r + "A");
  EXPECT_EQ(RepairUtf8("plain \u4E2D"), "plain \u4E2D");
}

TEST(Classify, GroupsTheGeneralCategories) {
  EXPECT_EQ(Classify(U'A'), CharClass::kUpper);
  EXPECT_EQ(Classify(U'\u00E9'), CharClass::kLower);
  EXPECT_EQ(Classify(U'\u05D0'), CharClass::kLetter);
  EXPECT_EQ(Classify(U'\u4E2D'), CharClass::kIdeograph);
  EXPECT_EQ(Classify(U'\u3042'), CharClass::kIdeograph);
  EXPECT_EQ(Classify(0x20000), CharClass::kIdeograph);
  EXPECT_EQ(Classify(U'\u0301'), CharClass::kMark);
  EXPECT_EQ(Classify(U'\u0663'), CharClass::kDigit);
  EXPECT_EQ(Classify(U'\u00BD'), CharClass::kNumber);
  EXPECT_EQ(Classify(U'\u00A0'), CharClass::kSpace);
  EXPECT_EQ(Classify(U'\n'), CharClass::kSpace);
  EXPECT_EQ(Classify(0x7F), CharClass::kControl);
  EXPECT_EQ(Classify(U'\u200D'), CharClass::kFormat);
  EXPECT_EQ(Classify(U'\u201C'), CharClass::kInitialQuote);
  EXPECT_EQ(Classify(U'\u201D'), CharClass::kFinalQuote);
  EXPECT_EQ(Classify(U'\u2014'), CharClass::kDash);
  EXPECT_EQ(Classify(0x1F600), CharClass::kSymbol);
  EXPECT_EQ(Classify(0x110000), CharClass::kOther);
}

TEST(FoldCase, FoldsLettersOfEveryCasedScriptAndNothingElse) {
  EXPECT_EQ(FoldCase(U'Z'), U'z');
  EXPECT_EQ(FoldCase(U'\u00C9'), U'\u00E9');
  EXPECT_EQ(FoldCase(U'\u0416'), U'\u0436');
  EXPECT_EQ(FoldCase(U'\u03C2'), U'\u03C3');  // final sigma
  EXPECT_EQ(FoldCase(U'\u0130'), U'\u0130');
  EXPECT_EQ(FoldCase(U'\u00DF'), U'\u00DF');
  EXPECT_EQ(FoldCase(0x10400), static_cast<char32_t>(0x10428));
  EXPECT_EQ(FoldCase(U'\u4E2D'), U'\u4E2D');
  for (char32_t c = 0; c < 0x20000; ++c) ASSERT_EQ(FoldCase(FoldCase(c)), FoldCase(c));
}

TEST(AppendFolded, KeepsIllFormedBytes) {
  std::string out = "x";
  AppendFolded("\u00C4B\xFF\xC3", out);
  EXPECT_EQ(out, "x\u00E4b\xFF\xC3");
}

}  // namespace
TEST(EscapeMarkup, LeavesNothingThatAMarkupReaderWouldActOn) {
  EXPECT_EQ(EscapeMarkup("<b title=\"x\">a & b</b>"),
            "&lt;b title=&quot;x&quot;&gt;a &amp; b&lt;/b&gt;");
  EXPECT_EQ(EscapeMarkup("line\n\ttab"), "line\n\ttab");
  EXPECT_EQ(EscapeMarkup(std::string_view("\x00\x1b\xff", 3)), "  \xEF\xBF\xBD");
}

}  // namespace assay::text
