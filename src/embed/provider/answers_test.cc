#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "provider/aws/profile_file.h"
#include "provider/http/answer_json.h"
#include "provider/http/http_client.h"

namespace assay::embed::internal {
namespace {

TEST(OpenAiAnswer, TakesArraysAndBase64InAnyOrder) {
  std::vector<float> out(6);
  const auto tokens = ReadOpenAiAnswer(
      R"({"data":[{"index":2,"embedding":[5,-0.5]},{"index":0,"embedding":"AACAPwAAAMA="},)"
      R"({"index":1,"embedding":"AACAPwAAAMA"}],"usage":{"prompt_tokens":7}})",
      2, out);
  ASSERT_TRUE(tokens) << tokens.error().message;
  EXPECT_EQ(*tokens, 7U);
  EXPECT_EQ(out, (std::vector<float>{1, -2, 1, -2, 5, -0.5}));
  EXPECT_EQ(ReadOpenAiAnswer(R"({"data":[{"embedding":[1]},{"embedding":[2]}]})", 1,
                             std::span(out).first(2)),
            0U)
      << "without indices the order counts";
}

TEST(OpenAiAnswer, WhatCannotBeReadMayBeTriedAgain) {
  for (const char* body :
       {"", "OK", "{", "[]", R"({"data":[]})", R"({"data":[{"index":0,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":[1,2]},{"index":2,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":[1,2]},{"index":-1,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":[1,NaN]},{"index":1,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":[1,1e39]},{"index":1,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":[1,null]},{"index":1,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":"AACAPwAAwH8="},{"index":1,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":"AA?="},{"index":1,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":"AAAAA"},{"index":1,"embedding":[1,2]}]})",
        R"({"data":[{"index":0,"embedding":true},{"index":1,"embedding":[1,2]}]})"}) {
    std::vector<float> out(4);
    const auto read = ReadOpenAiAnswer(body, 2, out);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().code, Code::kUnavailable) << body;
  }
}

TEST(Answers, AnotherDimensionIsAnErrorForGood) {
  std::vector<float> out(2);
  for (const char* vector : {"[1,2,3]", "[1]", "[]", R"("AACAPw==")"}) {
    const auto read = ReadTitanAnswer(std::string(R"({"embedding":)") + vector + "}", out);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Code::kFailedPrecondition) << vector;
  }
}

TEST(Answers, ErrorsSpeakInTheServersWords) {
  EXPECT_EQ(ReadErrorMessage(R"({"error":{"message":"no such model"}})"), "no such model");
  EXPECT_EQ(ReadErrorMessage(R"({"message":"slow down"})"), "slow down");
  EXPECT_EQ(ReadErrorMessage(R"({"Message":"slow down"})"), "slow down");
  EXPECT_EQ(ReadErrorMessage("<html>"), "");
  const Error error = ErrorOfStatus("host", 503, "line\nbreak\x1b[31m");
  EXPECT_EQ(error.code, Code::kUnavailable);
  EXPECT_NE(error.message.find("line break [31m"), std::string::npos);
  EXPECT_EQ(ErrorOfStatus("host", 429, "").code, Code::kResourceExhausted);
  EXPECT_EQ(ErrorOfStatus("host", 403, "").code, Code::kPermissionDenied);
  EXPECT_EQ(ErrorOfStatus("host", 400, "").code, Code::kInvalidArgument);
  EXPECT_EQ(ErrorOfStatus("host", 307, "").code, Code::kFailedPrecondition);
  EXPECT_LT(ErrorOfStatus("host", 400, std::string(9'000, 'x')).message.size(), 500U);
}

TEST(JsonText, EscapesWhatMustBeAndRepairsUtf8) {
  EXPECT_EQ(JsonString("a\"b\\c\n\x01/é"), R"("a\"b\\c\u000a\u0001/é")");
  EXPECT_EQ(JsonString("\xFF"), "\"\xEF\xBF\xBD\"");
}

TEST(UrlText, IsTakenApart) {
  const auto url = Url::Parse("https://Host.example:8443/v1/");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->Origin() + url->path, "https://Host.example:8443/v1");
  EXPECT_EQ(url->authority, "Host.example:8443");
  EXPECT_EQ(Url::Parse("https://a:443")->authority, "a");
  EXPECT_EQ(Url::Parse("http://[::1]:80")->authority, "[::1]");
  EXPECT_TRUE(Url::Parse("http://127.0.0.1:9")->loopback());
  EXPECT_FALSE(Url::Parse("http://127.evil.example")->loopback());
  for (const char* bad : {"", "ftp://a", "https://", "https://a b", "https://a:0",
                          "https://a:65536", "https://a:1x", "https://u@a", "https://a/?q",
                          "https://a/#f", "https://a/\r\nx: y", "https://[::1", "https://[]"}) {
    EXPECT_FALSE(Url::Parse(bad)) << bad;
  }
}

TEST(UrlText, SecretsStayOnThisMachineOrEncrypted) {
  EXPECT_TRUE(CheckSecrecy(*Url::Parse("https://a"), {}));
  EXPECT_TRUE(CheckSecrecy(*Url::Parse("http://localhost:1"), {}));
  EXPECT_EQ(CheckSecrecy(*Url::Parse("http://10.0.0.1"), {}).error().code,
            Code::kFailedPrecondition);
  EXPECT_TRUE(CheckSecrecy(*Url::Parse("http://10.0.0.1"), {.allow_plain_http = true}));
}

TEST(ProfileFileText, IsReadAsAwsToolsDo) {
  const auto file = ReadProfileFile(
      "# comment\n; too\n[default]\nAWS_Access_Key_Id = AK ; tail\nregion=eu-west-1\n"
      "s3 =\n  nested = 1\n[profile b]\r\nregion = us-east-1\r\nregion = us-west-2\r\n",
      "f");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->at("default").at("aws_access_key_id").view(), "AK");
  EXPECT_EQ(file->at("default").at("s3").view(), "");
  EXPECT_FALSE(file->at("default").contains("nested"));
  EXPECT_EQ(file->at("profile b").at("region").view(), "us-west-2");
}

TEST(ProfileFileText, ErrorsNameTheLineAndNeverTheContent) {
  for (const auto& [text, place] : {std::pair{"[a]\nsecret", "f:2"},
                                    {"k = secret", "f:1"},
                                    {"[secret", "f:1"},
                                    {"\n\n[a]\n=secret", "f:4"}}) {
    const auto file = ReadProfileFile(text, "f");
    ASSERT_FALSE(file) << text;
    EXPECT_TRUE(file.error().message.starts_with(place)) << file.error().message;
    EXPECT_EQ(file.error().message.find("secret"), std::string::npos);
  }
}

}  // namespace
}  // namespace assay::embed::internal
