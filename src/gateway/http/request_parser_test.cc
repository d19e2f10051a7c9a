#include <string>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "http/request_parser_internal.h"

namespace assay::gateway {
namespace {

namespace http = boost::beast::http;

struct Parsed {
  HeadResult result;
  RequestView view;
};

Parsed Parse(std::string_view bytes, const ParseLimits& limits = {}) {
  Parsed parsed;
  parsed.result = ParseHead(bytes, 0, limits, parsed.view);
  return parsed;
}

std::string_view CodeOf(std::string_view bytes, const ParseLimits& limits = {}) {
  const Parsed parsed = Parse(bytes, limits);
  return parsed.result.status == HeadStatus::kRefused ? parsed.result.error.code : "";
}

TEST(RequestParserTest, ReadsARequestInViews) {
  const std::string bytes =
      "POST /v1/chat/completions?a=b HTTP/1.1\r\nHost: h\r\nAuthorization:  Bearer x \r\n"
      "Content-Length: 2\r\nX-Assay-TTL: 60\r\n\r\n{}";
  const Parsed parsed = Parse(bytes);
  ASSERT_EQ(parsed.result.status, HeadStatus::kComplete);
  EXPECT_EQ(bytes.substr(parsed.result.head_bytes), "{}");
  EXPECT_EQ(parsed.view.method, "POST");
  EXPECT_EQ(parsed.view.path, "/v1/chat/completions");
  EXPECT_EQ(parsed.view.query, "a=b");
  EXPECT_EQ(parsed.view.authorization, "Bearer x");
  EXPECT_EQ(parsed.view.assay_ttl, "60");
  EXPECT_EQ(parsed.view.content_length, 2U);
  EXPECT_TRUE(parsed.view.keep_alive);
  EXPECT_EQ(parsed.view.fields().size(), 4U);
}

TEST(RequestParserTest, NeedsMoreUntilTheEmptyLine) {
  const std::string bytes = "GET / HTTP/1.1\r\nhost: h\r\n\r\n";
  RequestView view;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const HeadResult result = ParseHead(std::string_view(bytes).substr(0, size),
                                        size == 0 ? 0 : size - 1, ParseLimits{}, view);
    EXPECT_EQ(result.status, HeadStatus::kNeedMore) << size;
  }
  EXPECT_EQ(ParseHead(bytes, bytes.size() - 1, ParseLimits{}, view).status, HeadStatus::kComplete);
}

TEST(RequestParserTest, RefusesWhatLetsRequestsBeSmuggled) {
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"),
            "bad_content_length");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n"
                   "transfer-encoding: chunked\r\n\r\n"),
            "bad_content_length");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip, chunked\r\n\r\n"),
            "transfer_encoding_not_supported");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost : h\r\n\r\n"), "bad_header");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost: h\r\n folded: x\r\n\r\n"), "bad_header");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost: h\nx: y\r\n\r\n"), "bad_header");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost: h\r\nhost: i\r\n\r\n"), "bad_host");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\n\r\n"), "bad_host");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost: h\r\ncontent-length: -1\r\n\r\n"),
            "bad_content_length");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost: h\r\ncontent-length: 18446744073709551616\r\n\r\n"),
            "bad_content_length");
}

TEST(RequestParserTest, EveryLimitHasItsOwnError) {
  const std::string long_head = "GET / HTTP/1.1\r\nhost: h\r\nx: " + std::string(40'000, 'a');
  EXPECT_EQ(CodeOf(long_head), "headers_too_large");
  std::string many = "GET / HTTP/1.1\r\nhost: h\r\n";
  for (int i = 0; i < 120; ++i) many += "x: y\r\n";
  EXPECT_EQ(CodeOf(many + "\r\n"), "too_many_headers");
  EXPECT_EQ(CodeOf("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4194305\r\n\r\n"),
            "body_too_large");
  EXPECT_EQ(CodeOf("GET / HTTP/2.0\r\nhost: h\r\n\r\n"), "http_version_not_supported");
  EXPECT_EQ(CodeOf("GET / HTTP/1.1\r\nhost: h\r\nexpect: tea\r\n\r\n"), "expectation_failed");
  EXPECT_EQ(CodeOf(std::string_view("\x16\x03\x01\x02", 4)), "bad_request_line");
}

TEST(RequestParserTest, ConnectionOptionsAndHttp10DecideKeepAlive) {
  EXPECT_FALSE(Parse("GET / HTTP/1.1\r\nhost: h\r\nconnection: x, Close\r\n\r\n").view.keep_alive);
  EXPECT_FALSE(Parse("GET / HTTP/1.0\r\n\r\n").view.keep_alive);
  EXPECT_TRUE(Parse("GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n").view.keep_alive);
}

TEST(ChunkDecoderTest, IsTheSameHoweverTheBodyIsCut) {
  const std::string bytes = "4;ext=1\r\nWiki\r\n5\r\npedia\r\n0\r\ntrailer: x\r\n\r\nNEXT";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    ChunkDecoder decoder;
    std::string body;
    std::size_t taken = 0;
    while (!decoder.done() && taken < bytes.size()) {
      taken += decoder.Feed(std::string_view(bytes).substr(taken, piece), ParseLimits{}, body);
      ASSERT_FALSE(decoder.refused());
    }
    EXPECT_EQ(body, "Wikipedia");
    EXPECT_EQ(bytes.substr(taken), "NEXT");
  }
}

TEST(ChunkDecoderTest, RefusesWrongSizesAndTooMuch) {
  const auto code = [](std::string_view bytes) {
    ChunkDecoder decoder;
    std::string body;
    (void)decoder.Feed(bytes, ParseLimits{.body_bytes = 8}, body);
    return decoder.refused() ? decoder.error().code : std::string_view();
  };
  EXPECT_EQ(code("x\r\n"), "bad_chunk");
  EXPECT_EQ(code("4\nWiki"), "bad_chunk");
  EXPECT_EQ(code("4\r\nWikipedia"), "bad_chunk");
  EXPECT_EQ(code("9\r\n"), "body_too_large");
  EXPECT_EQ(code("ffffffffffffffffff\r\n"), "bad_chunk");
}

// Whatever both parsers take, they must read alike; Beast is the oracle.
TEST(RequestParserTest, ReadsWhatBeastReads) {
  core::SeededRng rng(17);
  const std::string seed =
      "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nAccept: */*\r\n"
      "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}";
  int both = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = seed;
    for (std::uint64_t edit = rng.Below(3); edit > 0; --edit) {
      static constexpr std::string_view kBytes = " \t:\r\nA0/.,;-\"%\x01\x7f";
      bytes[rng.Below(bytes.size())] = kBytes[rng.Below(kBytes.size())];
    }
    const Parsed ours = Parse(bytes);
    if (ours.result.status != HeadStatus::kComplete) continue;
    http::request_parser<http::string_body> beast;
    boost::system::error_code error;
    beast.eager(false);
    beast.put(boost::asio::buffer(bytes), error);
    if (error || !beast.is_header_done()) continue;
    ++both;
    const auto& message = beast.get();
    ASSERT_EQ(ours.view.method, std::string_view(message.method_string())) << bytes;
    ASSERT_EQ(ours.view.target, std::string_view(message.target())) << bytes;
    ASSERT_EQ(ours.view.keep_alive, message.keep_alive()) << bytes;
    ASSERT_EQ(ours.view.chunked, message.chunked()) << bytes;
    std::size_t index = 0;
    for (const auto& field : message) {
      ASSERT_LT(index, ours.view.fields().size()) << bytes;
      EXPECT_EQ(ours.view.fields()[index].name, std::string_view(field.name_string())) << bytes;
      EXPECT_EQ(ours.view.fields()[index].value, std::string_view(field.value())) << bytes;
      ++index;
    }
    EXPECT_EQ(index, ours.view.fields().size());
  }
  EXPECT_GT(both, 5'000);  // or the oracle compared nothing
}

}  // namespace
}  // namespace assay::gateway
