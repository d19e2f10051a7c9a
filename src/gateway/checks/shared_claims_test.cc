#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "assay/claims/shared/verifier.h"
#include "assay/gateway/shared/claims.h"

#include "static_encoder_fixture.h"
#include "temp_dir.h"

namespace assay::gateway {
namespace {

constexpr std::string_view kHandbook =
    "# Leave\n\nFull-time employees receive 27 days of paid annual leave per calendar year.\n";

class SharedClaimsTest : public testing::StaticEncoderTest {
 protected:
  void SetUp() override {
    StaticEncoderTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(core::WriteFileAtomically(core::FileSystem::Real(), folder_.path() + "/leave.md",
                                          kHandbook));
    AnswerCheckerOptions options;
    options.documents.push_back(folder_.path());
    options.encoder = encoder_.get();
    auto checker = AnswerChecker::Open(core::FileSystem::Real(), std::move(options));
    ASSERT_TRUE(checker) << checker.error().message;
    checker_ = *std::move(checker);
    auto started = SharedClaims::Start(
        name_,
        [this](std::string_view route) { return route == "none" ? nullptr : checker_.get(); },
        {.channel = {.lanes = 2, .ring_bytes = 1U << 14}});
    ASSERT_TRUE(started) << started.error().message;
    served_ = *std::move(started);
  }

  std::string name_ = fmt::format("claims-test-{}", ::getpid());
  testing::TempDir folder_;
  std::unique_ptr<AnswerChecker> checker_;
  std::unique_ptr<SharedClaims> served_;
};

TEST_F(SharedClaimsTest, JudgesAsTheCheckerItselfDoes) {
  const std::vector<std::string_view> claims = {
      "Full-time employees receive 27 days of paid annual leave.",
      "Full-time employees receive 30 days of paid annual leave.", "The office is on Mars."};
  auto client = claims::SharedVerifier::Connect(name_);
  ASSERT_TRUE(client) << client.error().message;
  const auto there = client->Verify(claims);
  const auto here = checker_->Verify(claims);
  ASSERT_TRUE(there && here) << there.error().message;
  ASSERT_EQ(there->size(), 3U);
  EXPECT_EQ(there->at(0).verdict, claims::Verdict::kSupported);
  EXPECT_EQ(there->at(1).verdict, claims::Verdict::kContradicted);
  const auto records = client->VerifyRecords(claims);
  ASSERT_TRUE(records);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    EXPECT_EQ(there->at(i).verdict, here->at(i).verdict);
    EXPECT_EQ(there->at(i).support, here->at(i).support);
    EXPECT_EQ(there->at(i).reason, here->at(i).reason);
    ASSERT_EQ(there->at(i).evidence.size(), here->at(i).evidence.size());
    EXPECT_EQ(records->at(i).support, here->at(i).support);
    EXPECT_EQ(records->at(i).verdict, static_cast<std::uint32_t>(here->at(i).verdict));
  }
}

TEST_F(SharedClaimsTest, CutsABatchThatIsLargerThanTheRing) {
  std::vector<std::string> texts;
  for (int i = 0; i < 1'500; ++i) {
    texts.push_back(fmt::format("Employees receive {} days of paid annual leave.", i % 50));
  }
  const std::vector<std::string_view> claims(texts.begin(), texts.end());
  auto client = claims::SharedVerifier::Connect(name_);
  ASSERT_TRUE(client);
  const auto records = client->VerifyRecords(claims);
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), claims.size());
  for (std::size_t i = 50; i < claims.size(); ++i) {
    EXPECT_EQ((*records)[i].support, (*records)[i % 50].support);
  }
  EXPECT_GT(served_->stats().requests, 1U);
}

TEST_F(SharedClaimsTest, TellsWhatIsWrongAndGoesOn) {
  auto client = claims::SharedVerifier::Connect(name_);
  ASSERT_TRUE(client);
  const std::vector<std::string_view> good = {"Employees receive 27 days of paid annual leave."};
  const auto none = client->VerifyRecords(good, "none");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kFailedPrecondition);
  EXPECT_NE(none.error().message.find("'none'"), std::string::npos);
  std::vector<std::string_view> bad(300, good[0]);
  bad[280] = "\xFF";
  const auto refused = client->VerifyRecords(bad);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_TRUE(refused.error().message.starts_with("claims[280]")) << refused.error().message;
  const std::string large(1U << 14, 'x');
  const std::vector<std::string_view> too_large = {large};
  EXPECT_EQ(client->VerifyRecords(too_large).error().code, Code::kOutOfRange);
  EXPECT_EQ(client->VerifyRecords(good)->size(), 1U);
}

TEST_F(SharedClaimsTest, EndsWhileClientsAreConnected) {
  auto client = claims::SharedVerifier::Connect(name_);
  ASSERT_TRUE(client);
  const std::vector<std::string_view> claims = {"Employees receive 27 days of paid annual leave."};
  ASSERT_TRUE(client->VerifyRecords(claims));
  EXPECT_EQ(served_->stats().clients, 1U);
  served_.reset();
  EXPECT_EQ(client->VerifyRecords(claims).error().code, Code::kUnavailable);
  EXPECT_EQ(claims::SharedVerifier::Connect(name_).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace assay::gateway
