#include <fmt/format.h>
#include <gtest/gtest.h>

#include "crash_fs.h"
#include "experts/reliability_pool_internal.h"

namespace assay::gateway {
namespace {

class ReliabilityPoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<ReliabilityPool> Open() {
    auto pool = std::make_unique<ReliabilityPool>(
        files_, "data/votes", [this](const std::string& note) { notes_.push_back(note); });
    pool->Open();
    return pool;
  }
  // `bold` is the odd one out three times of four.
  static void Play(ReliabilityPool& pool, const std::string& route, int questions) {
    for (int i = 0; i < questions; ++i) {
      const std::vector<consensus::Vote> votes = {
          {"careful", 0}, {"terse", 0}, {"bold", i % 4 == 0 ? 0U : 1U}};
      pool.Observe(route, votes);
    }
  }
  testing::CrashFs files_;
  std::vector<std::string> notes_;
};

TEST_F(ReliabilityPoolTest, WhatWasLearnedIsKnownAfterARestartToTheLastBit) {
  auto pool = Open();
  Play(*pool, "panel", 200);
  Play(*pool, "other", 3);
  const consensus::Reliabilities before = pool->Known("panel");
  EXPECT_LT(before.Of("bold"), before.Of("careful") - 0.2);
  EXPECT_EQ(pool->Known("none").accuracy.size(), 0U);
  pool.reset();
  pool = Open();
  EXPECT_EQ(pool->Known("panel").accuracy, before.accuracy);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(ReliabilityPoolTest, ALongLogIsWrittenAnewWithWhatIsRemembered) {
  auto pool = Open();
  const auto size = [&] { return files_.Stat("data/votes/votes.log")->size_bytes; };
  Play(*pool, "panel", 6'100);
  const std::uint64_t before_rewriting = size();
  Play(*pool, "panel", 100);  // 2,048 are remembered, and 4,096 more are written at most
  EXPECT_LT(size(), before_rewriting / 2);
  const consensus::Reliabilities before = pool->Known("panel");
  pool.reset();
  pool = Open();
  EXPECT_NEAR(pool->Known("panel").Of("bold"), before.Of("bold"), 0.02);
  EXPECT_TRUE(notes_.empty());
}

TEST_F(ReliabilityPoolTest, ADiskThatFailsIsToldAndLearningGoesOn) {
  auto pool = Open();
  Play(*pool, "panel", 10);
  files_.StopAfter(0);
  Play(*pool, "panel", 100);
  EXPECT_EQ(notes_.size(), 1U);
  EXPECT_LT(pool->Known("panel").Of("bold"), pool->Known("panel").Of("careful"));
}

TEST_F(ReliabilityPoolTest, ADamagedLogIsToldAndLeftAlone) {
  auto pool = Open();
  Play(*pool, "panel", 50);
  pool.reset();
  std::string bytes = *files_.Contents("data/votes/votes.log");
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  files_.Plant("data/votes/votes.log", bytes);
  pool = Open();
  Play(*pool, "panel", 5);
  EXPECT_EQ(notes_.size(), 1U);
  EXPECT_EQ(*files_.Contents("data/votes/votes.log"), bytes);
}

TEST(Votes, ComeBackAsTheyWereAndAnythingElseIsDamage) {
  const StoredVotes votes{.route = "panel", .votes = {{"a", 0}, {"", consensus::kNoVote}}};
  const std::string bytes = EncodeVotes(votes);
  EXPECT_EQ(DecodeVotes(bytes).value(), votes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(DecodeVotes(bytes.substr(0, size))) << size;
  }
  EXPECT_FALSE(DecodeVotes(bytes + "x"));
}

}  // namespace
}  // namespace assay::gateway
