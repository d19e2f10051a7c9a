#include "assay/config/parse.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace assay::config {
namespace {

Error ErrorOf(std::string_view text, Syntax syntax, const ParseOptions& options = {}) {
  const auto document = Parse(text, "f", syntax, options);
  EXPECT_FALSE(document.has_value()) << text;
  return document ? Error{} : document.error();
}

TEST(ConfigParse, ThreeSyntaxesGiveTheSameTree) {
  const auto yaml = Parse("a: 1\nb: [true, 2.5, x]\nc: {d: null}\n", "f", Syntax::kYaml);
  const auto json =
      Parse(R"({"a": 1, "b": [true, 2.5, "x"], "c": {"d": null}})", "f", Syntax::kJson);
  const auto toml = Parse("a = 1\nb = [true, 2.5, 'x']\n[c]\n", "f", Syntax::kToml);
  for (const auto* document : {&yaml, &json, &toml}) {
    ASSERT_TRUE(document->has_value()) << document->error().message;
    const Value& root = (*document)->root;
    EXPECT_EQ(*root.Find("a")->as_integer(), 1);
    const Value::List& list = *root.Find("b")->as_list();
    EXPECT_TRUE(*list[0].as_bool());
    EXPECT_EQ(*list[1].as_float(), 2.5);
    EXPECT_EQ(*list[2].as_string(), "x");
    EXPECT_EQ(root.Find("c")->kind(), Kind::kMap);
  }
}

TEST(ConfigParse, EveryValueKnowsItsLine) {
  const auto yaml = Parse("a:\n  - x\n  - y: 3\n", "f", Syntax::kYaml);
  ASSERT_TRUE(yaml.has_value());
  const Value& three = *(*yaml->root.Find("a")->as_list())[1].Find("y");
  EXPECT_EQ(yaml->LocationOf(three).line, 3U);
  EXPECT_EQ(yaml->LocationOf(three).column, 8U);
  const auto json = Parse("{\n \"a\": [\n  7]}", "f", Syntax::kJson);
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(json->LocationOf((*json->root.Find("a")->as_list())[0]).line, 3U);
  EXPECT_EQ(json->LocationOf((*json->root.Find("a")->as_list())[0]).column, 3U);
  const auto toml = Parse("\n\nk = 'v'\n", "f", Syntax::kToml);
  ASSERT_TRUE(toml.has_value());
  EXPECT_EQ(toml->LocationOf(*toml->root.Find("k")).line, 3U);
}

TEST(ConfigParse, YamlScalarsFollowTheCoreSchema) {
  const auto document = Parse(
      "[~, null, 'null', True, no, 0x1F, 0o17, 017, -4, +7, 1e3, .5, -.inf, .nan, 1.2.3, 12:30, "
      "\"1\", "
      "99999999999999999999]",
      "f", Syntax::kYaml);
  ASSERT_TRUE(document.has_value()) << document.error().message;
  const Value::List& v = *document->root.as_list();
  EXPECT_EQ(v[0].kind(), Kind::kNull);
  EXPECT_EQ(v[1].kind(), Kind::kNull);
  EXPECT_EQ(*v[2].as_string(), "null");
  EXPECT_TRUE(*v[3].as_bool());
  EXPECT_EQ(*v[4].as_string(), "no");  // only YAML 1.1 reads this as false
  EXPECT_EQ(*v[5].as_integer(), 31);
  EXPECT_EQ(*v[6].as_integer(), 15);
  EXPECT_EQ(*v[7].as_integer(), 17);
  EXPECT_EQ(*v[8].as_integer(), -4);
  EXPECT_EQ(*v[9].as_integer(), 7);
  EXPECT_EQ(*v[10].as_float(), 1000.0);
  EXPECT_EQ(*v[11].as_float(), 0.5);
  EXPECT_TRUE(std::isinf(*v[12].as_float()));
  EXPECT_TRUE(std::isnan(*v[13].as_float()));
  EXPECT_EQ(*v[14].as_string(), "1.2.3");
  EXPECT_EQ(*v[15].as_string(), "12:30");
  EXPECT_EQ(*v[16].as_string(), "1");
  EXPECT_EQ(*v[17].as_float(), 1e20);
}

TEST(ConfigParse, AliasesAreExpandedAndBoundedInNumber) {
  const auto document = Parse("a: &x {k: 1}\nb: *x\n", "f", Syntax::kYaml);
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(*document->root.Find("b")->Find("k")->as_integer(), 1);
  std::string bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_NE(ErrorOf(bomb, Syntax::kYaml).message.find("too many values"), std::string::npos);
}

TEST(ConfigParse, ErrorsNameTheFileLineAndColumn) {
  EXPECT_TRUE(ErrorOf("a: 1\nb: [1, 2\nc: 3\n", Syntax::kYaml).message.starts_with("f:"));
  EXPECT_TRUE(ErrorOf("a = 1\nb = \n", Syntax::kToml).message.starts_with("f:2:"));
  EXPECT_TRUE(ErrorOf("{\"a\": 1,\n \"b\": tru}", Syntax::kJson).message.starts_with("f:2:7:"));
  EXPECT_EQ(ErrorOf("a: 1\na: 2\n", Syntax::kYaml).message,
            "f:2:1: the key 'a' stands here a second time (first in line 1); remove one of them");
  EXPECT_TRUE(
      ErrorOf("a: 1\n---\nb: 2\n", Syntax::kYaml).message.starts_with("f:2:1: a second document"));
  EXPECT_NE(ErrorOf("? [a]\n: 1\n", Syntax::kYaml).message.find("key must be a scalar"),
            std::string::npos);
}

// Texts on which toml++ 3.3, the parser before this one, went on as if they could not be.
TEST(Parse, ATomlKeyThatBeginsWithAForeignLetterIsAnError) {
  for (const std::string letter :
       {"\u00e4", "\u00df", "\u0416", "\u6f22", "\u2000", "\U0001f600"}) {
    EXPECT_EQ(ErrorOf(letter + " = 1\n", Syntax::kToml).code, Code::kInvalidArgument) << letter;
    EXPECT_EQ(ErrorOf("a = " + letter + "\n", Syntax::kToml).code, Code::kInvalidArgument);
  }
}

TEST(Parse, AControlCharacterWhereATomlKeyShouldBeIsAnError) {
  for (const std::string before : {"[", "[[", "[a.", "x."}) {
    for (const char byte : {'\v', '\x01', '\x7f', '=', ']', '.'}) {
      const Error error = ErrorOf("a = 1\n" + before + byte + "b]\n", Syntax::kToml);
      EXPECT_EQ(error.code, Code::kInvalidArgument) << before << static_cast<int>(byte);
      EXPECT_TRUE(error.message.starts_with("f:2:")) << error.message;
    }
  }
}

TEST(ConfigParse, YamlWithControlCharactersOrBrokenUtf8IsRefusedAtItsByte) {
  EXPECT_EQ(ErrorOf(std::string_view("%\0\xff%x", 5), Syntax::kYaml).message,
            "f:1:1: byte 1 is a control character or no UTF-8; save the file as UTF-8");
  EXPECT_TRUE(ErrorOf("a: 1\nb: \xff\n", Syntax::kYaml).message.starts_with("f:2:1: byte 8 is"));
}

TEST(ConfigParse, QuotesSideBySideInQuotesAreReadRightOrRefused) {
  for (const auto& [written, text] :
       {std::pair("'''''LC'", "''LC"), std::pair("'a''''b''c'", "a''b'c"),
        std::pair("'a( \"b\", '''''' '", "a( \"b\", ''' "), std::pair("'''a'''", "'a'"),
        std::pair("'a'''''", "a''")}) {
    // The tag leaves the file to libfyaml, which loses count of such quotes.
    for (const std::string before : {"", "b: !!str x\n"}) {
      const std::string yaml = before + "a: " + written + "\nc: 1\n";
      const auto read = Parse(yaml, "f", Syntax::kYaml);
      ASSERT_TRUE(read.has_value()) << read.error().message;
      EXPECT_EQ(*read->root.Find("a")->as_string(), text) << yaml;
      EXPECT_EQ(*read->root.Find("c")->as_integer(), 1);
    }
  }
  EXPECT_TRUE(ErrorOf("a: 'b\n  c''''d'\n", Syntax::kYaml)
                  .message.starts_with("f:1:4: a text in single quotes over several lines"));
}

TEST(ConfigParse, AFoldedTextKeepsTheEmptyLinesBeforeAMoreIndentedOne) {
  const auto read = Parse("a: >\n  a\n  b\n\n\n    c\n  d\n", "f", Syntax::kYaml);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read->root.Find("a")->as_string(), "a b\n\n\n  c\nd\n");  // as PyYAML 6.0 reads it
}

TEST(ConfigParse, DepthIsBoundedInEverySyntax) {
  const std::string deep(100, '[');
  const std::string close(100, ']');
  for (const Syntax syntax : {Syntax::kYaml, Syntax::kJson}) {
    EXPECT_EQ(ErrorOf(deep + close, syntax).code, Code::kInvalidArgument);
  }
  EXPECT_EQ(ErrorOf("a = " + deep + close, Syntax::kToml).code, Code::kInvalidArgument);
  const std::string endless(100000, '[');
  EXPECT_EQ(ErrorOf(endless, Syntax::kJson).code, Code::kInvalidArgument);
  EXPECT_EQ(ErrorOf(endless, Syntax::kYaml).code, Code::kInvalidArgument);
}

TEST(ConfigParse, DuplicateKeysAreAcceptedOnRequestAndTheLastOneWins) {
  ParseOptions options;
  options.allow_duplicate_keys = true;
  const auto document = Parse(R"({"a": 1, "a": 2})", "f", Syntax::kJson, options);
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(*document->root.Find("a")->as_integer(), 2);
}

TEST(ConfigParse, ALargeMapKnowsItsDuplicatesAndItsFirstPlace) {
  std::string json = "{";
  for (int i = 0; i < 500; ++i)
    json += "\n\"key" + std::to_string(i) + "\": " + std::to_string(i) + ",";
  const std::string unique = json + "\n\"last\": 0}";
  const auto document = Parse(unique, "f", Syntax::kJson);
  ASSERT_TRUE(document.has_value()) << document.error().message;
  EXPECT_EQ(document->root.as_map()->size(), 501U);
  EXPECT_EQ(*document->root.Find("key499")->as_integer(), 499);
  const std::string twice = json + "\n\"key7\": -1, \"key9\": -2}";
  EXPECT_EQ(
      ErrorOf(twice, Syntax::kJson).message,
      "f:502:1: the key 'key7' stands here a second time (first in line 9); remove one of them");
  ParseOptions options;
  options.allow_duplicate_keys = true;
  const auto last = Parse(twice, "f", Syntax::kJson, options);
  ASSERT_TRUE(last.has_value()) << last.error().message;
  EXPECT_EQ(last->root.as_map()->size(), 500U);
  EXPECT_EQ((*last->root.as_map())[7].key, "key7");
  EXPECT_EQ(*(*last->root.as_map())[7].value.as_integer(), -1);
  EXPECT_EQ(*last->root.Find("key9")->as_integer(), -2);
}

TEST(ConfigParse, NumbersAreThoseNearestToTheirText) {
  const auto document = Parse(
      "[0, -0, 12.345, 1e22, 1e23, 123456789012345678, 1234567890123456789012, 5e-324, 1e-400, "
      "0.1, 9223372036854775807, -9223372036854775808, 9223372036854775808, "
      "1.7976931348623157e308]",
      "f", Syntax::kJson);
  ASSERT_TRUE(document.has_value()) << document.error().message;
  const Value::List& v = *document->root.as_list();
  EXPECT_EQ(*v[0].as_integer(), 0);
  EXPECT_EQ(*v[1].as_integer(), 0);
  EXPECT_EQ(*v[2].as_float(), 12.345);
  EXPECT_EQ(*v[3].as_float(), 1e22);
  EXPECT_EQ(*v[4].as_float(), 1e23);
  EXPECT_EQ(*v[5].as_integer(), 123456789012345678);
  EXPECT_EQ(*v[6].as_float(), 1234567890123456789012.0);
  EXPECT_EQ(*v[7].as_float(), 5e-324);
  EXPECT_EQ(*v[8].as_float(), 0.0);
  EXPECT_EQ(*v[9].as_float(), 0.1);
  EXPECT_EQ(*v[10].as_integer(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(*v[11].as_integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(*v[12].as_float(), 9223372036854775808.0);
  EXPECT_EQ(*v[13].as_float(), std::numeric_limits<double>::max());
  EXPECT_EQ(ErrorOf("[1,\n 1e400]", Syntax::kJson).message, "f:2:2: the number is too large");
}

TEST(ConfigParse, EscapesOfJsonAreDecoded) {
  const auto document = Parse(
      R"(["a\"b\\\/\b\f\n\r\t", "\u00e4\ud83d\ude00 and a long tail of text", "plain", "\u0000"])",
      "f", Syntax::kJson);
  ASSERT_TRUE(document.has_value()) << document.error().message;
  const Value::List& v = *document->root.as_list();
  EXPECT_EQ(*v[0].as_string(), "a\"b\\/\b\f\n\r\t");
  EXPECT_EQ(*v[1].as_string(), "\u00e4\U0001F600 and a long tail of text");
  EXPECT_EQ(*v[2].as_string(), "plain");
  EXPECT_EQ(v[3].as_string()->size(), 1U);
  EXPECT_TRUE(ErrorOf("[\"\\x\"]", Syntax::kJson).message.starts_with("f:1:3: there is no such"));
  EXPECT_TRUE(ErrorOf("[\"\\ud800\"]", Syntax::kJson).message.starts_with("f:1:3: the escape \\u"));
}

TEST(ConfigParse, TomlKeepsTheOrderOfTheFileAndSaysWhatIsDefinedTwice) {
  const auto good =
      Parse("z = 1\na = 0xff\n[b.c]\nd.e = 1979-05-27 07:32:00z\n[[t]]\nn = 1\n[[t]]\nn = 2\n", "f",
            Syntax::kToml);
  ASSERT_TRUE(good.has_value()) << good.error().message;
  const Value::Map& map = *good->root.as_map();
  ASSERT_EQ(map.size(), 4U);
  EXPECT_EQ(map[0].key, "z");
  EXPECT_EQ(*map[1].value.as_integer(), 255);
  EXPECT_EQ(*map[2].value.Find("c")->Find("d")->Find("e")->as_string(), "1979-05-27T07:32:00Z");
  EXPECT_EQ(*(*map[3].value.as_list())[1].Find("n")->as_integer(), 2);
  EXPECT_EQ(good->LocationOf(map[2].value.Find("c")->offset()).line, 3U);
  EXPECT_EQ(ErrorOf("a = 1\n\na = 2\n", Syntax::kToml).message,
            "f:3:1: a key may be given once, but there is already 'a' (line 1)");
  EXPECT_EQ(ErrorOf("[a]\n[a]\n", Syntax::kToml).message,
            "f:2:2: a table may be defined once, but there is already 'a' (line 1)");
  EXPECT_TRUE(ErrorOf("a = 99999999999999999999\n", Syntax::kToml)
                  .message.starts_with("f:1:5: the integer"));
}

TEST(ConfigParse, ATableOfManyKeysIsLookedUpByHash) {
  std::string toml;
  for (int i = 0; i < 300; ++i) {
    toml += "key" + std::to_string(i) + ".sub = " + std::to_string(i) + "\n";
  }
  toml += "key299.more = true\n";
  const auto document = Parse(toml, "f", Syntax::kToml);
  ASSERT_TRUE(document.has_value()) << document.error().message;
  EXPECT_EQ(document->root.as_map()->size(), 300U);
  EXPECT_TRUE(*document->root.Find("key299")->Find("more")->as_bool());
  EXPECT_TRUE(ErrorOf(toml + "key5.sub = 1\n", Syntax::kToml)
                  .message.starts_with("f:302:6: a key may be given once"));
}

TEST(ConfigParse, ACopiedDocumentKeepsItsMemoryAndABorrowedTextIsNotCopied) {
  const std::string text = "name: a value that is long enough\nesc: \"a\\tb\"\n";
  Document copy;
  {
    const auto document = Parse(std::string(text), "f", Syntax::kYaml);
    ASSERT_TRUE(document.has_value());
    copy = *document;
  }
  EXPECT_EQ(*copy.root.Find("name")->as_string(), "a value that is long enough");
  EXPECT_EQ(*copy.root.Find("esc")->as_string(), "a\tb");
  const auto borrowed = ParseBorrowed(text, "f", Syntax::kYaml);
  ASSERT_TRUE(borrowed.has_value());
  EXPECT_EQ(borrowed->root.Find("name")->as_string()->data(), text.data() + 6);
}

TEST(ConfigParse, AnEmptyYamlFileIsNullAndAnUnknownEndingIsRefused) {
  for (const std::string_view text :
       {std::string_view("# nothing\n"), std::string_view(""), std::string_view()}) {
    const auto document = Parse(text, "f", Syntax::kYaml);
    ASSERT_TRUE(document.has_value()) << document.error().message;
    EXPECT_EQ(document->root.kind(), Kind::kNull);
  }
  const auto loaded = Load(core::FileSystem::Real(), "assay.ini");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().message,
            "assay.ini: a configuration file ends in .yaml, .yml, .toml or .json");
}

}  // namespace
}  // namespace assay::config
