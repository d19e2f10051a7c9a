#include "assay/consensus/json.h"

#include <gtest/gtest.h>

namespace assay::consensus {
namespace {

TEST(ParseQuestionsTest, ReadsQuestionsALineOrAnswersALine) {
  const auto questions = ParseQuestions(
      R"({"id": 7, "question": "q", "answers": ["x", {"model": "m", "response": "y", "weight": 2}], "method": "medoid"})"
      "\n\n"
      R"({"answers": [{"expert": "a", "text": "z", "confidence": 0.5, "latency_ms": 12}]})");
  ASSERT_TRUE(questions) << questions.error().message;
  ASSERT_EQ(questions->size(), 2U);
  EXPECT_EQ((*questions)[0].id, "7");
  EXPECT_EQ((*questions)[0].options.method, Method::kMedoid);
  EXPECT_EQ((*questions)[0].answers[0].expert, "expert 1");
  EXPECT_EQ((*questions)[0].answers[1].expert, "m");
  EXPECT_EQ((*questions)[0].Views()[1].weight, 2);
  EXPECT_EQ((*questions)[1].answers[0].confidence, 0.5);

  const auto lines = ParseQuestions("{\"text\": \"x\"}\r\n{\"expert\": \"b\", \"text\": \"y\"}\n");
  ASSERT_TRUE(lines);
  ASSERT_EQ(lines->size(), 1U);
  EXPECT_EQ((*lines)[0].answers.size(), 2U);
  EXPECT_EQ((*lines)[0].answers[1].expert, "b");
}

TEST(ParseQuestionsTest, NamesTheLineAndTheField) {
  const auto message = [](std::string_view text) {
    const auto got = ParseQuestions(text);
    return got ? std::string() : got.error().message;
  };
  EXPECT_EQ(message(""), "there is no question and no answer in it");
  EXPECT_EQ(message("{\"answers\": 3}"), "line 1: \"answers\" is not a list");
  EXPECT_EQ(message("{\"answers\": [{\"expert\": \"a\"}]}"),
            "line 1: answer 1: it has no \"text\"");
  EXPECT_EQ(message("{\"answers\": []}\n{\"answers\": [], \"method\": \"magic\"}"),
            "line 2: \"method\": \"magic\" is not known");
  EXPECT_EQ(message("{\"answers\": [\"a\"], \"quorum\": \"x\"}"),
            "line 1: \"quorum\" is not a number");
  EXPECT_TRUE(message("{\"answers\": [").starts_with("line 1: this is no JSON"));
  EXPECT_EQ(message("[1]"), "line 1: this is no JSON object");
}

TEST(ToJsonTest, NamesExpertsAndKeepsNothingUnvalid) {
  const std::vector<ExpertAnswer> answers = {{"a", "#### 3"}, {"b", "#### 3"}, {"c\xFF", "#### 4"}};
  const auto merger = Merger::Create({}, nullptr);
  ASSERT_TRUE(merger);
  const auto outcome = merger->Merge(answers);
  ASSERT_TRUE(outcome);
  const boost::json::object out = ToJson(*outcome, answers);
  EXPECT_EQ(out.at("answer").as_string(), "#### 3");
  EXPECT_EQ(out.at("method").as_string(), "weighted");
  EXPECT_EQ(out.at("opinions").as_array().size(), 2U);
  EXPECT_EQ(out.at("opinions").as_array()[0].at("experts").as_array().size(), 2U);
  EXPECT_EQ(out.at("dissent").as_array()[0].at("experts").as_array()[0].as_string(), "c\uFFFD");
  EXPECT_EQ(out.at("numeric").at("value").as_double(), 3);
  EXPECT_EQ(out.at("agreement").as_array()[0].as_array()[2].as_double(), 0);
}

}  // namespace
}  // namespace assay::consensus
