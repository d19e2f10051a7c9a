#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "openai/edit_internal.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;

constexpr std::string_view kChat =
    R"({"model":"m","temperature":1,"seed":12345678901234567890,"messages":[{"role":"user","content":"?"}]})";

json::value Edited(std::string_view body, Endpoint endpoint, const RequestEdit& edit) {
  const auto edited = EditRequest(body, endpoint, edit);
  EXPECT_TRUE(edited) << (edited ? "" : edited.error().message);
  return edited ? json::parse(*edited) : json::value();
}

TEST(EditRequest, ReplacesWhatItNamesAndNothingElse) {
  RequestEdit edit;
  edit.model = "large";
  edit.temperature = 0.25;
  edit.fields = R"({"top_p": 0.5, "seed": 1})";
  EXPECT_EQ(
      Edited(kChat, Endpoint::kChat, edit),
      json::parse(
          R"({"model":"large","temperature":0.25,"seed":1,"messages":[{"role":"user","content":"?"}],"top_p":0.5})"));
  EXPECT_EQ(Edited(kChat, Endpoint::kChat, {}), json::parse(kChat)) << "large numbers stay exact";
}

TEST(EditRequest, PutsTheSystemPromptBeforeTheClients) {
  RequestEdit edit;
  edit.system = "Be warm.";
  const json::value bare = Edited(kChat, Endpoint::kChat, edit);
  EXPECT_EQ(bare.at("messages").as_array().size(), 2U);
  EXPECT_EQ(bare.at("messages").at(0), (json::value{{"role", "system"}, {"content", "Be warm."}}));
  const json::value both = Edited(
      R"({"model":"m","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":"?"}]})",
      Endpoint::kChat, edit);
  EXPECT_EQ(both.at("messages").at(0).at("content"), "Be warm.\n\nBe brief.");
  const json::value completion =
      Edited(R"({"model":"m","prompt":"x"})", Endpoint::kCompletions, edit);
  EXPECT_FALSE(completion.as_object().contains("messages")) << "only chats have one";
}

TEST(EditRequest, LeavesRoomBehindTheBody) {
  RequestEdit edit;
  edit.temperature = 0;
  const auto edited = EditRequest(kChat, Endpoint::kChat, edit);
  ASSERT_TRUE(edited);
  EXPECT_GE(edited->capacity(), edited->size() + 64);
}

TEST(EditRequest, WhatIsNoRequestIsAnError) {
  RequestEdit edit;
  edit.system = "s";
  for (const std::string_view body : {"", "[]", "{", R"({"messages":7})", "{}"}) {
    EXPECT_FALSE(EditRequest(body, Endpoint::kChat, edit)) << body;
  }
}

TEST(EditRequest, FieldsMayNotChangeWhatIsAsked) {
  EXPECT_TRUE(CheckEditFields(R"({"top_p":1,"reasoning":{"effort":"low"}})"));
  for (const std::string_view fields : {"", "7", "[1]", R"({"messages":[]})", R"({"stream":true})",
                                        R"({"model":"x"})", R"({"user":"x"})", R"({"n":2})"}) {
    EXPECT_FALSE(CheckEditFields(fields)) << fields;
  }
}

}  // namespace
}  // namespace assay::gateway
