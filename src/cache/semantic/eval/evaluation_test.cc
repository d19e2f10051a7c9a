#include "assay/cache/semantic/evaluation.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "semantic/semantic_test_support.h"

namespace assay::cache {
namespace {

class SemanticEvaluationTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!TestEncoders::Get().available()) GTEST_SKIP() << "ASSAY_MODELS holds no models";
  }
  static Result<SemanticEvalReport> Run(const std::string& content,
                                        const SemanticEvalOptions& options) {
    const std::string path =
        (std::filesystem::temp_directory_path() / "assay_semantic_eval.jsonl").string();
    std::ofstream(path) << content;
    return EvaluateSemanticCache(core::FileSystem::Real(), path, *TestEncoders::Get().fast,
                                 *TestEncoders::Get().precise, options);
  }
};

TEST_F(SemanticEvaluationTest, CountsHitsAndErrorsOfPairs) {
  const auto report =
      Run("{\"a\":\"How do I reset my password?\",\"b\":\"How can I reset my "
          "password?\",\"same\":true}\n"
          "\n"
          "{\"a\":\"How do I turn on Wi-Fi?\",\"b\":\"How do I turn off Wi-Fi?\",\"same\":false}\n",
          {.seeds = 2});
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->n, 2U);
  const auto& product = report->policies.back();
  EXPECT_EQ(product.hit_ratio.count, 2U);
  EXPECT_EQ(product.hit_ratio.of, 4U);
  EXPECT_EQ(product.error_rate.count, 0U);
  EXPECT_DOUBLE_EQ(product.served_at[0], 0.5);
  ASSERT_EQ(product.curve.size(), 1U);  // a fact refuses the other pair
  EXPECT_DOUBLE_EQ(product.curve[0].hit_ratio, 0.5);
  EXPECT_EQ(product.curve[0].false_hit_rate, 0);
  const auto& cosine = report->policies[3];  // at 0.80 both are served
  EXPECT_EQ(cosine.error_rate.count, 2U);
}

TEST_F(SemanticEvaluationTest, ReplaysAStreamOfIntents) {
  std::string content;
  for (const char* text : {"How do I reset my password?", "How can I reset my password?",
                           "What are the steps to reset my password?"}) {
    content += std::string("{\"text\":\"") + text + "\",\"intent\":\"reset\"}\n";
  }
  const auto report = Run(content, {.seeds = 1});
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->format, SemanticDataFormat::kIntents);
  EXPECT_EQ(report->policies.back().hit_ratio.count, 2U);
}

TEST_F(SemanticEvaluationTest, RepeatsExactlyForTheSameSeeds) {
  std::string content;
  for (int i = 0; i < 40; ++i) {
    content += "{\"text\":\"Where is order number " + std::to_string(i / 2) +
               " of my list?\",\"intent\":\"" + std::to_string(i % 3) + "\"}\n";
  }
  const auto first = Run(content, {});
  const auto second = Run(content, {});
  ASSERT_TRUE(first.has_value() && second.has_value());
  for (std::size_t i = 0; i < first->policies.size(); ++i) {
    EXPECT_EQ(first->policies[i].hit_ratio.count, second->policies[i].hit_ratio.count);
    EXPECT_EQ(first->policies[i].error_rate.count, second->policies[i].error_rate.count);
  }
}

TEST_F(SemanticEvaluationTest, NamesTheLineAndFieldOfABadRecord) {
  const auto no_same =
      Run("{\"a\":\"x\",\"b\":\"y\",\"same\":true}\n{\"a\":\"x\",\"b\":\"y\"}\n", {});
  ASSERT_FALSE(no_same.has_value());
  EXPECT_NE(no_same.error().message.find(":2: the line has neither true nor false in field 'same'"),
            std::string::npos)
      << no_same.error().message;
  EXPECT_FALSE(Run("", {}).has_value());
  EXPECT_FALSE(Run("[1]\n", {}).has_value());
  EXPECT_FALSE(
      Run("{\"a\":\"x\",\"b\":\"y\",\"same\":true}\n{\"text\":\"x\",\"intent\":\"y\"}\n", {})
          .has_value());
}

}  // namespace
}  // namespace assay::cache
