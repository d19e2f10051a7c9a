// The adapter on the tiny model of tests/support/tiny_checker.py.
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/core/file_system.h"

namespace assay::cache {
namespace {

TEST(PairModel, AsksBothWaysRoundSoThatTheOrderDoesNotCount) {
  const std::string folder = std::string(ASSAY_TINY_CHECKER) + "/checker";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no tiny model in " << folder;
  const auto model = embed::CrossEncoder::Open(core::FileSystem::Real(), folder);
  ASSERT_TRUE(model) << model.error().message;
  const auto same = MakeSameQuestion(**model);
  ASSERT_TRUE(same) << same.error().message;
  const std::string a = "How many days of leave do I get?";
  const std::string b = "What is the notice period?";
  const auto one = (*same)->Probability(a, b);
  const auto other = (*same)->Probability(b, a);
  ASSERT_TRUE(one && other);
  EXPECT_NEAR(*one, *other, 1e-6);
  embed::PairScore ways[2];
  const embed::TextPair pairs[] = {{a, b}, {b, a}};
  ASSERT_TRUE((*model)->Score(pairs, ways));
  EXPECT_NEAR(*one, (ways[0].same + ways[1].same) / 2, 1e-6);
}

}  // namespace
}  // namespace assay::cache
