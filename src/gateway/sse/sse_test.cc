#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "fake_upstream.h"
#include "sse/chat_stream.h"
#include "sse/reader.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;
using std::literals::operator""sv;

struct Seen {
  std::string type, data, id;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> Read(SseReader& reader, std::string_view text, std::size_t piece) {
  std::vector<Seen> seen;
  for (std::size_t begin = 0; begin < text.size(); begin += piece) {
    const auto taken =
        reader.Feed(text.substr(begin, piece), [&](const SseEvent& event, std::size_t) {
          seen.push_back({std::string(event.type), std::string(event.data), std::string(event.id)});
          return true;
        });
    EXPECT_TRUE(taken);
  }
  return seen;
}

// In pieces of every size, and cut once at every byte.
void ExpectEvents(std::string_view text, const std::vector<Seen>& expected) {
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    SseReader reader;
    EXPECT_EQ(Read(reader, text, piece), expected) << "pieces of " << piece;
  }
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    SseReader reader;
    std::vector<Seen> seen = Read(reader, text.substr(0, cut), text.size());
    for (Seen& event : Read(reader, text.substr(cut), text.size()))
      seen.push_back(std::move(event));
    EXPECT_EQ(seen, expected) << "cut at " << cut;
  }
}

TEST(SseReaderTest, FollowsTheExamplesOfTheStandard) {
  ExpectEvents("data: YHOO\ndata: +2\ndata: 10\n\n", {{"message", "YHOO\n+2\n10", ""}});
  ExpectEvents(
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
      {{"message", "first event", "1"}, {"message", "second event", ""}});
  ExpectEvents("data\n\ndata\ndata\n\ndata:", {{"message", "", ""}, {"message", "\n", ""}});
  ExpectEvents("data:test\n\ndata: test\n\n", {{"message", "test", ""}, {"message", "test", ""}});
  ExpectEvents(
      "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\n\ndata: x\n\n",
      {{"add", "73857293", ""}, {"remove", "2153", ""}, {"message", "x", ""}});
}

TEST(SseReaderTest, TakesEveryKindOfLineEnd) {
  ExpectEvents("data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\n\r\ndata: e\r\n\n",
               {{"message", "a", ""},
                {"message", "b", ""},
                {"message", "c", ""},
                {"message", "d", ""},
                {"message", "e", ""}});
}

TEST(SseReaderTest, SkipsTheByteOrderMarkAtTheStartOnly) {
  ExpectEvents(
      "\xEF\xBB\xBF"
      "data: a\n\n\xEF\xBB\xBF"
      "data: b\n\n",
      {{"message", "a", ""}});
}

TEST(SseReaderTest, IgnoresUnknownFieldsAndAnIdWithNul) {
  ExpectEvents("id: 1\nid: a\0b\nretry: 10\nfoo: bar\nDATA: no\ndata: yes\n\n"sv,
               {{"message", "yes", "1"}});
}

TEST(SseReaderTest, SaysWhereEventsEndAndStopsOnRequest) {
  SseReader reader;
  std::vector<std::size_t> ends;
  const std::string text = "data: a\n\ndata: b\n\nda";
  const auto taken = reader.Feed(text, [&](const SseEvent&, std::size_t end) {
    ends.push_back(end);
    return ends.size() < 2;
  });
  ASSERT_TRUE(taken);
  EXPECT_EQ(ends, (std::vector<std::size_t>{9, 18}));
  EXPECT_EQ(*taken, 18U);
  EXPECT_TRUE(reader.at_boundary());
  ASSERT_TRUE(reader.Feed(std::string_view(text).substr(*taken),
                          [](const SseEvent&, std::size_t) { return true; }));
  EXPECT_FALSE(reader.at_boundary());
}

TEST(SseReaderTest, RefusesAnEventThatIsTooLong) {
  const auto all = [](const SseEvent&, std::size_t) { return true; };
  SseReader one_line(100);
  EXPECT_FALSE(one_line.Feed("data: " + std::string(200, 'x'), all));
  SseReader many_lines(100);
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += "data: 0123456789\n";
  EXPECT_FALSE(many_lines.Feed(lines, all));
  SseReader fits(100);
  EXPECT_TRUE(fits.Feed("data: " + std::string(90, 'x') + "\n\n", all));
}

std::string Chunk(std::string_view choices, std::string_view more = "") {
  return "data: "
         "{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\","
         "\"choices\":[" +
         std::string(choices) + "]" + std::string(more) + "}\n\n";
}
std::string Delta(std::string_view delta, std::string_view reason = "null", int index = 0) {
  return Chunk("{\"index\":" + std::to_string(index) + ",\"delta\":" + std::string(delta) +
               ",\"finish_reason\":" + std::string(reason) + "}");
}
constexpr std::string_view kDone = "data: [DONE]\n\n";

// The finished answer, or "ERROR: ...", the same for every way of cutting.
std::string Assemble(const std::string& text) {
  std::string first;
  for (const std::size_t piece : {text.size(), std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
    ChatStreamAssembler assembler;
    for (std::size_t begin = 0; begin < text.size(); begin += piece) {
      assembler.Feed(std::string_view(text).substr(begin, piece));
    }
    const auto answer = assembler.Finish();
    const std::string result = answer ? *answer : "ERROR: " + answer.error().message;
    if (first.empty()) first = result;
    EXPECT_EQ(result, first);
  }
  return first;
}

void ExpectJson(const std::string& text, const char* expected) {
  EXPECT_EQ(json::parse(text), json::parse(expected)) << text;
}

TEST(ChatStreamTest, JoinsTheTextAndKeepsUsageAndUnknownFields) {
  ExpectJson(
      Assemble(
          Delta(R"({"role":"assistant","content":""})") +
          Delta(R"({"content":"Hello","reasoning_content":"a"})") +
          Delta(R"({"content":" world","reasoning_content":"b"})") + Delta("{}", R"("stop")") +
          Chunk(
              "",
              R"(,"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"system_fingerprint":"fp")") +
          std::string(kDone)),
      R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":
               {"role":"assistant","content":"Hello world","reasoning_content":"ab"},"logprobs":null,"finish_reason":"stop"}],
               "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"system_fingerprint":"fp"})");
}

TEST(ChatStreamTest, PutsToolCallsTogether) {
  ExpectJson(
      Assemble(
          Delta(
              R"({"role":"assistant","content":null,"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]})") +
          Delta(
              R"({"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\""}}]})") +
          Delta(
              R"({"tool_calls":[{"index":0,"id":"a","function":{"arguments":":1}"}},{"index":1,"function":{"arguments":"{}"}}]})") +
          Delta("{}", R"("tool_calls")") + std::string(kDone)),
      R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",
        "content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
        {"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls"}]})");
}

TEST(ChatStreamTest, KeepsChoicesApartWithLogprobsAndRefusals) {
  ExpectJson(
      Assemble(
          Delta(R"({"role":"assistant","content":"b"})", "null", 1) +
          Delta(R"({"role":"assistant","content":"a"})") +
          Chunk(
              R"({"index":0,"delta":{"content":"A"},"logprobs":{"content":[{"token":"A","logprob":-1}],"refusal":null},"finish_reason":null})") +
          Chunk(
              R"({"index":0,"delta":{"content":"!"},"logprobs":{"content":[{"token":"!","logprob":-2}],"refusal":null},"finish_reason":"length"})") +
          Delta(R"({"refusal":"I can"})", "null", 1) +
          Delta(R"({"refusal":"not"})", R"("stop")", 1) + std::string(kDone)),
      R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[
        {"index":0,"message":{"role":"assistant","content":"aA!"},"logprobs":{"content":[{"token":"A","logprob":-1},
         {"token":"!","logprob":-2}],"refusal":null},"finish_reason":"length"},
        {"index":1,"message":{"role":"assistant","content":"b","refusal":"I cannot"},"logprobs":null,"finish_reason":"stop"}]})");
}

TEST(ChatStreamTest, JoinsTextCompletions) {
  const auto piece = [](std::string_view text, std::string_view reason) {
    return "data: "
           "{\"id\":\"t\",\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"" +
           std::string(text) + "\",\"logprobs\":null,\"finish_reason\":" + std::string(reason) +
           "}]}\n\n";
  };
  ExpectJson(
      Assemble(piece("a", "null") + piece("b", R"("stop")") + std::string(kDone)),
      R"({"id":"t","object":"text_completion","choices":[{"index":0,"text":"ab","logprobs":null,"finish_reason":"stop"}]})");
}

TEST(ChatStreamTest, ABrokenStreamIsNeverAnAnswer) {
  const std::string good = Delta(R"({"role":"assistant","content":"x"})");
  const std::string end = Delta("{}", R"("stop")");
  const std::string done(kDone);
  for (const std::string& text :
       {std::string(), done, good + done, good + end, good + end + "data: [DON",
        good + "data: {\"choi\n\n" + end + done, good + "data: []\n\n" + end + done,
        good + "data: {\"error\":{\"message\":\"x\"}}\n\n" + end + done,
        good + "event: error\ndata: {}\n\n" + end + done,
        good + Delta("{}", "null", 1) + end + done, good + Chunk("1") + end + done,
        good + Delta("{}", "null", 1'000) + end + done,
        good + Chunk(R"({"index":"0","delta":{}})") + end + done, good + Delta("7") + end + done}) {
    EXPECT_TRUE(Assemble(text).starts_with("ERROR: the upstream's stream is broken")) << text;
  }
  ChatStreamAssembler small(50);
  small.Feed(good + end + done);
  EXPECT_FALSE(small.Finish());
  EXPECT_TRUE(small.broken());
}

TEST(ChatStreamTest, ShowsTheTextSoFarAndWhereAnEventMayBePut) {
  ChatStreamAssembler assembler;
  EXPECT_EQ(assembler.text(), "");
  EXPECT_TRUE(assembler.at_boundary());
  assembler.Feed(Delta(R"({"content":"Hello"})") + "data: {");
  EXPECT_EQ(assembler.text(), "Hello");
  EXPECT_FALSE(assembler.at_boundary());
  assembler.Feed("}\n\n: ping\n\nevent: assay.verdict\ndata: not JSON\n\n");
  EXPECT_TRUE(assembler.at_boundary());
  EXPECT_FALSE(assembler.broken());
}

TEST(ReplayTest, WhatWasAssembledComesBackFromItsReplay) {
  for (
      const char* answer :
      {R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",
           "content":"Grüße,\n\"Welt\"","refusal":null},"logprobs":{"content":[{"token":"a"}]},"finish_reason":"stop"}],
           "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"x":{"y":[1,2]}})",
       R"({"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[
           {"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":
           {"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"[1]"}}]},
           "logprobs":null,"finish_reason":"tool_calls"},
           {"index":1,"message":{"role":"assistant","content":""},"logprobs":null,"finish_reason":"length","extra":7}],
           "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})",
       R"({"id":"t","object":"text_completion","created":1,"model":"m","choices":[{"index":0,"text":"ab","logprobs":null,
           "finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})"}) {
    const auto stream = ReplayAsStream(answer, true);
    ASSERT_TRUE(stream) << stream.error().message;
    ExpectJson(Assemble(*stream), answer);
  }
}

TEST(ReplayTest, LeavesTheUsageOutUnlessAskedAndRefusesOtherJson) {
  const std::string answer = testing::steps::AnswerJson("x");
  EXPECT_EQ(ReplayAsStream(answer, false)->find("usage"), std::string::npos);
  EXPECT_NE(ReplayAsStream(answer, true)->find("\"usage\":{\"prompt_tokens\":20"),
            std::string::npos);
  for (const char* other :
       {"", "[]", "{}", R"({"object":"list","choices":[]})", R"({"object":"chat.completion"})",
        R"({"object":"chat.completion","choices":[1]})"}) {
    EXPECT_FALSE(ReplayAsStream(other, true)) << other;
  }
}

TEST(AppendSseEventTest, LinesOfTheDataAreLinesOfTheEvent) {
  std::string out;
  AppendSseEvent(out, "assay.verdict", "a\nb\r\nc");
  AppendSseEvent(out, "", "");
  EXPECT_EQ(out, "event: assay.verdict\ndata: a\ndata: b\ndata: c\n\ndata: \n\n");
}

}  // namespace
}  // namespace assay::gateway
