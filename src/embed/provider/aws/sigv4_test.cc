#include "provider/aws/sigv4.h"

#include <string>

#include <gtest/gtest.h>

namespace assay::embed::internal {
namespace {

// AWS's published example account.
constexpr std::string_view kKeyId = "AKIDEXAMPLE";
constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kTime = "20150830T123600Z";

SignedRequest Request(std::string method, std::string path = "/", std::string query = {}) {
  return {.method = std::move(method),
          .path = std::move(path),
          .query = std::move(query),
          .headers = {{"Host", "example.amazonaws.com"}, {"X-Amz-Date", std::string(kTime)}},
          .body = {}};
}

std::string SignatureOf(const SignedRequest& request, std::string_view service = "service") {
  const auto signature = SignV4(
      request, {.region = "us-east-1", .service = std::string(service), .time = std::string(kTime)},
      kKeyId, kSecret);
  EXPECT_TRUE(signature) << signature.error().message;
  if (!signature) return {};
  return signature->authorization.substr(signature->authorization.find("Signature=") + 10);
}

// The suite "aws-sig-v4-test-suite": the signatures that AWS publishes with it.
TEST(SigV4, EqualsThePublishedSuite) {
  EXPECT_EQ(SignatureOf(Request("GET")),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(SignatureOf(Request("POST")),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  EXPECT_EQ(SignatureOf(Request("GET", "/", "Param2=value2&Param1=value1")),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  SignedRequest form = Request("POST");
  form.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  form.body = "Param1=value1";
  EXPECT_EQ(SignatureOf(form), "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
  SignedRequest spaces = Request("GET");
  spaces.headers.emplace_back("My-Header1", "  value1");
  spaces.headers.emplace_back("My-Header2", " \"a   b   c\"");
  EXPECT_EQ(SignatureOf(spaces),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
  EXPECT_EQ(SignatureOf(Request("GET", "/example/..")), SignatureOf(Request("GET")));
  EXPECT_EQ(SignatureOf(Request("GET", "/./example//")),
            "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84");
}

TEST(SigV4, EqualsTheDocumentedExampleOfListUsers) {
  SignedRequest request = Request("GET", "/", "Action=ListUsers&Version=2010-05-08");
  request.headers[0].second = "iam.amazonaws.com";
  request.headers.emplace_back("content-type", "application/x-www-form-urlencoded; charset=utf-8");
  const auto signature =
      SignV4(request, {.region = "us-east-1", .service = "iam", .time = std::string(kTime)}, kKeyId,
             kSecret);
  ASSERT_TRUE(signature);
  EXPECT_EQ(signature->string_to_sign,
            "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
  EXPECT_EQ(signature->authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, "
            "Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

// Computed by botocore 1.44.5 for this request.
TEST(SigV4, SignsAnInvocationOfBedrockAsBotocoreDoes) {
  SignedRequest request = Request("POST", "/model/amazon.titan-embed-text-v2%3A0/invoke");
  request.headers[0].second = "bedrock-runtime.us-east-1.amazonaws.com";
  request.headers.emplace_back("content-type", "application/json");
  request.headers.emplace_back("accept", "application/json");
  request.headers.emplace_back("x-amz-security-token", "TOKEN/+=");
  request.body = R"({"inputText":"hi"})";
  EXPECT_EQ(SignatureOf(request, "bedrock"),
            "4517aa348cb231dfac2d7a2656ca796986286287f3dd3a8b04d1dfc8c4a35cbe");
}

TEST(SigV4, WritesTimesAndEncodesNames) {
  EXPECT_EQ(AmzTime(1'440'938'160), "20150830T123600Z");
  EXPECT_EQ(AmzTime(0), "19700101T000000Z");
  EXPECT_EQ(UriEncode("amazon.titan-embed-text-v2:0", Slash::kEncode),
            "amazon.titan-embed-text-v2%3A0");
  EXPECT_EQ(UriEncode("a/b ~\xC3\xA9", Slash::kKeep), "a/b%20~%C3%A9");
}

TEST(SigV4, NeedsAKey) {
  EXPECT_FALSE(SignV4(Request("GET"), {.region = "r", .service = "s", .time = "20150830T123600Z"},
                      "id", ""));
  EXPECT_FALSE(SignV4(Request("GET"), {.region = "r", .service = "s", .time = "2015"}, "id", "k"));
}

}  // namespace
}  // namespace assay::embed::internal
