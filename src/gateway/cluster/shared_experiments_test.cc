// What gateways know of one another's experiments, on a real Redis.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cluster/cluster_test_support.h"
#include "cluster/shared_experiments_internal.h"
#include "redis_test_support.h"

namespace assay::gateway {
namespace {

TEST(SharedExperiments, TheAnswerOfRedisIsReadOrRefused) {
  const std::vector<std::string> good = {"table", "5", "0", "one", "state", "two", ""};
  const auto heard = ReadHeardCounts(good, 2);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->generation, "table");
  EXPECT_EQ(heard->units, (std::vector<std::int64_t>{5, 0}));
  EXPECT_EQ(heard->states.at("one"), "state");
  using Texts = std::vector<std::string>;
  for (const Texts& bad :
       {Texts{}, Texts{"table", "5"}, Texts{"table", "5", "0", "one"}, Texts{"table", "5", "-1"},
        Texts{"table", "5", "1x"}, Texts{"table", "5", "99999999999999999999"}}) {
    EXPECT_FALSE(ReadHeardCounts(bad, 2));
  }
}

TEST(SharedExperiments, AnOutcomeThatOneNotedIsKnownToTheOthersAndToNoOtherExperiment) {
  if (!cache::testing::HaveRedisServer()) GTEST_SKIP() << "redis-server is not installed";
  const cache::testing::RedisServer server;
  const auto redis = testing::OpenTier(server.url());
  const SharedExperiments one(*redis);
  const SharedExperiments two(*redis);
  const ReportedOutcome outcome{.tenant = "acme",
                                .request_id = {},
                                .unit = "ann",
                                .values = {{"solved", 0.5}, {"rating", 4}}};
  one.Note("tone", outcome);
  const ElsewhereOutcome found = two.Look("tone", outcome);
  EXPECT_FALSE(found.arm) << "nobody told that it took part";
  EXPECT_EQ(found.values, (std::vector<std::optional<double>>{0.5, 4.0}));
  EXPECT_EQ(two.Look("other", outcome).values,
            (std::vector<std::optional<double>>{std::nullopt, std::nullopt}));
  ReportedOutcome of_rival = outcome;
  of_rival.tenant = "rival";
  EXPECT_FALSE(two.Look("tone", of_rival).values.front());
}

}  // namespace
}  // namespace assay::gateway
