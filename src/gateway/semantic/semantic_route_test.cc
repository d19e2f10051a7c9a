// The semantic stage's own parts: which requests it reads, and routes that many use at once. Runs
// with the static encoder alone, so that the sanitizers see all of it.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "semantic/semantic_pool_internal.h"
#include "semantic/semantic_request_internal.h"
#include "static_encoder_fixture.h"
#include "temp_dir.h"

namespace assay::gateway {
namespace {

std::string Body(std::string_view question, std::string_view more = "") {
  return fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"{}"}}]{}}})", question,
                     more);
}

TEST(SemanticRequestTest, OnlyTheLastMessageMayDiffer) {
  const auto one = ReadSemanticRequest(Body("How do I reset it?"), "acme", 1);
  const auto other = ReadSemanticRequest(Body("What resets it?"), "acme", 1);
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->question, "How do I reset it?");
  EXPECT_EQ(one->context, other->context);
  for (const auto& apart :
       {ReadSemanticRequest(Body("What resets it?"), "other", 1),
        ReadSemanticRequest(Body("What resets it?"), "acme", 2),
        ReadSemanticRequest(Body("What resets it?", R"(,"seed":2)"), "acme", 1)}) {
    ASSERT_TRUE(apart);
    EXPECT_NE(apart->context, one->context);
  }
}

TEST(SemanticRequestTest, HostileBodiesAreRefusedInWords) {
  const std::string deep = std::string(500, '[') + std::string(500, ']');
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("null"), std::string("[]"), deep,
        std::string(R"({"messages":1})"), std::string(R"({"messages":[]})"),
        std::string(R"({"messages":[1]})"), std::string(R"({"messages":[{"role":"user"}]})"),
        std::string(R"({"messages":[{"role":1,"content":"a"}]})"),
        std::string(R"({"messages":[{"role":"assistant","content":"a"}]})"),
        std::string(R"({"messages":[{"role":"user","content":["a"]}]})"),
        Body("a", R"(,"tools":[])"), Body("What is the weather today?")}) {
    const auto read = ReadSemanticRequest(body, "", 1);
    ASSERT_FALSE(read) << body;
    EXPECT_FALSE(read.error().message.empty());
  }
  const auto zero = ReadSemanticRequest(Body("\\u0000" + std::string(20'000, 'x')), "", 1);
  ASSERT_TRUE(zero) << zero.error().message;
  EXPECT_EQ(zero->question.size(), 20'001U);
}

class SemanticRouteTest : public testing::StaticEncoderTest {
 protected:
  void SetUp() override {
    StaticEncoderTest::SetUp();
    if (IsSkipped()) return;
    answers_ = std::make_unique<cache::TieredCache>(
        cache::MemoryCache::Create({.capacity_bytes = 8 << 20}).value(),
        std::vector<std::unique_ptr<cache::Tier>>(), cache::TieredOptions{});
  }

  // Stores the answer to a question and lets the route learn of it, as the pipeline does.
  void Answer(SemanticRoute& route, std::string_view question, std::uint64_t number,
              std::string_view answer) {
    const core::Hash128 key{.high = 7, .low = number};
    const std::string json = fmt::format(
        R"({{"object":"chat.completion","choices":[{{"message":{{"role":"assistant","content":"{}"}}}}]}})",
        answer);
    answers_->Put(
        cache::Entry::Make(key, {.expires_ms = INT64_MAX}, {.tenant = "t", .body = json}).value(),
        1);
    const SemanticLook look = route.Look(Body(question), "t", 1, 1);
    route.Take(look, json, key, "t", *answers_, 1, INT64_MAX);
  }

  std::unique_ptr<cache::TieredCache> answers_;
};

TEST_F(SemanticRouteTest, ARewordedQuestionIsServedAndANearMissIsNot) {
  SemanticRoute route({.risk = {.shadow_share = 1}}, *encoder_, *encoder_);
  Answer(route, "How do I reset my password?", 1, "Open the settings.");
  const SemanticLook served = route.Look(Body("How can I reset my password?"), "t", 1, 1);
  ASSERT_TRUE(served.lookup.served.has_value()) << served.reason;
  EXPECT_EQ(served.lookup.candidates[*served.lookup.served].answer.low, 1U);
  Answer(route, "May I return it within 30 days?", 2, "Yes.");
  const SemanticLook refused = route.Look(Body("May I return it within 3 days?"), "t", 1, 1);
  EXPECT_FALSE(refused.lookup.served.has_value());
  EXPECT_NE(refused.reason.find("3 days"), std::string::npos) << refused.reason;
  EXPECT_FALSE(route.Look(Body("How can I reset my password?"), "u", 1, 1).lookup.served);
}

TEST_F(SemanticRouteTest, ManyThreadsLookTakeAndForgetAtOnce) {
  SemanticRoute route({.max_entries = 40, .index_above = 20}, *encoder_, *encoder_);
  std::atomic<std::uint64_t> next = 0;  // partner: none, numbers for the threads
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, &route, &next] {
      for (int i = 0; i < 30; ++i) {
        const std::uint64_t n = next.fetch_add(1);
        Answer(route, fmt::format("Where is part {} of the manual?", n % 50), n,
               fmt::format("On page {}.", n % 50));
        if (n % 7 == 0) route.Forget({.high = 7, .low = n / 2});
        if (n % 11 == 0) (void)route.Stats();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(route.Stats().requests, 120U);
  EXPECT_LE(route.Stats().entries, 40U);
  EXPECT_GT(route.Stats().entries, 0U);
}

TEST_F(SemanticRouteTest, OtherSettingsTakeTheQuestionsOverWhileTheOldOnesAreInUse) {
  const testing::TempDir folder;
  EncoderPool encoders({std::getenv("ASSAY_MODELS")});
  std::atomic<int> bad = 0;  // partner: none, a count
  SemanticPool pool(
      encoders, folder.path() + "/semantic",
      [&bad](const std::string&, const std::string&, bool good) { bad += good ? 0 : 1; });
  SemanticSettings settings{.enabled = true, .encoder = SemanticEncoder::kStatic};
  auto first = pool.Get("chat", settings);
  ASSERT_TRUE(first) << first.error().message;
  Answer(**first, "How do I reset my password?", 1, "Open the settings.");
  std::atomic<bool> done = false;  // partner: the loop below
  std::thread asking([this, &first, &done] {
    for (std::uint64_t n = 2; !done; ++n) {
      Answer(**first, fmt::format("Where is part {}?", n % 30), n, "Here.");
    }
  });
  settings.max_entries = 200;
  auto second = pool.Get("chat", settings);
  ASSERT_TRUE(second);
  done = true;
  asking.join();
  EXPECT_NE(*first, *second);
  EXPECT_TRUE((*second)->Look(Body("How can I reset my password?"), "t", 1, 1).lookup.served);
  EXPECT_EQ(pool.Views().size(), 1U);
  EXPECT_EQ(bad, 0);
  EXPECT_EQ((*second)->Stats().file_error, "");
}

}  // namespace
}  // namespace assay::gateway
