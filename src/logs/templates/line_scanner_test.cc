#include "templates/line_scanner.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/core/simd.h"

namespace assay::logs::templates {
namespace {

struct TextSink {
  std::string text;
  std::size_t tokens = 0;
  void Take(const Punctuation& before, WordKind kind, std::string_view word) {
    text += before.text();
    text += kind == WordKind::kWord ? word : kind == WordKind::kEnd ? "" : "<*>";
    ++tokens;
  }
};

std::string Shape(std::string_view line, bool masked = false) {
  ByteMasks masks;
  FindBytes(line, masks);
  TextSink sink;
  LineScanner<TextSink>(line, masks, masked, sink).Scan(0, line.size());
  return sink.text;
}

TEST(LineScanner, NumbersAndAddressesAreValues) {
  EXPECT_EQ(Shape("PacketResponder 1 for 10.250.1.2:50010 took -3.5 at 0x7fed"),
            "PacketResponder <*> for <*>:<*> took <*> at <*>");
}

TEST(LineScanner, IdentifiersAreValuesAndWordsWithAFewDigitsAreNot) {
  EXPECT_EQ(Shape("blk_-38 attempt_1445_m_1 mesos-07 fe80 pod-8f3a991 jk2_init ssh2 log4j"),
            "<*> <*> jk2_init ssh2 log4j");
  EXPECT_EQ(Shape("blk_-38, mesos-07"), "<*>, <*>");
}

TEST(LineScanner, PathsAndUrlsAreOneValue) {
  EXPECT_EQ(Shape("open /var/log/a.b-c/x.log from hdfs://node:9000/a,b ./run \"C:\\x\\y.dll\""),
            "open <*> from hdfs://<*>,b <*> \"<*>\"");
  EXPECT_EQ(Shape("read/write / // done"), "read/write / // done");
}

TEST(LineScanner, ADateIsOneValueWithItsDayHourAndYear) {
  EXPECT_EQ(Shape("connection at Sun Jul  7 15:09:16 2005"), "connection at <*>:<*>:<*>");
  EXPECT_EQ(Shape("on Jul 7, 5 times"), "on <*>, <*> times");
  EXPECT_EQ(Shape("May the log be short, Sun"), "May the log be short, Sun");
}

TEST(LineScanner, ANumberTakesItsUnitOfSizeAlong) {
  EXPECT_EQ(Shape("size 2.0 KB, free 317 B of 3 GBit"), "size <*>, free <*> of <*> GBit");
}

TEST(LineScanner, HardwareAddressesAreOneValueAndTimesAreNot) {
  EXPECT_EQ(Shape("from FF:F2:9F:16 at 15:09:16"), "from <*> at <*>:<*>:<*>");
  EXPECT_EQ(Shape("FF:F2:9F:16zz"), "FF:F2:<*>:<*>");
}

TEST(LineScanner, EmptyBracketsBehindASpaceHoldAnAbsentValue) {
  EXPECT_EQ(Shape("connection from 1.2.3.4 () at x"), "connection from <*> (<*>) at x");
  EXPECT_EQ(Shape("clear() done"), "clear() done");
}

TEST(LineScanner, AUserNameIsAValue) {
  EXPECT_EQ(Shape("session opened for user news by (uid=0)"),
            "session opened for user <*> by (uid=<*>)");
  EXPECT_EQ(Shape("user news"), "user news");
}

TEST(LineScanner, WhiteSpaceCountsAsOneSpace) {
  EXPECT_EQ(Shape("  a\t\tb \r c\r"), "a b c");
  EXPECT_EQ(Shape(""), "");
  EXPECT_EQ(Shape(" \r"), "");
}

TEST(LineScanner, TheEndOfASentenceAndDotsBelongToThePunctuation) {
  EXPECT_EQ(Shape("wait state.......0. Is it? Yes! ..."), "wait state.......<*>. Is it? Yes! ...");
}

TEST(LineScanner, TheMaskedByteIsAValueOnlyWhereMasksAreUsed) {
  EXPECT_EQ(Shape("key \x1a x\x1a", true), "key <*> x\x1a");
  EXPECT_EQ(Shape("key \x1a"), "key \x1a");
}

TEST(LineScanner, ALongLineHasABoundedNumberOfTokens) {
  for (const std::string_view piece : {"a ", "1,", "...", "((((", " ()", "://", "a.. "}) {
    std::string line;
    while (line.size() < 100'000) line += piece;
    ByteMasks masks;
    FindBytes(line, masks);
    TextSink sink;
    LineScanner<TextSink>(line, masks, false, sink).Scan(0, line.size());
    EXPECT_LE(sink.tokens, kMaxTokens) << piece;
  }
  EXPECT_EQ(Shape(std::string(kMaxWordBytes + 1, 'x')), "<*>");
}

TEST(ByteMasks, EveryTargetFindsTheBytesThatTheScalarTwinFinds) {
  core::SeededRng rng(7);
  for (const std::string_view target : core::SimdTargets()) {
    ASSERT_TRUE(core::ForceSimdTarget(target));
    for (std::size_t size = 0; size < 300; ++size) {
      std::string text;
      for (std::size_t i = 0; i < size; ++i) {
        text += rng.Below(3) == 0 ? '.' : static_cast<char>(rng.Below(256));
      }
      ByteMasks found, expected;
      FindBytes(text, found);
      FindBytesScalar(text, expected);
      ASSERT_EQ(found.delimiter, expected.delimiter) << target << " " << size;
      ASSERT_EQ(found.digit, expected.digit) << target << " " << size;
      ASSERT_EQ(found.dots, expected.dots) << target << " " << size;
    }
  }
  core::ResetSimdTarget();
}

TEST(TokenHash, WordsOfEveryLengthDiffer) {
  std::vector<std::uint64_t> hashes;
  std::string word;
  for (int i = 0; i < 100; ++i) {
    for (const char c : {'a', 'b'}) hashes.push_back(HashWord(word + c));
    word += 'a';
  }
  std::ranges::sort(hashes);
  // "a" + 'a' is "aa", and so on: each word of a's but the last comes once.
  EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end());
}

}  // namespace
}  // namespace assay::logs::templates
