#include "assay/gateway/router.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace assay::gateway {
namespace {

Handler Says(const std::string& text) {
  return [text](const HttpRequest& request) {
    std::string body = text;
    for (const auto& [name, value] : request.path_parameters) body += " " + name + "=" + value;
    return HttpReply::Text(body);
  };
}

HttpReply Ask(const Router& router, std::string method, std::string path) {
  HttpRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  return router.Dispatch(request);
}

class RouterTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(router_.Add("GET", "/v1/keys", Scope::kAdmin, Says("list")));
    ASSERT_TRUE(router_.Add("POST", "/v1/keys", Scope::kAdmin, Says("create")));
    ASSERT_TRUE(router_.Add("GET", "/v1/keys/{id}", Scope::kAdmin, Says("one")));
    ASSERT_TRUE(router_.Add("GET", "/v1/keys/mine", Scope::kAdmin, Says("mine")));
    ASSERT_TRUE(router_.Add("GET", "/dashboard/{file...}", Scope::kNone, Says("file")));
  }
  Router router_;
};

TEST_F(RouterTest, PicksByMethodAndPath) {
  EXPECT_EQ(Ask(router_, "GET", "/v1/keys").body, "list");
  EXPECT_EQ(Ask(router_, "POST", "/v1/keys").body, "create");
  EXPECT_EQ(Ask(router_, "GET", "/v1/keys/7").body, "one id=7");
}

TEST_F(RouterTest, LiteralSegmentsWinOverNames) {
  EXPECT_EQ(Ask(router_, "GET", "/v1/keys/mine").body, "mine");
}

TEST_F(RouterTest, ARestTakesAnyDepthAndNothing) {
  EXPECT_EQ(Ask(router_, "GET", "/dashboard/assets/app.js").body, "file file=assets/app.js");
  EXPECT_EQ(Ask(router_, "GET", "/dashboard/").body, "file file=");
  EXPECT_EQ(Ask(router_, "GET", "/dashboard").body, "file file=");
}

TEST_F(RouterTest, HeadGoesToGet) {
  EXPECT_EQ(Ask(router_, "HEAD", "/v1/keys").status, 200);
}

TEST_F(RouterTest, UnknownPathsAre404InTheErrorForm) {
  const HttpReply reply = Ask(router_, "GET", "/v1/nothing");
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.body, R"({"error":{"message":"Unknown request URL: GET /v1/nothing",)"
                        R"("type":"invalid_request_error","param":null,"code":"unknown_url"}})");
}

TEST_F(RouterTest, OtherMethodsAre405AndNamed) {
  const HttpReply reply = Ask(router_, "DELETE", "/v1/keys");
  EXPECT_EQ(reply.status, 405);
  EXPECT_EQ(reply.headers.Get("Allow"), "GET, POST");
}

TEST_F(RouterTest, WhatAHandlerThrowsIsA500) {
  ASSERT_TRUE(router_.Add("GET", "/broken", Scope::kNone,
                          [](const HttpRequest&) -> HttpReply { throw std::runtime_error("oh"); }));
  EXPECT_EQ(Ask(router_, "GET", "/broken").status, 500);
}

TEST_F(RouterTest, RefusesTheSameRouteTwice) {
  const auto again = router_.Add("GET", "/v1/keys", Scope::kAdmin, Says("list"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kAlreadyExists);
}

TEST(HttpMessageTest, HeaderNamesIgnoreCase) {
  HttpHeaders headers = {{"X-Assay-TTL", "60"}};
  EXPECT_EQ(headers.Get("x-assay-ttl"), "60");
  headers.Set("x-assay-ttl", "70");
  EXPECT_EQ(headers.fields().size(), 1U);
  EXPECT_EQ(headers.Get("X-ASSAY-TTL"), "70");
}

TEST(HttpMessageTest, QueryParametersAreDecoded) {
  HttpRequest request;
  request.query = "model=gpt%2D4o+mini&empty=&flag&model=second";
  EXPECT_EQ(request.QueryParameter("model"), "gpt-4o mini");
  EXPECT_EQ(request.QueryParameter("empty"), "");
  EXPECT_EQ(request.QueryParameter("flag"), "");
  EXPECT_EQ(request.QueryParameter("absent"), std::nullopt);
  EXPECT_EQ(PercentDecode("%4", false), std::nullopt);
  EXPECT_EQ(PercentDecode("%zz", false), std::nullopt);
  EXPECT_EQ(PercentDecode("a+b", false), "a+b");
}

}  // namespace
}  // namespace assay::gateway
