// The adapter on the tiny model of tests/support/tiny_checker.py.
#include "assay/claims/entailment.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/file_system.h"

namespace assay::claims {
namespace {

class EntailmentTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string folder = std::string(ASSAY_TINY_CHECKER) + "/checker";
    if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no tiny model in " << folder;
    auto model = embed::CrossEncoder::Open(core::FileSystem::Real(), folder);
    ASSERT_TRUE(model) << model.error().message;
    model_ = *std::move(model);
    auto made = MakeEntailment(*model_);
    ASSERT_TRUE(made) << made.error().message;
    entailment_ = *std::move(made);
  }

  std::unique_ptr<embed::CrossEncoder> model_;
  std::unique_ptr<Entailment> entailment_;
};

TEST_F(EntailmentTest, GivesTheModelsRelationAndTheWordsAboveItsThreshold) {
  const std::vector<EntailmentPair> pairs = {
      {"Employees receive 27 days of leave.", "Employees receive 30 days of leave."},
      {"Smoking is forbidden inside.", "The manager may approve of smoking, and so may others."}};
  std::vector<EntailmentScore> scores(pairs.size());
  ASSERT_TRUE(entailment_->Score(pairs, scores));
  std::vector<embed::PairScore> raw(pairs.size());
  const std::vector<embed::TextPair> texts = {{pairs[0].evidence, pairs[0].claim},
                                              {pairs[1].evidence, pairs[1].claim}};
  ASSERT_TRUE(model_->Score(texts, raw));
  std::size_t words = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_FLOAT_EQ(scores[i].supported, raw[i].supported);
    EXPECT_FLOAT_EQ(scores[i].contradicted, raw[i].contradicted);
    EXPECT_FLOAT_EQ(scores[i].neutral, raw[i].neutral);
    std::vector<text::Span> above;
    float worst = 0;
    for (const embed::WordScore& word : raw[i].words) {
      worst = std::max(worst, word.unsupported);
      if (word.unsupported >= 0.6F) above.push_back(word.span);
    }
    EXPECT_EQ(scores[i].unsupported_words, above);
    EXPECT_EQ(scores[i].least_borne_out, worst);
    words += above.size();
  }
  EXPECT_GT(words, 0U);
  EXPECT_EQ(entailment_->name(), model_->name());
  EXPECT_TRUE(entailment_->tells_words_apart());
  EXPECT_FALSE(entailment_->mix());  // the tiny card has none
  EXPECT_EQ(entailment_->Score(pairs, std::span(scores).first(1)).error().code,
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::claims
