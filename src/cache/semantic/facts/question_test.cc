#include "assay/cache/semantic/question.h"

#include <initializer_list>

#include <gtest/gtest.h>

namespace assay::cache {
namespace {

// The kind of the first fact in which two questions differ, or "none".
std::string Kind(std::string_view asked, std::string_view cached) {
  const auto agreement = Compare(ReadQuestion(asked), ReadQuestion(cached), nullptr);
  EXPECT_TRUE(agreement.has_value());
  if (agreement->differences.empty()) return "none";
  return std::string(NameOf(agreement->differences.front().kind));
}

struct Pair {
  const char* asked;
  const char* cached;
};

void ExpectKind(std::string_view kind, std::initializer_list<Pair> pairs) {
  for (const auto& [asked, cached] : pairs) {
    EXPECT_EQ(Kind(asked, cached), kind) << asked << " | " << cached;
    EXPECT_EQ(Kind(cached, asked), kind) << cached << " | " << asked;
  }
}

std::string Reason(std::string_view asked, std::string_view cached) {
  const auto agreement = Compare(ReadQuestion(asked), ReadQuestion(cached), nullptr);
  return agreement->differences.empty() ? "" : Describe(agreement->differences.front());
}

TEST(QuestionTest, NumbersDatesAndUnitsThatDifferRefuseTheHit) {
  EXPECT_EQ(Kind("Can I return it within 30 days?", "Can I return it within 3 days?"), "quantity");
  EXPECT_EQ(Kind("Is it closed on December 24?", "Is it closed on December 31?"), "quantity");
  EXPECT_EQ(Kind("Is 5 mg of it safe?", "Is 5 g of it safe?"), "quantity");
  EXPECT_EQ(Kind("What is new in C++20?", "What is new in C++23?"), "quantity");
  EXPECT_EQ(Reason("Can I return it within 30 days?", "Can I return it within 3 days?"),
            "\"30 days\" here, \"3 days\" in the cached question");
}

TEST(QuestionTest, TheSameQuantityInOtherWordsIsTheSame) {
  ExpectKind("none", {{"Is it valid for 24 months?", "Is it valid for 2 years?"},
                      {"What can I see in two days?", "What can I see in 2 days?"},
                      {"Is the file 500 MB?", "Is the file 0.5 GB?"},
                      {"Is it for a man of 22?", "Is it for a man of 22 years?"},
                      {"Must I wait at least two months?", "Must I wait 2 months?"}});
}

TEST(QuestionTest, NamesThatDifferRefuseTheHit) {
  EXPECT_EQ(Kind("Do I need a visa for Japan?", "Do I need a visa for China?"), "name");
  EXPECT_EQ(Kind("Do I need a visa for Japan?", "Is a visa required to travel to Japan?"), "none");
}

TEST(QuestionTest, NegationRefusesUnlessAnOppositeUndoesIt) {
  EXPECT_EQ(Kind("Which items are on sale?", "Which items are not on sale?"), "negation");
  EXPECT_EQ(Kind("How do I delete unused images?", "How do I delete images that are not used?"),
            "none");
  ExpectKind("none", {{"I don't know how to reset my password", "How do I reset my password?"},
                      {"Is it safe or not?", "Is it safe?"},
                      {"How can I prevent rust?", "What are preventive measures against rust?"}});
}

TEST(QuestionTest, OppositesAndMembersOfOneSetRefuseTheHit) {
  ExpectKind("opposite",
             {{"How do I turn on roaming?", "How do I turn off roaming?"},
              {"How do I enable swap?", "How do I turn off swap?"},
              {"How do I cancel my plan?", "How do I pause my plan?"},
              {"Do I eat before the test?", "Do I eat after the test?"},
              {"Do you have it in red?", "Do you have it in black?"},
              {"What helps against rust?", "Apart from paint, what helps against rust?"}});
  ExpectKind("none", {{"How do I enable swap?", "How do I turn on swap?"}});
}

TEST(QuestionTest, PartiesThatChangePlacesRefuseTheHit) {
  ExpectKind("order", {{"When does the train from Paris to Lyon leave?",
                        "When does the train from Lyon to Paris leave?"},
                       {"How do I convert JSON to XML?", "How do I convert XML to JSON?"},
                       {"Can a tenant sue a landlord?", "Can a landlord sue a tenant?"},
                       {"Who pays when I hit a cyclist?", "Who pays when a cyclist hits me?"},
                       {"Does the bank owe the customer interest?",
                        "Does the customer owe the bank interest?"}});
}

TEST(QuestionTest, TheSameRolesInAnotherOrderAgree) {
  ExpectKind("none", {{"When is there a train from Paris to Lyon?",
                       "When is there a train to Lyon from Paris?"},
                      {"How do I reverse a list in Python?", "How can I reverse a Python list?"},
                      {"What is the difference between the brain and the mind?",
                       "What is the difference between the mind and the brain?"},
                      {"How are waves formed?", "How waves are formed?"}});
}

TEST(QuestionTest, QuestionWordsQuantifiersAndModalsThatDifferRefuseTheHit) {
  ExpectKind("question", {{"When will it be delivered?", "Where will it be delivered?"},
                          {"How long does a transfer take?", "How much does a transfer cost?"},
                          {"What are the causes of rust?", "How is rust treated?"},
                          {"What does asthma mean?", "How is asthma treated?"},
                          {"What is a mutex?", "Why is a mutex slow?"}});
  ExpectKind("quantifier", {{"Are all plans included?", "Are some plans included?"}});
  ExpectKind("modality", {{"Must I show my ID?", "Can I show my ID?"}});
  ExpectKind("none",
             {{"What causes rust?", "Why does it rust?"},
              {"Are there some good songs?", "Are there any good songs?"},
              {"What is the most effective way to sleep?", "What is an effective way to sleep?"}});
}

TEST(QuestionTest, AnotherLanguageRefusesTheHit) {
  EXPECT_EQ(Kind("Wie kann ich mein Passwort ändern?", "How can I change my password?"),
            "language");
}

TEST(QuestionTest, AFactToldByTheWayInALongQuestionDoesNotDecide) {
  const auto agreement = Compare(
      ReadQuestion("I moved house with my two cats some months ago and since then the heating has "
                   "never really worked in the bathroom, whom do I call about the heating?"),
      ReadQuestion("Whom do I call about the heating in the bathroom?"), nullptr);
  ASSERT_TRUE(agreement.has_value());
  EXPECT_FALSE(agreement->differences.empty());
  EXPECT_FALSE(Decides(*agreement));
}

TEST(QuestionTest, WhatALongQuestionTellsInOtherWordsDoesNotDecide) {
  const auto agreement = Compare(
      ReadQuestion(
          "My daughter is 3 and some months ago she began to scratch both ears every night "
          "before she falls asleep, do any drops help against it?"),
      ReadQuestion("Are there ear drops for a 3 year old girl who has trouble sleeping because of "
                   "her itching ears, since all else that we tried was in vain?"),
      nullptr);
  ASSERT_TRUE(agreement.has_value());
  EXPECT_FALSE(Decides(*agreement));
  EXPECT_EQ(agreement->story, 1);
}

TEST(QuestionTest, WordsLeftOutAndSwappedAreMeasured) {
  const auto same = Compare(ReadQuestion("How do I clean the oven?"),
                            ReadQuestion("How can I clean the oven?"), nullptr);
  EXPECT_EQ(same->shared, 1);
  EXPECT_EQ(same->left_out_both, 0);
  const auto other = Compare(ReadQuestion("How do I clean the oven?"),
                             ReadQuestion("How do I clean the window?"), nullptr);
  EXPECT_LT(other->shared, 1);
  EXPECT_EQ(other->left_out_both, 1);
  EXPECT_EQ(other->one_swap, 1);
}

TEST(QuestionTest, CompoundsAndMisspellingsAreTheSameWord) {
  const auto joined = Compare(ReadQuestion("Where is the doorbell?"),
                              ReadQuestion("Where is the door bell?"), nullptr);
  EXPECT_EQ(joined->left_out_both, 0);
  const auto misspelled = Compare(ReadQuestion("Where is my statment?"),
                                  ReadQuestion("Where is my statement?"), nullptr);
  EXPECT_EQ(misspelled->left_out_both, 0);
}

TEST(QuestionTest, EmptyHostileAndLongTextsAreRead) {
  std::string deep(100000, 'x');
  std::string words;
  for (int i = 0; i < 20000; ++i) words += "not a ";
  for (const std::string& text : {std::string(), std::string("\xff\xfe?"), deep, words}) {
    const Question question = ReadQuestion(text);
    EXPECT_LE(question.text.size(), kMaxQuestionBytes);
    EXPECT_LE(question.words.size(), kMaxQuestionWords);
    EXPECT_TRUE(Compare(question, ReadQuestion("How?"), nullptr).has_value());
    EXPECT_TRUE(Compare(question, question, nullptr).has_value());
  }
}

}  // namespace
}  // namespace assay::cache
