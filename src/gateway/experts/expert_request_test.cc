#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "experts/circle_internal.h"

namespace assay::gateway {
namespace {

constexpr std::string_view kPlain =
    R"({"model":"panel","temperature":0.9,"stream":true,"stream_options":{"include_usage":true},)"
    R"("seed":7,"messages":[{"role":"user","content":"How long?"}]})";

ExpertSettings Expert(std::string_view model, std::string_view system, double temperature = -1) {
  ExpertSettings expert;
  expert.upstream = "u";
  expert.model = model;
  expert.system = system;
  expert.temperature = temperature;
  return expert;
}

boost::json::value Sent(std::string_view request, const ExpertSettings& expert) {
  const auto read = Circle::Read(request);
  EXPECT_TRUE(read) << request;
  return boost::json::parse(ExpertRequest(read->body, expert));
}

TEST(ExpertRequest, CarriesTheExpertsModelPromptAndTemperatureAndIsNeverAStream) {
  const auto sent = Sent(kPlain, Expert("m", "Be exact.", 0.5));
  EXPECT_EQ(
      sent,
      boost::json::parse(
          R"({"model":"m","temperature":0.5,"seed":7,"messages":[)"
          R"({"role":"system","content":"Be exact."},{"role":"user","content":"How long?"}]})"));
}

TEST(ExpertRequest, LeavesAloneWhatTheExpertDoesNotSay) {
  const auto sent = Sent(kPlain, Expert("", ""));
  EXPECT_EQ(sent.at("model"), "panel");
  EXPECT_EQ(sent.at("temperature"), 0.9);
  EXPECT_EQ(sent.at("messages").as_array().size(), 1U);
}

TEST(ExpertRequest, JoinsItsPromptWithTheClientsSinceManyModelsTakeOne) {
  for (const std::string role : {"system", "developer"}) {
    const auto sent = Sent(R"({"model":"p","messages":[{"role":")" + role +
                               R"(","content":"Be brief."},{"role":"user","content":"?"}]})",
                           Expert("", "Be exact."));
    ASSERT_EQ(sent.at("messages").as_array().size(), 2U);
    EXPECT_EQ(sent.at("messages").at(0).at("content"), "Be exact.\n\nBe brief.");
  }
}

TEST(CircleRead, RefusesWhatOnlyOneExpertCanAnswer) {
  const auto with = [](std::string_view member) {
    return Circle::Read(std::string(R"({"model":"p","messages":[],)") + std::string(member) + "}");
  };
  EXPECT_FALSE(with(R"("tools":[{"type":"function"}])"));
  EXPECT_FALSE(with(R"("functions":[{}])"));
  EXPECT_FALSE(with(R"("n":2)"));
  EXPECT_FALSE(with(R"("logprobs":true)"));
  EXPECT_FALSE(Circle::Read(R"({"model":"p"})"));
  EXPECT_FALSE(Circle::Read("[]"));
  EXPECT_TRUE(with(R"("tools":[],"n":1,"logprobs":false)"));
}

TEST(CircleRead, KeepsAnAnswerWithAFormatWhole) {
  const auto read =
      Circle::Read(R"({"model":"p","messages":[],"response_format":{"type":"json_object"}})");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->whole);
  EXPECT_FALSE(Circle::Read(kPlain)->whole);
}

}  // namespace
}  // namespace assay::gateway
