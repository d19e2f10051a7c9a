#include "upstream/http/response.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "upstream/http/request_head.h"
#include "upstream/http/url.h"

namespace assay::gateway {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";

ResponseHead Parse(const std::string& text) {
  const auto head = ParseResponseHead(text);
  EXPECT_TRUE(head) << head.error().message;
  EXPECT_TRUE(head->has_value());
  return **head;
}

bool Refused(std::string_view text) {
  return !ParseResponseHead(text).has_value();
}

TEST(ResponseHeadTest, TakesWhatIsNeededWhateverTheCase) {
  const std::string text =
      "HTTP/1.1 429 Too Many\r\nContent-TYPE: application/json; charset=utf-8 "
      "\r\nRetry-After:\t3\r\n"
      "X-Request-ID: abc\r\ncontent-length: 12\r\nretry-after-ms: 250\r\ncontent-encoding: "
      "gzip\r\n\r\nbody";
  const ResponseHead head = Parse(text);
  EXPECT_EQ(head.status, 429);
  EXPECT_EQ(head.content_type, "application/json; charset=utf-8");
  EXPECT_EQ(head.retry_after, "3");
  EXPECT_EQ(head.retry_after_ms, "250");
  EXPECT_EQ(head.request_id, "abc");
  EXPECT_EQ(head.content_encoding, "gzip");
  EXPECT_EQ(head.content_length, 12);
  EXPECT_FALSE(head.chunked);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(text.substr(head.head_bytes), "body");
}

TEST(ResponseHeadTest, IsTheSameWhereverItIsCut) {
  const std::string text = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
  const std::size_t whole = text.find(kEnd) + kEnd.size();
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto head = ParseResponseHead(std::string_view(text).substr(0, cut));
    ASSERT_TRUE(head) << cut;
    ASSERT_EQ(head->has_value(), cut >= whole) << cut;
    EXPECT_TRUE(!*head || (*head)->content_length == 5);
  }
}

TEST(ResponseHeadTest, KeepsAliveAsVersionAndConnectionSay) {
  EXPECT_TRUE(Parse("HTTP/1.1 200\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("HTTP/1.1 200 OK\r\nConnection: foo, Close\r\n\r\n").keep_alive);
  EXPECT_FALSE(Parse("HTTP/1.0 200 OK\r\n\r\n").keep_alive);
  EXPECT_TRUE(Parse("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST(ResponseHeadTest, LengthAndChunkedTogetherAreNotTrustedTwice) {
  const ResponseHead head =
      Parse("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: Chunked\r\n\r\n");
  EXPECT_TRUE(head.chunked);
  EXPECT_EQ(head.content_length, -1);
  EXPECT_FALSE(head.keep_alive);
}

TEST(ResponseHeadTest, RefusesWhatIsNoAnswer) {
  EXPECT_TRUE(Refused("SSH-2.0"));
  EXPECT_TRUE(Refused("HTTP/2 200 OK\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 20 OK\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 600 OK\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 2000\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\nspace : 1\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\na: 1\r\n folded\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\na: 1\nb: 2\r\n\r\n"));
  EXPECT_TRUE(Refused(std::string("HTTP/1.1 200 OK\r\na: \0\r\n\r\n", 26)));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n"));
  EXPECT_TRUE(Refused("HTTP/1.1 200 OK\r\na: " + std::string(kMaxResponseHeadBytes, 'x')));
}

// Decodes `text` in pieces of `piece` bytes; the body, or "ERROR", and "|more" when it is not done.
std::string Decode(ResponseHead head, const std::string& text, std::size_t piece) {
  BodyDecoder decoder(head);
  std::string body;
  for (std::size_t begin = 0; begin < text.size() && !decoder.done(); begin += piece) {
    std::string part = text.substr(begin, piece);
    const auto step = decoder.Decode(part);
    if (!step) return "ERROR";
    body += part.substr(0, step->body_bytes);
    EXPECT_TRUE(step->taken == part.size() || decoder.done());
  }
  return decoder.done() || decoder.until_close() ? body : body + "|more";
}

void ExpectBody(const ResponseHead& head, const std::string& text, const std::string& body) {
  for (std::size_t piece = 1; piece <= text.size(); ++piece)
    EXPECT_EQ(Decode(head, text, piece), body) << piece;
}

TEST(BodyDecoderTest, TakesTheFramingOffHoweverItIsCut) {
  ResponseHead chunked;
  chunked.status = 200;
  chunked.chunked = true;
  ExpectBody(
      chunked,
      "4\r\nWiki\r\n6;a=\"b\"\r\npedia \r\n0E\r\nin \r\n\r\nchunks.\r\n0\r\nExpires: 1\r\n\r\n",
      "Wikipedia in \r\n\r\nchunks.");
  ExpectBody(chunked, "0\r\n\r\n", "");
  ExpectBody(chunked, "3 \r\nabc\r\n0\r\n\r\nnext answer", "abc");
  ExpectBody(chunked, "3\r\nab", "ab|more");
  ExpectBody(chunked, "3\r\nabc\r\n0\r\n", "abc|more");
  ResponseHead length;
  length.status = 200;
  length.content_length = 5;
  ExpectBody(length, "helloX", "hello");
  ExpectBody(length, "hel", "hel|more");
  ResponseHead open;
  open.status = 200;
  ExpectBody(open, "anything", "anything");
}

TEST(BodyDecoderTest, RefusesMalformedChunks) {
  ResponseHead head;
  head.status = 200;
  head.chunked = true;
  for (const char* text :
       {"g\r\n", "\r\n", "-1\r\n", "3\nabc", "3\r\nabcd\r\n", "3\r\nabc0\r\n", "3\rabc",
        "1111111111111111\r\n", "3\r\nabc\r\r\n", "0\r\na\nb\r\n\r\n"}) {
    for (std::size_t piece = 1; piece <= std::string(text).size(); ++piece) {
      EXPECT_EQ(Decode(head, text, piece), "ERROR") << text << " in pieces of " << piece;
    }
  }
}

TEST(BodyDecoderTest, SomeStatusesHaveNoBody) {
  ResponseHead head;
  head.content_length = 5;
  for (const int status : {100, 204, 304}) {
    head.status = status;
    EXPECT_TRUE(BodyDecoder(head).done());
  }
  head.status = 200;
  head.content_length = 0;
  EXPECT_TRUE(BodyDecoder(head).done());
}

TEST(BodyDecoderTest, RandomChunkedBodiesComeBack) {
  core::SeededRng rng(7);
  for (int round = 0; round < 300; ++round) {
    std::string body;
    std::string wire;
    const std::size_t chunks = rng.Below(6);
    for (std::size_t i = 0; i < chunks; ++i) {
      std::string chunk(1 + rng.Below(40), ' ');
      for (char& c : chunk) c = "\r\n0a;"[rng.Below(5)];
      char size[8];
      const int digits =
          std::snprintf(size, sizeof(size), rng.Below(2) != 0 ? "%zx" : "%zX", chunk.size());
      wire += std::string(size, static_cast<std::size_t>(digits)) + "\r\n" + chunk + "\r\n";
      body += chunk;
    }
    wire += "0\r\n\r\n";
    ResponseHead head;
    head.status = 200;
    head.chunked = true;
    EXPECT_EQ(Decode(head, wire, 1 + rng.Below(wire.size())), body);
  }
}

TEST(UpstreamUrlTest, TakesAUrlApart) {
  const auto url = ParseUpstreamUrl("http://127.0.0.1:8000/v1/");
  ASSERT_TRUE(url);
  EXPECT_FALSE(url->tls);
  EXPECT_EQ(url->host, "127.0.0.1");
  EXPECT_EQ(url->port, 8000);
  EXPECT_EQ(url->prefix, "/v1");
  EXPECT_EQ(url->authority, "127.0.0.1:8000");
  const auto openai = ParseUpstreamUrl("https://api.openai.com/v1");
  ASSERT_TRUE(openai);
  EXPECT_TRUE(openai->tls);
  EXPECT_EQ(openai->port, 443);
  EXPECT_EQ(openai->authority, "api.openai.com");
  const auto six = ParseUpstreamUrl("http://[::1]:81");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->port, 81);
  EXPECT_EQ(six->prefix, "");
  EXPECT_EQ(six->authority, "[::1]:81");
}

TEST(UpstreamUrlTest, RefusesWhatIsNoBaseUrl) {
  for (const char* url :
       {"", "127.0.0.1:8000", "ftp://x", "http://", "http:///v1", "http://x:0", "http://x:65536",
        "http://x:", "http://x:1a", "http://x/v1?a=b", "http://x/#f", "http://a b/", "http://[::1",
        "http://[::1]x", "http://x/\r\n"}) {
    const auto parsed = ParseUpstreamUrl(url);
    ASSERT_FALSE(parsed) << url;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
  }
}

TEST(UpstreamUrlTest, APasswordInAUrlIsNotShown) {
  const auto url = ParseUpstreamUrl("https://user:hunter2@host/v1");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos);
}

TEST(JsonStringTest, EscapesWhatJsonRequires) {
  std::string out;
  AppendJsonString(out, "a\"b\\c\n\x01é");
  EXPECT_EQ(out, "\"a\\\"b\\\\c\\u000a\\u0001é\"");
}

}  // namespace
}  // namespace assay::gateway
