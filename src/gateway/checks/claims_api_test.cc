#include "assay/gateway/claims_api.h"

#include <memory>
#include <string>
#include <thread>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "assay/gateway/answer_checker.h"

#include "checks/verify_batcher_internal.h"
#include "static_encoder_fixture.h"
#include "temp_dir.h"

namespace assay::gateway {
namespace {

constexpr std::string_view kHandbook =
    "# Leave\n\nFull-time employees receive 27 days of paid annual leave per calendar year.\n"
    "A doctor's note is required from the fourth day of illness.\n\n"
    "# Travel\n\nHotel costs are refunded up to 140 euros a night.\n";
constexpr std::string_view kOther = "# Canteen\n\nLunch is served from 11:30 to 14:00.\n";

void Write(const std::string& path, std::string_view text) {
  core::FileSystem& files = core::FileSystem::Real();
  ASSERT_TRUE(files.MakeDirectories(path.substr(0, path.rfind('/'))));
  ASSERT_TRUE(core::WriteFileAtomically(files, path, text));
}

class ClaimsApiTest : public testing::StaticEncoderTest {
 protected:
  void SetUp() override {
    StaticEncoderTest::SetUp();
    if (IsSkipped()) return;
    Write(folder_.path() + "/handbook/leave.md", kHandbook);
    Write(folder_.path() + "/canteen/lunch.md", kOther);
  }

  std::unique_ptr<AnswerChecker> Open(const std::vector<std::string>& names) {
    AnswerCheckerOptions options;
    for (const std::string& name : names) options.documents.push_back(folder_.path() + "/" + name);
    options.encoder = encoder_.get();
    options.max_claims = 3;
    auto checker = AnswerChecker::Open(core::FileSystem::Real(), std::move(options));
    EXPECT_TRUE(checker) << checker.error().message;
    return checker ? *std::move(checker) : nullptr;
  }

  void Serve(const AnswerChecker* checker) {
    ASSERT_TRUE(AddClaimsApi(
        router_, [checker](std::string_view route) { return route == "none" ? nullptr : checker; },
        {}));
  }

  HttpReply Post(std::string path, std::string body) {
    HttpRequest request;
    request.method = "POST";
    request.path = std::move(path);
    request.body = std::move(body);
    return router_.Dispatch(request);
  }

  static boost::json::value Json(const HttpReply& reply) { return boost::json::parse(reply.body); }

  testing::TempDir folder_;
  Router router_;
};

TEST_F(ClaimsApiTest, CheckSaysWhatTheDocumentsSupportAndWhatTheyContradict) {
  const auto checker = Open({"handbook"});
  Serve(checker.get());
  const HttpReply reply = Post(
      "/v1/check",
      R"({"answer": "Full-time employees receive 27 days of paid annual leave per calendar year. Hotel costs are refunded up to 200 euros a night."})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto json = Json(reply);
  ASSERT_EQ(json.at("claims").as_array().size(), 2U);
  EXPECT_EQ(json.at("claims").at(0).at("verdict"), "supported");
  EXPECT_EQ(json.at("claims").at(1).at("verdict"), "contradicted");
  EXPECT_EQ(json.at("claims").at(1).at("evidence").at(0).at("file"), "leave.md");
  EXPECT_EQ(json.at("summary").at("supported"), 1);
  EXPECT_EQ(json.at("summary").at("contradicted"), 1);
}

TEST_F(ClaimsApiTest, AFragmentIsCheckedTogetherWithItsQuestion) {
  const auto checker = Open({"handbook"});
  Serve(checker.get());
  const HttpReply reply = Post(
      "/v1/check",
      R"({"answer": "27 days.", "question": "How many days of paid annual leave do full-time employees receive?"})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  ASSERT_EQ(Json(reply).at("claims").as_array().size(), 1U);
  EXPECT_EQ(Json(reply).at("claims").at(0).at("verdict"), "supported");
}

TEST_F(ClaimsApiTest, CheckCountsTheClaimsBeyondItsLimit) {
  const auto checker = Open({"handbook"});
  Serve(checker.get());
  const HttpReply reply = Post(
      "/v1/check",
      R"({"answer": "Rome has 3 airports. Oslo has 2 rivers. Bonn has 4 bridges. Bern has 5 parks."})");
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(Json(reply).at("claims").as_array().size(), 3U);
  EXPECT_EQ(Json(reply).at("unchecked_claims"), 1);
}

TEST_F(ClaimsApiTest, ExtractAnswersOneTextAndSeveral) {
  Serve(nullptr);
  const HttpReply one = Post("/v1/claims/extract", R"({"text": "Berlin has 3.7 million people."})");
  ASSERT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(Json(one).at("sentences").at(0).at("kind"), "factual");
  const HttpReply several = Post("/v1/claims/extract", R"({"texts": ["Is it so?", ""]})");
  ASSERT_EQ(several.status, 200);
  EXPECT_EQ(Json(several).at("results").at(0).at("sentences").at(0).at("kind"), "question");
  EXPECT_TRUE(Json(several).at("results").at(1).at("sentences").as_array().empty());
}

TEST_F(ClaimsApiTest, VerifyTakesOneClaimOrAList) {
  const auto checker = Open({"handbook"});
  Serve(checker.get());
  const HttpReply one =
      Post("/v1/claims/verify",
           R"({"claim": "A doctor's note is required from the second day of illness."})");
  ASSERT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(Json(one).at("verdict"), "contradicted");
  const HttpReply list = Post(
      "/v1/claims/verify",
      R"({"claims": ["A doctor's note is required from the fourth day of illness.", {"claim": "The moon is made of cheese."}]})");
  ASSERT_EQ(list.status, 200) << list.body;
  EXPECT_EQ(Json(list).at("results").at(0).at("verdict"), "supported");
  EXPECT_EQ(Json(list).at("results").at(1).at("verdict"), "unverified");
  EXPECT_EQ(Json(list).at("summary").at("unverified"), 1);
}

TEST_F(ClaimsApiTest, BadBodiesNameTheField) {
  Serve(nullptr);
  const std::pair<std::string, std::string> cases[] = {
      {"{", ""},
      {"[]", ""},
      {"{}", "claim"},
      {R"({"claim": 3})", "claim"},
      {R"({"claims": "x"})", "claims"},
      {R"({"claims": ["x", 3]})", "claims[1]"},
      {R"({"claims": [{"text": "x"}]})", "claims[0]"},
      {R"({"claim": "x", "claims": []})", "claim"},
      {R"({"claim": "x", "clam": 1})", "clam"},
      {R"({"claim": "x", "route": 1})", "route"},
      {std::string(100, '['), ""},
  };
  for (const auto& [body, param] : cases) {
    const HttpReply reply = Post("/v1/claims/verify", body);
    ASSERT_EQ(reply.status, 400) << body;
    const auto error = Json(reply).at("error");
    EXPECT_EQ(error.at("type"), "invalid_request_error") << body;
    if (param.empty()) {
      EXPECT_TRUE(error.at("param").is_null()) << body;
    } else {
      EXPECT_EQ(std::string(error.at("param").as_string()), param) << body;
    }
  }
}

TEST_F(ClaimsApiTest, WithoutDocumentsTheAnswerSaysHowToNameThem) {
  Serve(nullptr);
  const HttpReply reply = Post("/v1/check", R"({"answer": "Berlin is large."})");
  EXPECT_EQ(reply.status, 412);
  EXPECT_NE(reply.body.find("--docs"), std::string::npos);
  EXPECT_EQ(Post("/v1/check", R"({"answer": "x", "route": "none"})").status, 412);
}

TEST_F(ClaimsApiTest, OfSeveralDocumentSetsTheOneThatSupportsAClaimDecides) {
  const auto checker = Open({"handbook", "canteen"});
  ASSERT_NE(checker, nullptr);
  const std::string_view claims[] = {"Lunch is served from 11:30 to 14:00.",
                                     "Hotel costs are refunded up to 140 euros a night."};
  const auto judgements = checker->Verify(claims);
  ASSERT_TRUE(judgements);
  EXPECT_EQ((*judgements)[0].verdict, claims::Verdict::kSupported);
  EXPECT_EQ((*judgements)[0].evidence[0].file, "lunch.md");
  EXPECT_EQ((*judgements)[1].verdict, claims::Verdict::kSupported);
  EXPECT_EQ((*judgements)[1].evidence[0].file, "leave.md");
}

TEST_F(ClaimsApiTest, RefreshSeesChangedDocuments) {
  const auto checker = Open({"canteen"});
  ASSERT_NE(checker, nullptr);
  const std::string before = checker->Version();
  const std::string_view claim[] = {"Lunch is served from 11:30 to 15:00."};
  EXPECT_EQ((*checker->Verify(claim))[0].verdict, claims::Verdict::kContradicted);
  Write(folder_.path() + "/canteen/lunch.md",
        "# Canteen\n\nLunch is now served from 11:30 to 15:00.\n");
  ASSERT_TRUE(checker->Refresh());
  EXPECT_NE(checker->Version(), before);
  EXPECT_EQ((*checker->Verify(claim))[0].verdict, claims::Verdict::kSupported);
}

TEST_F(ClaimsApiTest, AStreamedAnswerGetsTheVerdictsOfTheWholeOneWhereverItIsCut) {
  const auto checker = Open({"handbook"});
  ASSERT_NE(checker, nullptr);
  const std::string answer =
      "Full-time employees receive 27 days of paid annual leave per calendar year. Hotel costs are "
      "refunded up to 200 euros a night.";
  const auto whole = checker->Check(answer);
  ASSERT_TRUE(whole);
  for (const std::size_t step : {1U, 7U, 90U, 1000U}) {
    StreamingCheck stream(*checker);
    std::vector<CheckedClaim> streamed;
    std::size_t early = 1;  // verdicts while the second sentence is still being written
    const auto take = [&](Result<std::vector<CheckedClaim>> part) {
      ASSERT_TRUE(part);
      for (CheckedClaim& item : *part) streamed.push_back(std::move(item));
    };
    for (std::size_t i = 0; i < answer.size(); i += step) {
      take(stream.Feed(std::string_view(answer).substr(i, step)));
      if (step < 80 && i + step == 112) early = streamed.size();
    }
    take(stream.Finish());
    EXPECT_EQ(early, 1U) << step;
    ASSERT_EQ(streamed.size(), whole->claims.size()) << step;
    for (std::size_t i = 0; i < streamed.size(); ++i) {
      EXPECT_EQ(streamed[i].claim.span, whole->claims[i].claim.span);
      EXPECT_EQ(streamed[i].judgement.verdict, whole->claims[i].judgement.verdict);
    }
    EXPECT_EQ(VerdictHeader(stream.summary()), "contradicted");
  }
}

TEST_F(ClaimsApiTest, CallsWithinAWindowShareOneBatch) {
  const auto checker = Open({"handbook"});
  ASSERT_NE(checker, nullptr);
  // The window never ends within the test; the second call fills the batch.
  internal::VerifyBatcher batcher(*checker, {.window = std::chrono::hours(1), .full_at_claims = 3});
  const std::string_view first[] = {"Hotel costs are refunded up to 140 euros a night."};
  const std::string_view second[] = {"The moon is made of cheese.",
                                     "Hotel costs are refunded up to 150 euros a night."};
  Result<std::vector<claims::Judgement>> of_first;
  Result<std::vector<claims::Judgement>> of_second;
  {
    const std::jthread a([&] { of_first = batcher.Verify(first); });
    const std::jthread b([&] { of_second = batcher.Verify(second); });
  }
  EXPECT_EQ(batcher.batches(), 1U);
  ASSERT_TRUE(of_first && of_second);
  ASSERT_EQ(of_first->size(), 1U);
  EXPECT_EQ((*of_first)[0].verdict, claims::Verdict::kSupported);
  ASSERT_EQ(of_second->size(), 2U);
  EXPECT_EQ((*of_second)[0].verdict, claims::Verdict::kUnverified);
  EXPECT_EQ((*of_second)[1].verdict, claims::Verdict::kContradicted);
}

}  // namespace
}  // namespace assay::gateway
