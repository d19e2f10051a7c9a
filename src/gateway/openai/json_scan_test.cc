#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "assay/core/clock.h"

#include "openai/json_scan_internal.h"
#include "openai/request_internal.h"

namespace assay::gateway {
namespace {

constexpr std::size_t kNesting = 8;

struct Scanned {
  bool whole = false;
  std::vector<std::pair<std::string, std::string>> members;
};

Scanned Scan(std::string_view text, std::size_t nesting = kNesting) {
  Scanned scanned;
  JsonObjectScan scan(text, nesting);
  JsonMember member;
  while (scan.Next(member)) scanned.members.emplace_back(member.name, member.value);
  scanned.whole = scan.whole();
  return scanned;
}

bool IsJson(const std::string& text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  return parser.parse(text).get(root) == simdjson::SUCCESS;
}

TEST(JsonScanTest, FindsTheMembersOfTheOutermostObject) {
  const Scanned scanned = Scan(
      " {\"a\" : [1, {\"b\":\"]}\"}],\n\"text\":\"long enough for words of eight bytes \\\" "
      "\\u00e9\","
      "\"n\":-0.5,\"t\":true,\"f\":false,\"z\":null,\"e\":{}, \"empty\":\"\",\"ä\":\"ö\"}\r\n");
  EXPECT_TRUE(scanned.whole);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "[1, {\"b\":\"]}\"}]"},
      {"text", "\"long enough for words of eight bytes \\\" \\u00e9\""},
      {"n", "-0.5"},
      {"t", "true"},
      {"f", "false"},
      {"z", "null"},
      {"e", "{}"},
      {"empty", "\"\""},
      {"ä", "\"ö\""}};
  EXPECT_EQ(scanned.members, expected);
  EXPECT_TRUE(Scan("{}").whole);
}

TEST(JsonScanTest, GivesUpOnWhatIsNoJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{,}",
                           "{\"a\":1}{",
                           "{\"a\":1} x",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":-}",
                           "{\"a\":+1}",
                           "{\"a\":tru}",
                           "{\"a\":nul",
                           "{\"a\":[1,]}",
                           "{\"a\":[1 2]}",
                           "{\"a\":[}",
                           "{\"a\":{\"b\":1]}",
                           "{\"a\":\"x}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"line\nend\"}",
                           "{\"a\":\"\xff\"}",
                           "{\"a\":\"\xed\xa0\x80\"}",
                           "{\"a\":1 \"b\":2}",
                           "{a:1}",
                           "{\"a\":'1'}",
                           "{\"a\":\"\\",
                           "{\"a\":\"\\u00"}) {
    EXPECT_FALSE(Scan(text).whole) << text;
  }
}

TEST(JsonScanTest, GivesUpOnWhatIsRare) {
  for (const char* text : {"{\"a\":1e5}", "{\"a\":1234567890123456789}",
                           "{\"a\":\"\\ud83d\\ude00\"}", "{\"\\u0061\":1}"}) {
    EXPECT_TRUE(IsJson(text)) << text;
    EXPECT_FALSE(Scan(text).whole) << text;
  }
}

TEST(JsonScanTest, GivesUpBelowTheNestingThatIsAllowed) {
  EXPECT_TRUE(Scan("{\"a\":[{}]}", 3).whole);
  EXPECT_FALSE(Scan("{\"a\":[{}]}", 2).whole);
  EXPECT_TRUE(Scan("{\"a\":1}", 1).whole);
  EXPECT_FALSE(Scan("{\"a\":1}", 0).whole);
  const std::string deep = "{\"a\":" + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  EXPECT_FALSE(Scan(deep, 100'000).whole);
}

// Texts near to JSON: whatever the scan takes, simdjson takes too; and the two readers of requests
// find the same.
TEST(JsonScanTest, AcceptsNothingThatSimdjsonRefuses) {
  const std::string seed =
      R"({"model":"m-1","messages":[{"role":"user","content":"caf\u00e9 \"x\" \\ é"}],"n":2,"user":"ann","seed":7,)"
      R"("temperature":0.25,"max_tokens":12,"stream":true,"stream_options":{"include_usage":true},"x":[1,-2.5,null]})";
  constexpr std::string_view kBytes =
      "{}[]\",:\\u0123456789.-+eEtrfalsn \n\t\x01\x7f\x80\xc3\xa9\xff";
  core::SeededRng rng(17);
  RequestReader reader;
  int accepted = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string text = seed;
    for (auto changes = rng.NextU64() % 4; changes > 0; --changes) {
      const std::size_t at = rng.NextU64() % text.size();
      switch (rng.NextU64() % 3) {
        case 0:
          text[at] = kBytes[rng.NextU64() % kBytes.size()];
          break;
        case 1:
          text.erase(at, 1 + rng.NextU64() % 3);
          break;
        default:
          text.insert(at, 1, kBytes[rng.NextU64() % kBytes.size()]);
      }
    }
    if (Scan(text, 32).whole) {
      ASSERT_TRUE(IsJson(text)) << text;
    }
    text.reserve(text.size() + 64);
    RequestFacts quick;
    RequestFacts full;
    if (!ScanRequest(Endpoint::kChat, text, 32, quick)) continue;
    ++accepted;
    const auto error = reader.Read(Endpoint::kChat, text, 32, full);
    ASSERT_FALSE(error) << text << ": " << error->message;
    EXPECT_EQ(quick.model, full.model) << text;
    EXPECT_EQ(quick.model_offset, full.model_offset);
    EXPECT_EQ(quick.model_bytes, full.model_bytes);
    EXPECT_EQ(quick.stream, full.stream) << text;
    EXPECT_EQ(quick.stream_usage, full.stream_usage) << text;
    EXPECT_EQ(quick.choices, full.choices) << text;
    EXPECT_EQ(quick.temperature, full.temperature) << text;
    EXPECT_EQ(quick.has_seed, full.has_seed) << text;
    EXPECT_EQ(quick.max_tokens, full.max_tokens) << text;
    EXPECT_EQ(quick.user, full.user) << text;
  }
  EXPECT_GT(accepted, 8'000);
}

TEST(JsonScanTest, LeavesRequestsThatLackSomethingToTheFullReader) {
  RequestFacts facts;
  EXPECT_TRUE(ScanRequest(Endpoint::kEmbeddings, R"({"model":"m","input":"x"})", 8, facts));
  EXPECT_TRUE(ScanRequest(Endpoint::kCompletions, R"({"model":"m","prompt":"x"})", 8, facts));
  for (const char* body :
       {R"({"messages":[]})", R"({"model":"m"})", R"({"model":"m","model":"n","messages":[]})",
        R"({"model":1,"messages":[]})", R"({"model":"","messages":[]})",
        R"({"model":"m\n","messages":[]})", R"({"model":"m","messages":{}})",
        R"({"model":"m","messages":[],"stream":1})",
        R"({"model":"m","messages":[],"stream":true,"stream":false})"}) {
    EXPECT_FALSE(ScanRequest(Endpoint::kChat, body, 8, facts)) << body;
  }
}

}  // namespace
}  // namespace assay::gateway
