#include "assay/consensus/final_answer.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <simdjson.h>

namespace assay::consensus {
namespace {

struct Case {
  const char* answer;
  FinalKind expected;
  FinalKind kind;
  const char* text;
};

TEST(ExtractFinalTest, ReadsMarkersShortAnswersAndLastNumbers) {
  const Case cases[] = {
      {"5*2=10\n#### 1,234.50", FinalKind::kNone, FinalKind::kNumber, "1234.5"},
      {"so on\nA: 5,600", FinalKind::kNone, FinalKind::kNumber, "5600"},
      {"#### $460\n\n", FinalKind::kNone, FinalKind::kNumber, "460"},
      {"#### \\$460.00", FinalKind::kNone, FinalKind::kNumber, "460"},
      {"thus \\boxed{-3/4}.", FinalKind::kNone, FinalKind::kNumber, "-0.75"},
      {"The answer is 12 + 3 = 15 eggs.", FinalKind::kNone, FinalKind::kNumber, "15"},
      {"First 3. The answer is 4. No wait, the answer is 5.", FinalKind::kNone, FinalKind::kNumber,
       "5"},
      {"**Final answer:** 1.2 million people", FinalKind::kNone, FinalKind::kNumber, "1200000"},
      {"She sold 7 of 9 boxes, 12-7=5 are left.", FinalKind::kNumber, FinalKind::kNumber, "5"},
      {"In the end the house costs him $110,000-$70,000 in all.", FinalKind::kNumber,
       FinalKind::kNumber, "70000"},
      {"A: -129025", FinalKind::kNone, FinalKind::kNumber, "-129025"},
      {"The answer is (C).", FinalKind::kNone, FinalKind::kChoice, "C"},
      {"B", FinalKind::kNone, FinalKind::kChoice, "B"},
      {"Answer: D. 6x^2", FinalKind::kNone, FinalKind::kChoice, "D"},
      {"Of these, only (B) holds, since (A) is false. So: (B)", FinalKind::kChoice,
       FinalKind::kChoice, "B"},
      {"No, that is a myth about bulls and the colour red.", FinalKind::kNone, FinalKind::kYesNo,
       "no"},
      {"True.", FinalKind::kNone, FinalKind::kYesNo, "yes"},
      {"The Placenta", FinalKind::kNone, FinalKind::kText, "placenta"},
      {"A long sentence about nothing in particular that holds 3 numbers, 4 and 5.",
       FinalKind::kNone, FinalKind::kNone, ""},
      {"", FinalKind::kNone, FinalKind::kNone, ""},
      {"....", FinalKind::kNumber, FinalKind::kNone, ""},
      {"A dog barked at the postman who had come to bring the letters.", FinalKind::kNone,
       FinalKind::kNone, ""},
      {"No dogs are allowed in the park after ten at night or before six.", FinalKind::kNone,
       FinalKind::kNone, ""},
  };
  for (const Case& one : cases) {
    const FinalAnswer got = ExtractFinal(one.answer, one.expected);
    EXPECT_EQ(FinalKindName(got.kind), FinalKindName(one.kind)) << one.answer;
    EXPECT_EQ(got.text, one.text) << one.answer;
  }
}

TEST(ExtractFinalTest, NumbersEqualUpToRounding) {
  const auto number = [](const char* text) { return ExtractFinal(text, FinalKind::kNumber); };
  EXPECT_TRUE(SameFinal(number("#### 12"), number("#### 12.0")));
  EXPECT_TRUE(SameFinal(number("#### 0.3333333333"), number("#### 1/3")));
  EXPECT_FALSE(SameFinal(number("#### 12"), number("#### 12.1")));
  EXPECT_FALSE(SameFinal(FinalAnswer{}, FinalAnswer{}));
}

TEST(ExtractFinalTest, FindsTheFinalOfMathSolutionsAsTheirAuthorsDo) {
  const char* data = std::getenv("ASSAY_DATA");
  std::ifstream file(std::string(data == nullptr ? "" : data) + "/consensus/gsm8k_solutions.jsonl");
  if (!file) GTEST_SKIP() << "ASSAY_DATA holds no consensus/gsm8k_solutions.jsonl";
  simdjson::dom::parser parser;
  std::size_t answers = 0, same = 0;
  for (std::string line; std::getline(file, line);) {
    for (const auto answer : parser.parse(line)["answers"]) {
      std::string_view text, final;
      if (answer["text"].get(text) != simdjson::SUCCESS) continue;
      if (answer["final"].get(final) != simdjson::SUCCESS) continue;
      ++answers;
      const FinalAnswer wanted = ExtractFinal(final, FinalKind::kNumber);
      same += SameFinal(ExtractFinal(text), wanted) ? 1U : 0U;
    }
  }
  EXPECT_GT(answers, 2600U);
  EXPECT_GE(same, answers * 995 / 1000) << same << " of " << answers;
}

}  // namespace
}  // namespace assay::consensus
