#include "assay/config/reader.h"

#include <array>
#include <memory>
#include <span>

#include <gtest/gtest.h>

#include "assay/config/parse.h"

namespace assay::config {
namespace {

Document ParseGood(std::string_view text) {
  auto document = Parse(text, "assay.yaml", Syntax::kYaml);
  EXPECT_TRUE(document.has_value()) << (document ? "" : document.error().message);
  return document ? *std::move(document) : Document{};
}

TEST(ConfigReader, ReadsEveryKindAndFallsBackWhereAKeyIsAbsent) {
  const Document document = ParseGood(
      "listen: 127.0.0.1:9000\nthreads: 4\nratio: 1\ntls: true\ntimeout: 250 ms\ncache: 64 MiB\n"
      "tags: [a, b]\nupstreams:\n  - url: http://one\n  - url: http://two\nroutes:\n  fast: {ttl: "
      "5 min}\n");
  Reader root(document);
  EXPECT_EQ(root.String("listen", ""), "127.0.0.1:9000");
  EXPECT_EQ(root.Integer("threads", 1, 1, 64), 4);
  EXPECT_EQ(root.Number("ratio", 0.5), 1.0);
  EXPECT_TRUE(root.Bool("tls", false));
  EXPECT_EQ(root.DurationMs("timeout", 0), 250);
  EXPECT_EQ(root.SizeBytes("cache", 0), 64 * 1024 * 1024);
  EXPECT_EQ(root.StringList("tags"), (std::vector<std::string>{"a", "b"}));
  std::vector<std::string> urls;
  for (Reader& upstream : root.MapList("upstreams")) urls.push_back(upstream.RequiredString("url"));
  EXPECT_EQ(urls, (std::vector<std::string>{"http://one", "http://two"}));
  auto routes = root.NamedMaps("routes");
  ASSERT_EQ(routes.size(), 1U);
  EXPECT_EQ(routes[0].name(), "fast");
  EXPECT_EQ(routes[0].DurationMs("ttl", 0), 300000);
  EXPECT_EQ(root.Integer("absent", 7), 7);
  EXPECT_TRUE(root.Finish().has_value());
}

TEST(ConfigReader, NamesFileLineAndPathOfEveryProblemAtOnce) {
  const Document document =
      ParseGood("threads: 4000\nlisen: x\nupstreams:\n  - {uri: y}\ntimeout: 30\n");
  Reader root(document);
  EXPECT_EQ(root.Integer("threads", 2, 1, 1024), 2);
  EXPECT_EQ(root.String("listen", "fallback"), "fallback");
  for (Reader& upstream : root.MapList("upstreams")) EXPECT_EQ(upstream.RequiredString("url"), "");
  EXPECT_EQ(root.DurationMs("timeout", 9), 9);
  const auto result = root.Finish();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kInvalidArgument);
  EXPECT_EQ(
      result.error().message,
      "assay.yaml:1:10: threads: is 4000, but must be from 1 to 1024\n"
      "assay.yaml:2:1: lisen: unknown key; did you mean 'listen'?\n"
      "assay.yaml:4:5: upstreams[0].url: is missing; it has no default\n"
      "assay.yaml:4:6: upstreams[0].uri: unknown key; did you mean 'url'?\n"
      "assay.yaml:5:10: timeout: must be a duration with its unit, such as \"250 ms\", \"30 s\", "
      "\"5 min\" or \"2 h\"");
}

TEST(ConfigReader, RefusesWrongKindsWithBothKindsNamed) {
  const Document document = ParseGood("name: [1]\nport: abc\non: 1\nmode: fst\n");
  Reader root(document);
  EXPECT_EQ(root.String("name", "n"), "n");
  EXPECT_EQ(root.Integer("port", 5), 5);
  EXPECT_FALSE(root.Bool("on", false));
  constexpr std::array<std::string_view, 2> kModes = {"fast", "exact"};
  EXPECT_EQ(root.Choice("mode", kModes, 1), 1U);
  const auto result = root.Finish();
  ASSERT_FALSE(result.has_value());
  EXPECT_NE(result.error().message.find("1:7: name: must be a string, but is a list"),
            std::string::npos)
      << result.error().message;
  EXPECT_NE(result.error().message.find("2:7: port: must be an integer, but is a string"),
            std::string::npos);
  EXPECT_NE(result.error().message.find("3:5: on: must be true or false, but is an integer"),
            std::string::npos);
  EXPECT_NE(result.error().message.find("4:7: mode: is 'fst'; did you mean 'fast'?"),
            std::string::npos);
}

TEST(ConfigReader, NamesTheSourceAloneOfAValueThatStandsInNoFile) {
  const auto arena = std::make_shared<Arena>();
  const Member member{"size", Value(arena->Text("big"))};
  const Document document{"ASSAY_SIZE", Value(arena->Map(std::span(&member, 1))), {}, arena};
  Reader reader(document);
  EXPECT_EQ(reader.Integer("size", 7), 7);
  EXPECT_EQ(reader.Finish().error().message,
            "ASSAY_SIZE: size: must be an integer, but is a string");
}

TEST(ConfigReader, AScalarRootIsAProblemNotACrash) {
  const Document document = ParseGood("just text\n");
  Reader root(document);
  EXPECT_EQ(root.Integer("x", 3), 3);
  ASSERT_FALSE(root.Finish().has_value());
}

TEST(DidYouMean, FindsSlipsButNotOtherWords) {
  constexpr std::array<std::string_view, 3> kWords = {"upstreams", "listen", "ttl"};
  EXPECT_EQ(DidYouMean("upstream", kWords), "upstreams");
  EXPECT_EQ(DidYouMean("lsiten", kWords), "listen");  // a transposition
  EXPECT_EQ(DidYouMean("TTL", kWords), "ttl");
  EXPECT_EQ(DidYouMean("database", kWords), "");
}

}  // namespace
}  // namespace assay::config
