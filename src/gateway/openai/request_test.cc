#include <string>

#include <gtest/gtest.h>

#include "openai/request_internal.h"
#include "stages/cache_wish_internal.h"

namespace assay::gateway {
namespace {

constexpr std::size_t kDepth = 64;

struct Read {
  std::optional<ApiError> error;
  RequestFacts facts;
  std::string canonical;
  core::Hash128 key;
};

Read ReadBody(std::string body, Endpoint endpoint = Endpoint::kChat, std::size_t depth = kDepth) {
  static RequestReader reader;
  Read read;
  body.reserve(body.size() + 64);
  read.error = reader.Read(endpoint, body, depth, read.facts);
  if (!read.error) {
    read.canonical = reader.CanonicalForTest();
    read.key = reader.Key("tenant", 1);
  }
  return read;
}

core::Hash128 KeyOf(const std::string& body) {
  const Read read = ReadBody(body);
  EXPECT_FALSE(read.error) << body << ": " << (read.error ? read.error->message : "");
  return read.key;
}

std::string ErrorOf(const std::string& body, Endpoint endpoint = Endpoint::kChat) {
  const Read read = ReadBody(body, endpoint);
  return read.error ? read.error->code + "/" + read.error->param : "";
}

TEST(RequestKeyTest, DoesNotDependOnOrderWhitespaceOrTheFormOfNumbers) {
  const core::Hash128 key = KeyOf(
      R"({"model":"m","messages":[{"role":"user","content":"h\u00e9"}],"temperature":0.5,"top_p":1})");
  EXPECT_EQ(key, KeyOf("{ \"top_p\" : 1.0, \"temperature\": 5e-1,\n"
                       " \"messages\" : [ {\"content\":\"h\xc3\xa9\", \"role\":\"user\"} ],"
                       " \"model\":\"m\" }"));
}

TEST(RequestKeyTest, DoesNotDependOnWhatLeavesTheAnswerAsItIs) {
  const core::Hash128 key = KeyOf(R"({"model":"m","messages":[]})");
  EXPECT_EQ(key, KeyOf(R"({"model":"m","messages":[],"stream":true,"user":"u","metadata":{"a":1},)"
                       R"("stream_options":{"include_usage":true},"store":false})"));
}

TEST(RequestKeyTest, DependsOnEverythingElse) {
  const core::Hash128 key = KeyOf(R"({"model":"m","messages":[{"role":"user","content":"1"}]})");
  for (const char* other :
       {R"({"model":"n","messages":[{"role":"user","content":"1"}]})",
        R"({"model":"m","messages":[{"role":"user","content":1}]})",
        R"({"model":"m","messages":[{"role":"system","content":"1"}]})",
        R"({"model":"m","messages":[{"role":"user","content":"1"},{"role":"user","content":""}]})",
        R"({"model":"m","messages":[{"role":"user","content":"1"}],"seed":7})",
        R"({"model":"m","messages":[{"role":"user","content":"1"}],"unknown":null})",
        R"({"model":"m","messages":[{"role":"user","content":"1 "}]})"}) {
    EXPECT_NE(key, KeyOf(other)) << other;
  }
  RequestReader reader;
  RequestFacts facts;
  std::string body = R"({"model":"m","messages":[]})";
  body.reserve(body.size() + 64);
  ASSERT_FALSE(reader.Read(Endpoint::kChat, body, kDepth, facts));
  const core::Hash128 mine = reader.Key("a", 1);
  EXPECT_NE(mine, reader.Key("b", 1));
  EXPECT_NE(mine, reader.Key("a", 2));
  EXPECT_EQ(mine, reader.Key("a", 1));
}

TEST(RequestKeyTest, LargeIntegersStayApart) {
  EXPECT_NE(KeyOf(R"({"model":"m","messages":[],"seed":9007199254740993})"),
            KeyOf(R"({"model":"m","messages":[],"seed":9007199254740992})"));
  EXPECT_NE(KeyOf(R"({"model":"m","messages":[],"seed":36893488147419103233})"),
            KeyOf(R"({"model":"m","messages":[],"seed":36893488147419103234})"));
}

TEST(RequestReaderTest, CanonicalFormIsSortedAndWithoutWhitespace) {
  EXPECT_EQ(ReadBody(R"({ "model": "m", "messages": [ { "b": [1, -0, 2.50], "a": "\u0041\n" } ] })")
                .canonical,
            "{\"messages\":[{\"a\":\"A\\u000a\",\"b\":[1,0,2.5,],},],\"model\":\"m\",}");
}

TEST(RequestReaderTest, FindsTheModelForTheUpstreamsOwnName) {
  const std::string body = R"({"messages":[],"model" : "gpt\u002d4","stream":true,)"
                           R"("stream_options":{"include_usage":true},"n":3,"max_tokens":12})";
  const Read read = ReadBody(body);
  ASSERT_FALSE(read.error);
  EXPECT_EQ(read.facts.model, "gpt-4");
  EXPECT_EQ(body.substr(read.facts.model_offset, read.facts.model_bytes), R"("gpt\u002d4")");
  EXPECT_TRUE(read.facts.stream);
  EXPECT_TRUE(read.facts.stream_usage);
  EXPECT_EQ(read.facts.choices, 3);
  EXPECT_EQ(read.facts.max_tokens, 12);
}

TEST(RequestReaderTest, NamesWhatIsWrong) {
  EXPECT_EQ(ErrorOf("{"), "invalid_json/");
  EXPECT_EQ(ErrorOf("[]"), "invalid_json/");
  EXPECT_EQ(ErrorOf(R"({"model":"m","messages":[]} x)"), "invalid_json/");
  EXPECT_EQ(ErrorOf(R"({"model":"m","messages":[01]})"), "invalid_json/");
  EXPECT_EQ(ErrorOf(R"({"model":"m","messages":[nul]})"), "invalid_json/");
  EXPECT_EQ(ErrorOf("{\"model\":\"m\",\"messages\":[\"\xff\"]}"), "invalid_json/");
  EXPECT_EQ(ErrorOf(R"({"messages":[]})"), "missing_required_parameter/model");
  EXPECT_EQ(ErrorOf(R"({"model":7,"messages":[]})"), "invalid_type/model");
  EXPECT_EQ(ErrorOf(R"({"model":"m","model":"n","messages":[]})"), "duplicate_field/model");
  EXPECT_EQ(ErrorOf(R"({"model":"m"})"), "missing_required_parameter/messages");
  EXPECT_EQ(ErrorOf(R"({"model":"m"})", Endpoint::kCompletions),
            "missing_required_parameter/prompt");
  EXPECT_EQ(ErrorOf(R"({"model":"m"})", Endpoint::kEmbeddings), "missing_required_parameter/input");
  EXPECT_EQ(ErrorOf(R"({"model":"m","messages":[],"stream":"yes"})"), "invalid_type/stream");
}

TEST(RequestReaderTest, BoundsTheDepth) {
  std::string deep = R"({"model":"m","messages":)";
  deep += std::string(200, '[') + std::string(200, ']') + "}";
  EXPECT_EQ(ErrorOf(deep), "json_too_deep/");
}

TEST(CacheWishTest, ReadsRequestDirectives) {
  CacheWish wish;
  ASSERT_FALSE(ReadCacheWish("no-cache", "", wish));
  EXPECT_FALSE(wish.may_read);
  EXPECT_TRUE(wish.may_write);
  ASSERT_FALSE(ReadCacheWish("No-Store, x=1", "15m", wish));
  EXPECT_FALSE(wish.may_read);
  EXPECT_FALSE(wish.may_write);
  EXPECT_EQ(wish.ttl_ms, 900'000);
  ASSERT_FALSE(ReadCacheWish("max-age=60, only-if-cached", "90", wish));
  EXPECT_EQ(wish.max_age_ms, 60'000);
  EXPECT_TRUE(wish.only_if_cached);
  EXPECT_EQ(wish.ttl_ms, 90'000);
  EXPECT_EQ(ReadCacheWish("max-age=soon", "", wish)->param, "cache-control");
  EXPECT_EQ(ReadCacheWish("", "1 week", wish)->param, "x-assay-ttl");
}

}  // namespace
}  // namespace assay::gateway
