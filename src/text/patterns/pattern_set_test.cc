#include "assay/text/pattern_set.h"

#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/targets.h>
#include <re2/re2.h>
#include <re2/set.h>

#include "patterns/naive_matcher.h"

namespace assay::text {
namespace {

using patterns::NaiveMatcher;
using Bits = std::vector<std::uint64_t>;

Pattern Literal(std::string text, bool ignore_case = true, bool whole_word = false) {
  return {std::move(text), PatternKind::kLiteral, ignore_case, whole_word};
}
Pattern Regex(std::string text, bool ignore_case = true) {
  return {std::move(text), PatternKind::kRegex, ignore_case, false};
}

PatternSet MustCompile(const std::vector<Pattern>& patterns) {
  auto set = PatternSet::Compile(patterns);
  if (!set) ADD_FAILURE() << set.error().message;
  return *std::move(set);
}

Bits MatchOf(const PatternSet& set, std::string_view text) {
  Bits bits(set.words_per_text(), ~std::uint64_t{0});
  set.Match(text, bits);
  return bits;
}

bool Occurs(const std::vector<Pattern>& patterns, std::string_view text) {
  return MatchOf(MustCompile(patterns), text)[0] == 1;
}

std::string ErrorOf(const std::vector<Pattern>& patterns, const PatternSetOptions& options = {}) {
  const auto set = PatternSet::Compile(patterns, options);
  return set ? "compiled" : set.error().message;
}

// Runs the test's body once for every SIMD target that this CPU has.
template <typename Body>
void ForEachTarget(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    SCOPED_TRACE(hwy::TargetName(target));
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(PatternSet, LiteralsIgnoreAsciiCaseUnlessTold) {
  EXPECT_TRUE(Occurs({Literal("According To")}, "so, ACCORDING tO him"));
  EXPECT_FALSE(Occurs({Literal("According To", false)}, "so, ACCORDING tO him"));
  EXPECT_TRUE(Occurs({Literal("According To", false)}, "According To"));
  EXPECT_FALSE(Occurs({Literal("a[b]c")}, "a{b}c")) << "0x20 is case in letters only";
  EXPECT_FALSE(Occurs({Literal("must\x01")}, "must!"));
}

TEST(PatternSet, WholeWordsNeedEdgesOnBothSides) {
  const std::vector<Pattern> won = {Literal("won", true, true)};
  EXPECT_TRUE(Occurs(won, "won"));
  EXPECT_TRUE(Occurs(won, "(Won)"));
  EXPECT_FALSE(Occurs(won, "wonder"));
  EXPECT_FALSE(Occurs(won, "2won"));
  EXPECT_FALSE(Occurs(won, "_won"));
}

TEST(PatternSet, LiteralsOfEveryLengthAreFoundAtEveryPlace) {
  ForEachTarget([] {
    for (std::size_t length = 1; length <= 70; ++length) {
      std::string word;
      for (std::size_t i = 0; i < length; ++i) word += static_cast<char>('a' + i * 7 % 26);
      const PatternSet set = MustCompile({Literal(word)});
      for (std::size_t before = 0; before < 140; before += length % 3 + 1) {
        const std::string text = std::string(before, '.') + word;
        EXPECT_EQ(MatchOf(set, text), Bits{1}) << length << " at " << before;
        EXPECT_EQ(MatchOf(set, text + "..."), Bits{1}) << length << " at " << before;
        EXPECT_EQ(MatchOf(set, std::string_view(text).substr(0, text.size() - 1)), Bits{0});
      }
    }
  });
}

TEST(PatternSet, ExpressionsKnowClassesRepetitionsGroupsAndBoundaries) {
  EXPECT_TRUE(Occurs({Regex(R"([0-9]+(\.[0-9]+)?%)")}, "grew by 12.6%"));
  EXPECT_FALSE(Occurs({Regex(R"([0-9]+(\.[0-9]+)?%)")}, "12.6 %"));
  EXPECT_TRUE(Occurs({Regex(R"(\b(19|20)[0-9]{2}\b)")}, "in 2003,"));
  EXPECT_FALSE(Occurs({Regex(R"(\b(19|20)[0-9]{2}\b)")}, "12003 20034 x2003"));
  EXPECT_TRUE(Occurs({Regex(R"(\$\d[\d,.]*)")}, "for $5"));
  EXPECT_TRUE(Occurs({Regex(R"(\b(?:may|june) \d{1,2}\b)")}, "On JUNE 12 it"));
  EXPECT_FALSE(Occurs({Regex(R"(\b(?:may|june) \d{1,2}\b)")}, "dismay 12, may 123"));
  EXPECT_TRUE(Occurs({Regex(R"(a.c)")},
                     "a\xC3"
                     "c"));
  EXPECT_FALSE(Occurs({Regex(R"(a.c)")}, "a\nc"));
  EXPECT_TRUE(Occurs({Regex(R"([^\W\d]+\x2d[\]x-])")}, "ab-]"));
  EXPECT_TRUE(Occurs({Regex("caf\xC3\xA9s?")}, "Caf\xC3\xA9S"));
  EXPECT_TRUE(Occurs({Regex(R"(x\B1)")}, "x1"));
  EXPECT_FALSE(Occurs({Regex(R"(x\b1)")}, "x1"));
}

TEST(PatternSet, TriggersInsideARunOfTriggersAreNotSkipped) {
  // '1' alone rests at once behind a letter, but the '$' that follows it must still be seen.
  EXPECT_EQ(MatchOf(MustCompile({Regex(R"(\b1x)"), Regex(R"(\$5)")}), "a1$5"), Bits{2});
  EXPECT_EQ(MatchOf(MustCompile({Regex(R"(\b1x)"), Regex(R"(\$5)")}), "$$$$5 1x"), Bits{3});
}

TEST(PatternSet, FaultsNamePatternAndByte) {
  EXPECT_EQ(ErrorOf({Literal("ok"), Regex("ab(c")}), "pattern 1: at byte 2: '(' without ')'");
  EXPECT_EQ(ErrorOf({Regex("ab)c")}), "pattern 0: at byte 2: ')' without '('");
  EXPECT_EQ(ErrorOf({Regex("a[b")}), "pattern 0: at byte 1: '[' without ']'");
  EXPECT_EQ(ErrorOf({Regex("[z-a]")}), "pattern 0: at byte 1: range is reversed");
  EXPECT_EQ(ErrorOf({Regex("a|*b")}), "pattern 0: at byte 2: nothing to repeat before '*'");
  EXPECT_EQ(ErrorOf({Regex("a{3,2}")}), "pattern 0: at byte 1: bounds are reversed");
  EXPECT_EQ(ErrorOf({Regex("a{1001}")}), "pattern 0: at byte 1: more than 1000 times");
  EXPECT_EQ(ErrorOf({Regex("^a")}), "pattern 0: at byte 0: anchor '^' is not supported; escape it");
  EXPECT_EQ(ErrorOf({Regex("a+?")}),
            "pattern 0: at byte 2: lazy and doubled repetitions are not supported; use a group");
  EXPECT_EQ(ErrorOf({Regex("\\q")}), "pattern 0: at byte 0: unknown escape '\\q'");
  EXPECT_EQ(ErrorOf({Regex("a\\")}), "pattern 0: at byte 1: '\\' at the end");
  EXPECT_EQ(ErrorOf({Regex("\\x4")}), "pattern 0: at byte 0: \\x needs two hexadecimal digits");
  EXPECT_EQ(ErrorOf({Regex("(a|b?)")}), "pattern 0: at byte 0: it matches the empty text");
  EXPECT_EQ(ErrorOf({Literal("")}), "pattern 0: at byte 0: it is empty");
  EXPECT_NE(ErrorOf({Literal(std::string(kMaxPatternBytes + 1, 'a'))}), "compiled");
  EXPECT_NE(ErrorOf({Regex("(a|b)*a(a|b){12}c")}, {.max_dfa_states = 500}), "compiled");
  EXPECT_NE(ErrorOf({Regex("((a{1000}){1000}){1000}")}), "compiled");
}

TEST(PatternSet, AnEmptySetAndEmptyTextsMatchNothing) {
  EXPECT_EQ(MatchOf(MustCompile({}), "text"), Bits{0});
  EXPECT_EQ(MatchOf(MustCompile({Literal("a"), Regex("1")}), ""), Bits{0});
  std::vector<std::uint64_t> none;
  MustCompile({Literal("a")}).MatchBatch("", {}, none);
}

TEST(PatternSet, PiecesEndMatchesAndAreEdgesToBoundaries) {
  ForEachTarget([] {
    const PatternSet set = MustCompile({Literal("must"), Regex(R"(\b20\d\d\b)"), Regex(R"(\d%)")});
    const std::string buffer =
        "mustmu"
        "st2003"
        "x2003"
        "2003%%5"
        "%";
    const std::vector<Span> pieces = {{0, 0},   {0, 6},   {6, 12},  {12, 12}, {12, 17},
                                      {18, 22}, {22, 22}, {22, 24}, {24, 25}};
    Bits bits(pieces.size(), ~std::uint64_t{0});
    set.MatchBatch(buffer, pieces, bits);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      EXPECT_EQ(bits[i], MatchOf(set, pieces[i].of(buffer))[0]) << "piece " << i;
    }
    EXPECT_EQ(bits[1], 1U);
    EXPECT_EQ(bits[4], 0U) << "x2003";
  });
}

TEST(PatternSet, FindAllGivesOverlappingLiteralsAndLongestExpressions) {
  const PatternSet set = MustCompile({Literal("aa"), Regex("[0-9]+(,[0-9]{3})*"), Regex("a+b?")});
  std::vector<PatternMatch> found;
  set.FindAll("aaab 12,345,67", found);
  const std::vector<PatternMatch> expected = {
      {0, {0, 2}}, {2, {0, 4}}, {0, {1, 3}}, {1, {5, 11}}, {1, {12, 14}}};
  EXPECT_EQ(found, expected);
}

// ---- random sets and texts against the naive matcher ----

class RandomCase {
 public:
  explicit RandomCase(std::uint64_t seed) : random_(seed) {}

  std::size_t Below(std::size_t limit) { return random_() % limit; }

  std::string Text(std::size_t length) {
    constexpr std::string_view kBytes = "abcABC  120.,%$-_\xC3\xA9\n";
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += kBytes[Below(kBytes.size())];
    return text;
  }

  std::string Expression(int depth) {
    switch (Below(depth > 0 ? 11 : 6)) {
      case 0:
        return "a";
      case 1:
        return "[0-9]";
      case 2:
        return "[^a]";
      case 3:
        return "\\w";
      case 4:
        return "2";
      case 5:
        return "b";
      case 6:
        return Expression(depth - 1) + Expression(depth - 1);
      case 7:
        return "(" + Expression(depth - 1) + "|" + Expression(depth - 1) + ")";
      case 8:
        return "(" + Expression(depth - 1) + ")" + Repetition();
      case 9:
        return "\\b" + Expression(depth - 1);
      default:
        return Expression(depth - 1) + (Below(2) == 0 ? "\\b" : "\\B");
    }
  }

  std::vector<Pattern> Patterns() {
    std::vector<Pattern> result;
    const std::size_t literals = Below(4) == 0 ? 200 : Below(12);
    for (std::size_t i = 0; i < literals; ++i) {
      result.push_back(
          Literal(Text(1 + Below(Below(8) == 0 ? 40 : 6)), Below(2) == 0, Below(4) == 0));
    }
    for (std::size_t i = Below(5); i > 0; --i) {
      const Pattern regex = Regex(Expression(3), Below(2) == 0);
      if (PatternSet::Compile({&regex, 1})) result.push_back(regex);
    }
    std::ranges::shuffle(result, random_);
    return result;
  }

 private:
  std::string Repetition() {
    constexpr std::array<const char*, 6> kAll = {"*", "+", "?", "{2}", "{1,}", "{0,3}"};
    return kAll[Below(kAll.size())];
  }
  std::mt19937_64 random_;
};

void CheckAgainstNaive(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomCase random(seed);
  const std::vector<Pattern> patterns = random.Patterns();
  const PatternSet set = MustCompile(patterns);
  const NaiveMatcher naive(patterns);
  std::string buffer;
  std::vector<Span> pieces;
  Bits expected;
  for (std::size_t i = 0; i < 40; ++i) {
    if (random.Below(3) == 0) buffer += random.Text(random.Below(4));
    const std::string text = random.Text(random.Below(random.Below(6) == 0 ? 200 : 30));
    const auto begin = static_cast<std::uint32_t>(buffer.size());
    buffer += text;
    pieces.push_back({begin, static_cast<std::uint32_t>(buffer.size())});
    const Bits bits = naive.Match(text);
    ASSERT_EQ(MatchOf(set, text), bits) << text;
    expected.insert(expected.end(), bits.begin(), bits.end());
    if (i % 8 == 0) {
      std::vector<PatternMatch> found;
      set.FindAll(text, found);
      ASSERT_EQ(found, naive.FindAll(text)) << text;
    }
  }
  Bits batch(expected.size(), ~std::uint64_t{0});
  set.MatchBatch(buffer, pieces, batch);
  ASSERT_EQ(batch, expected);
}

TEST(PatternSet, EqualsTheNaiveMatcherOnRandomSetsAndTexts) {
  ForEachTarget([] {
    for (std::uint64_t seed = 1; seed <= 80; ++seed) CheckAgainstNaive(seed);
  });
}

// ---- real data against RE2 ----

std::vector<std::string> ReadLines(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class RealSentences : public testing::Test {
 protected:
  void SetUp() override {
    const char* data = std::getenv("ASSAY_DATA");
    if (data == nullptr) GTEST_SKIP() << "ASSAY_DATA is not set";
    const std::string folder = std::string(data) + "/bench";
    for (const std::string& line : ReadLines(folder + "/sentences.txt")) {
      const auto begin = static_cast<std::uint32_t>(buffer_.size());
      buffer_ += line + '\n';
      pieces_.push_back({begin, begin + static_cast<std::uint32_t>(line.size())});
    }
    if (pieces_.empty()) GTEST_SKIP() << folder << "/sentences.txt is not there";
    for (const std::string& line : ReadLines(folder + "/literals.txt")) {
      patterns_.push_back(Literal(line));
    }
    for (const std::string& line : ReadLines(folder + "/regexes.txt")) {
      patterns_.push_back(Regex(line));
    }
    MatchRe2();
  }

  void MatchRe2() {
    re2::RE2::Options options;
    options.set_case_sensitive(false);
    options.set_encoding(re2::RE2::Options::EncodingLatin1);
    re2::RE2::Set set(options, re2::RE2::UNANCHORED);
    for (const Pattern& p : patterns_) {
      const bool regex = p.kind == PatternKind::kRegex;
      ASSERT_GE(set.Add(regex ? p.text : re2::RE2::QuoteMeta(p.text), nullptr), 0);
    }
    ASSERT_TRUE(set.Compile());
    expected_.assign(pieces_.size() * 2, 0);
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      std::vector<int> ids;
      const std::string_view sentence = pieces_[i].of(buffer_);
      set.Match(re2::StringPiece(sentence.data(), sentence.size()), &ids);
      for (const int id : ids) {
        expected_[i * 2 + static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
      }
    }
  }

  std::string buffer_;
  std::vector<Span> pieces_;
  std::vector<Pattern> patterns_;
  Bits expected_;
};

TEST_F(RealSentences, EveryTargetAndThreadCountEqualsRe2) {
  const PatternSet set = MustCompile(patterns_);
  ASSERT_EQ(set.words_per_text(), 2U);
  std::size_t pairs = 0;
  for (const std::uint64_t word : expected_) pairs += static_cast<std::size_t>(std::popcount(word));
  EXPECT_EQ(pairs, 126'911U);
  ForEachTarget([&] {
    Bits bits(expected_.size(), ~std::uint64_t{0});
    set.MatchBatch(buffer_, pieces_, bits);
    EXPECT_TRUE(bits == expected_);
  });
  Bits bits(expected_.size(), ~std::uint64_t{0});
  set.MatchBatch(buffer_, pieces_, bits, 3);
  EXPECT_TRUE(bits == expected_);
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    ASSERT_EQ(MatchOf(set, pieces_[i].of(buffer_)), Bits(&expected_[i * 2], &expected_[i * 2] + 2));
  }
}

TEST_F(RealSentences, AThousandLiteralsAreFoundInTheirOwnSentences) {
  std::vector<Pattern> words;
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::string_view sentence = pieces_[i * 97].of(buffer_);
    words.push_back(Literal(std::string(sentence.substr(0, 5 + i % 20))));
  }
  const PatternSet set = MustCompile(words);
  const NaiveMatcher naive(words);
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::string_view sentence = pieces_[i * 97].of(buffer_);
    const Bits bits = MatchOf(set, sentence);
    ASSERT_TRUE(bits[i / 64] >> (i % 64) & 1) << sentence;
    if (i % 50 == 0) {
      ASSERT_EQ(bits, naive.Match(sentence)) << sentence;
    }
  }
}

}  // namespace
}  // namespace assay::text
