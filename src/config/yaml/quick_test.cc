#include "yaml/quick.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "yaml/same_tree.h"

namespace assay::config::yaml {
namespace {

// What both readers say: {quick, libfyaml}; an empty text where the quick one is not sure.
std::pair<std::string, std::string> ReadBoth(std::string_view text) {
  const ParseOptions options;
  Arena arena;
  const Source source{text, "f", options, arena};
  std::pair<std::string, std::string> both;
  if (const auto quick = ParseQuickly(source)) Describe(*quick, both.first);
  if (const auto full = ParseByLibfyaml(source)) {
    Describe(*full, both.second);
  } else {
    both.second = full.error().message;
  }
  return both;
}

TEST(QuickYaml, ReadsTheFormsOfConfigurationsAsLibfyamlDoes) {
  for (const std::string_view text : {
           "a: 1\nb:\n  c: x y\n  d: [1, two, 'th''ree', \"fo\\tur\"]\n",
           "- a\n- - b\n  - c\n-\n  d\n- e: 1\n  f: 2\n",
           "a:\n- 1\n- 2\nb:\n  - 3\n",
           "# comment\n\na: b # more\n# end\n",
           "---\na: b\n",
           "text: |\n  one\n   two\n\n  three\nnext: >\n  a\n  b\n\n  c\n   d\n  e\n\n",
           "keep: |+\n  x\n\n\nstrip: >-\n  y\n  z\n",
           "long: a plain text\n  that goes\n\n  on\nq: 'a\n  b'\nr: \"c\n\n  d\"\n",
           "m: {a: 1, \"b\": [x, y], c: {d: http://h/p?q=1}}\n",
           "m: [\n  a,  # one\n  b\n  ]\n",
           "empty:\nnull2: ~\nlist: []\nmap: {}\n",
           "\"quoted key\": 1\n'it''s': 2\n3: 4\n",
           "u: \u00e4\u00f6 \u6f22\nv: \"\\u00e4\\x41\\U0001F600\"\n",
           "just text\n",
           "'just text'",
           "[1, 2]",
           "a: -1\nb: +2\nc: .5\nd: -.inf\ne: 0x1F\nf: 0o17\ng: 1e3\nh: -x\n",
       }) {
    const auto [quick, full] = ReadBoth(text);
    EXPECT_EQ(quick, full) << text;
  }
}

TEST(QuickYaml, LeavesToLibfyamlWhatItIsNotSureOf) {
  for (const std::string_view text : {
           "a: !!str 1\n",
           "%YAML 1.2\n---\na: 1\n",
           "a: 1\n---\nb: 2\n",
           "? a\n: b\n",
           "a:\tb\n",
           "a: 1\r\n",
           "[a: b]\n",
           "a: 1\na: 2\n",
           "a: [1, 2\n",
           "a: 'x\n",
           "a: b: c\n",
           " a: 1\nb: 2\n",
           "",
           "# nothing\n",
           "a: @x\n",
           "a: |2\n   x\n",
       }) {
    EXPECT_EQ(ReadBoth(text).first, "") << text;
  }
}

TEST(QuickYaml, AgreesWithLibfyamlOnTheYamlTestSuite) {
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) GTEST_SKIP() << "set ASSAY_DATA to run the YAML test suite";
  int quick_ones = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(data) / "config" / "yaml")) {
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    // The files of the suite are YAML, as are the examples in them.
    const auto suite = Parse(text, entry.path().filename(), Syntax::kYaml);
    ASSERT_TRUE(suite.has_value());
    std::vector<std::string> texts = {text};
    for (const Value& test : *suite->root.as_list()) {
      if (const Value* yaml = test.Find("yaml")) texts.emplace_back(*yaml->as_string());
    }
    for (const std::string& one : texts) {
      const auto [quick, full] = ReadBoth(one);
      if (quick.empty()) continue;
      ++quick_ones;
      EXPECT_EQ(quick, full) << entry.path() << "\n" << one;
    }
  }
  EXPECT_GT(quick_ones, 100);
}

// Pieces put together at random: most texts are wrong YAML, and many nearly right.
TEST(QuickYaml, AgreesWithLibfyamlOnTextsMadeAtRandom) {
  constexpr std::array<std::string_view, 44> kPieces = {
      "a",          "b: ",      "c:\n",  "- ",     "-\n", "  ",  " ",  "\n",
      "\n  ",       "\n    ",   "\n- ",  "\n  - ", "'",   "\"",  "[",  "]",
      "{",          "}",        ", ",    ",",      ": ",  ":",   "#",  " # x\n",
      "|\n",        ">\n",      "|-\n",  ">+\n",   "1",   "-1",  "~",  "null",
      "true",       "---\n",    "...\n", "x y",    "''",  "\\n", "\\", "key: value\n",
      "  sub: 1\n", "- item\n", "\t",    "\n\n"};
  std::mt19937 random(7);
  int quick_ones = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string text;
    for (auto left = 1 + random() % 14; left > 0; --left)
      text += kPieces[random() % kPieces.size()];
    const auto [quick, full] = ReadBoth(text);
    if (quick.empty()) continue;
    ++quick_ones;
    ASSERT_EQ(quick, full) << text;
  }
  EXPECT_GT(quick_ones, 5'000);
}

}  // namespace
}  // namespace assay::config::yaml
