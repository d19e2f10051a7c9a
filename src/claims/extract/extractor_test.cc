#include "assay/claims/extractor.h"

#include <array>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace assay::claims {
namespace {

std::string Kinds(const std::string& text) {
  std::string joined;
  for (const ExtractedSentence& s : Extractor().Extract(text)) {
    if (!joined.empty()) joined += ' ';
    joined += KindName(s.kind);
  }
  return joined;
}

std::string Claims(const std::string& text) {
  std::string joined;
  for (const ExtractedSentence& s : Extractor().Extract(text)) {
    for (const Claim& claim : s.claims) {
      if (!joined.empty()) joined += " | ";
      joined += claim.text;
    }
  }
  return joined;
}

struct Case {
  const char* text;
  const char* expected;
};

TEST(Kind, IsToldByPatterns) {
  constexpr Case kCases[] = {
      {"The office opens at 9 am.", "factual"},
      {"Paris is the capital of France.", "factual"},
      {"Employees must report accidents within 24 hours.", "factual"},
      {"Employees get 30 days of leave.", "factual"},
      {"Dogs are not allowed in the office.", "factual"},
      {"Use of the car park is free.", "factual"},
      {"Sales rose by 5% in 2020.", "factual"},
      {"I think this is a great city.", "opinion"},
      {"In my opinion, the film is too long.", "opinion"},
      {"I love it.", "opinion"},
      {"We recommend the blue one.", "opinion"},
      {"Sure! Here is an overview:", "opinion opinion"},
      {"Certainly!", "opinion"},
      {"Hello, and thank you for your question.", "opinion"},
      {"I hope this helps!", "opinion"},
      {"Let me know if you need more.", "opinion"},
      {"# Leave and holidays", "opinion"},
      {"Benefits include:", "opinion"},
      {"Yes.", "opinion"},
      {"Do you need more details?", "question"},
      {"Which office do you mean?", "question"},
      {"Click on Save.", "instruction"},
      {"Please send the form to HR.", "instruction"},
      {"Make sure the door is shut.", "instruction"},
      {"If you are unsure, ask your manager.", "instruction"},
      {"Don't forget the receipt.", "instruction"},
      {"It might take 3 days.", "hedge"},
      {"The plan reportedly costs 5 million euros.", "hedge"},
      {"The vase is possibly from the 3rd century.", "hedge"},
      {"Unused days may be carried over.", "factual"},
      {"```\nint x = 3;\n```\n", "code"},
      {"", ""},
      {" \n\n ", ""},
  };
  for (const Case& c : kCases) EXPECT_EQ(Kinds(c.text), c.expected) << c.text;
}

TEST(Claim, OnlyFactualAndHedgedSentencesMakeThem) {
  constexpr Case kCases[] = {
      {"Sure! Here is what I found:\n\nThe office opens at 9 am.", "The office opens at 9 am."},
      {"# Opening hours\n\nThe office opens at 9 am. Do you need more?",
       "The office opens at 9 am."},
      {"Click on Save. I love this tool.", ""},
      {"It might take 3 days.", "It might take 3 days."},
      {"```\nThe office opens at 9.\n```\n", ""},
  };
  for (const Case& c : kCases) EXPECT_EQ(Claims(c.text), c.expected) << c.text;
}

TEST(CheckWorthinessTest, RanksFiguresAboveTalk) {
  const auto worth = [](const char* text) {
    const Extraction all = Extractor().Extract(text);
    return all.at(0).check_worthiness;
  };
  EXPECT_GT(worth("Unemployment rose from 5% to 8% in four years."), 0.5F);
  EXPECT_GT(worth("We lost 2.7 million manufacturing jobs in 2003."),
            worth("They want the people to have hope again.") + 0.3F);
  EXPECT_EQ(worth("Do you need more?"), 0.0F);
}

TEST(Split, CoordinatedClausesStandAlone) {
  constexpr Case kCases[] = {
      {"The office opens at 9 am, and the shop closes at 8 pm.",
       "The office opens at 9 am. | The shop closes at 8 pm."},
      {"The fee is 5 euros; the deposit is 20 euros.",
       "The fee is 5 euros. | The deposit is 20 euros."},
      {"The plan covers dental care, but it does not cover glasses.",
       "The plan covers dental care. | It does not cover glasses."},
      {"Acme was founded in 2009 and employs 214 people.",
       "Acme was founded in 2009. | Acme employs 214 people."},
      {"In 2023 the company sold 12,400 bicycles and had a revenue of 38.5 million euros.",
       "In 2023 the company sold 12,400 bicycles. | In 2023 the company had a revenue of 38.5 "
       "million euros."},
      {"He joined the firm in 1990 and retired in 2015.",
       "He joined the firm in 1990. | He retired in 2015."},
      {"Tickets cost 8 euros and can be bought online.",
       "Tickets cost 8 euros. | Tickets can be bought online."},
      {"The factory opened in March 2016 and assembles about 60 bicycles a day.",
       "The factory opened in March 2016. | The factory assembles about 60 bicycles a day."},
      {"The room has 20 seats and is on the 3rd floor.",
       "The room has 20 seats. | The room is on the 3rd floor."},
      {"The managing director is Ingrid Solberg, who joined the company in 2014.",
       "The managing director is Ingrid Solberg. | Ingrid Solberg joined the company in 2014."},
      {"Ada Lovelace, who was born in 1815, wrote the first program.",
       "Ada Lovelace wrote the first program. | Ada Lovelace was born in 1815."},
      {"The tower is 330 m high while the bridge is 120 m long.",
       "The tower is 330 m high while the bridge is 120 m long."},
      {"Full-time employees receive 27 days of paid annual leave per calendar year, and up to 10 "
       "unused days may be carried over\ninto the next year.",
       "Full-time employees receive 27 days of paid annual leave per calendar year. | Up to 10 "
       "unused days may be carried over into the next year."},
      {"The fee is 5 euros, and employees must pay it in May.",
       "The fee is 5 euros. | Employees must pay it in May."},
      {"Employees may work from home, but at least 2 days must be spent in the office.",
       "Employees may work from home. | At least 2 days must be spent in the office."},
      {"The fee is 5 euros; breakfast costs 12 euros a day.",
       "The fee is 5 euros. | Breakfast costs 12 euros a day."},
      {"Staff get 27 days of leave, while interns may take 20 days.",
       "Staff get 27 days of leave. | Interns may take 20 days."},
      {"The shop was closed in 2019, and Mary Brown moved to Leeds.",
       "The shop was closed in 2019. | Mary Brown moved to Leeds."},
  };
  for (const Case& c : kCases) EXPECT_EQ(Claims(c.text), c.expected) << c.text;
}

TEST(Split, WhatIsSaidOfTheSubjectStandsAlone) {
  constexpr Case kCases[] = {
      {"Ingrid Solberg, the managing director, joined in 2014.",
       "Ingrid Solberg joined in 2014. | Ingrid Solberg is the managing director."},
      {"Ada Young (born May 5, 1970) is an American actress.",
       "Ada Young is an American actress. | Ada Young was born May 5, 1970."},
      {"Founded in 2009, Alder & Finch employs 214 people.",
       "Alder & Finch was founded in 2009. | Alder & Finch employs 214 people."},
      {"The Ghent factory, which opened in 2016, makes frames.",
       "The Ghent factory makes frames. | The Ghent factory opened in 2016."},
      {"Acme is based in Ghent and owned by Beta Ltd.",
       "Acme is based in Ghent. | Acme is owned by Beta Ltd."},
      {"Ada Young is an American actress who began her career in 1990.",
       "Ada Young is an American actress. | Ada Young began her career in 1990."},
      {"Ada Young is an actress and singer best known for her role in Evita.",
       "Ada Young is an actress and singer. | Ada Young is best known for her role in Evita."},
      {"Errol Flynn (1909-1959) was an actor who lived in Ghent.",
       "Errol Flynn (1909-1959) was an actor. | Errol Flynn lived in Ghent."},
      {"Ada Young was born in 1970 and founded a club in Leeds.",
       "Ada Young was born in 1970. | Ada Young founded a club in Leeds."},
  };
  for (const Case& c : kCases) EXPECT_EQ(Claims(c.text), c.expected) << c.text;
}

TEST(Split, LeavesWholeWhatHangsTogether) {
  for (const char* text : {
           "The company designs and builds cargo bicycles for families.",
           "If the seal is broken, the refund is lost, and the fee is due.",
           "He said that the fee is 5 euros, and the deposit is 20 euros.",
           "The price depends on the size and the colour of the frame.",
           "The store has discounts and offers for members of the club.",
           "Either the fee is waived, or the deposit is kept by the shop.",
           "\"The fee is 5 euros, and it is due today\" stands on the door.",
           "The car was repaired and painted in the old garage.",
           "The shop sells bread, cakes, and coffee from 7 am.",
           "They have worked in Ghent and lived in Leeds since May.",
           "Although the train was late, he arrived on time, and she left.",
           "Staff can book rooms when the office is open and the desk is staffed.",
           "It runs between 5 and 10 km a day and night.",
           "The bank of the river is steep and dangerous.",
           "The factory in Ghent, which opened in 2016, makes frames.",
           "The shop offers repairs, maintenance, and parts that are new.",
           "Staff may use the rooms, and doors the manager can lock.",
           "Julia Faye (born September 24, 1893 \xE2\x80\x93 April 6, 1966) was an actress.",
           "On-site parking is not available, but street parking is.",
           "The film was never released in 1990 and shown by Acme.",
           "Born in Texas, her family moved to Leeds in 1990.",
           "Ada Young is a member of the team who won the cup in 1990.",
           "Ada Young is not an actress who began in 1990.",
           "His debut album was released and sold in 2011.",
       }) {
    EXPECT_EQ(Claims(text), text);
  }
}

TEST(References, PointToTheNearestFittingName) {
  constexpr Case kCases[] = {
      {"Marie Curie was born in Warsaw. She won two Nobel Prizes.",
       "Marie Curie was born in Warsaw. | Marie Curie won two Nobel Prizes."},
      {"Alder & Finch was founded in 2009 by Marta Alder and Tomas Finch in Rotterdam. The company "
       "builds bicycles. It employs 214 people.",
       "Alder & Finch was founded in 2009 by Marta Alder and Tomas Finch in Rotterdam. | Alder & "
       "Finch builds bicycles. | Alder & Finch employs 214 people."},
      {"Paris is the capital of France. The city has 2.1 million inhabitants.",
       "Paris is the capital of France. | Paris has 2.1 million inhabitants."},
      {"Isaac Newton studied at Cambridge. His book appeared in 1687.",
       "Isaac Newton studied at Cambridge. | Isaac Newton's book appeared in 1687."},
      {"John Smith met Mary Brown. She works in Leeds.",
       "John Smith met Mary Brown. | Mary Brown works in Leeds."},
      {"Acme Corp opened in 1990, and it employs 40 people.",
       "Acme Corp opened in 1990. | Acme Corp employs 40 people."},
      {"Acme Inc makes tools. The company's revenue is 5 million euros.",
       "Acme Inc makes tools. | Acme Inc's revenue is 5 million euros."},
  };
  for (const Case& c : kCases) EXPECT_EQ(Claims(c.text), c.expected) << c.text;
}

TEST(References, StayWhereNothingIsSure) {
  constexpr Case kHeading = {
      "# Leave and remote work at Alder & Finch\n\nFull-time employees receive 27 days of leave. A "
      "doctor's note is required from the fourth day of illness.\n\n- You can work from home up to "
      "3 "
      "days a week.\n- The company pays 600 euros for home office equipment.\n\nThe company also "
      "sponsors a football team.\n",
      "Full-time employees receive 27 days of leave. | A doctor's note is required from the fourth "
      "day of illness. | You can work from home up to 3 days a week. | Alder & Finch pays 600 "
      "euros "
      "for home office equipment. | Alder & Finch also sponsors a football team."};
  EXPECT_EQ(Claims(kHeading.text), kHeading.expected);
  for (const char* text : {
           "It is likely that prices rise.",
           "She works in Leeds.",
           "It takes 3 days to ship.",
           "The city of Ghent has 260,000 inhabitants.",
           "The company car is free for managers.",
           "Full-time employees get 30 days. The company pays 600 euros.",
           "BBC News moved to Salford in 2011. The bank returned the fee.",
           "Berlin has 3 airports. The company pays 600 euros.",
           "Solberg opened a shop. The company pays 600 euros.",
           "Guests of Crocodile Bar can stay connected during their visit.",
           "Duke will face Wisconsin on Monday, seeking its fifth title.",
           "The US Air Force sent jets to the region.",
       }) {
    std::string joined = Claims(text);
    for (std::size_t bar; (bar = joined.find(" |")) != std::string::npos;) joined.erase(bar, 2);
    EXPECT_EQ(joined, text);
  }
  EXPECT_EQ(
      Claims("John Smith called Peter Jones. After the talk John Smith told Peter Jones that "
             "he was late."),
      "John Smith called Peter Jones. | After the talk John Smith told Peter Jones that he was "
      "late.");
  ExtractorOptions options;
  options.resolve_pronouns = false;
  const Extraction plain =
      Extractor(options).Extract("Marie Curie was born in Warsaw. She won two Nobel Prizes.");
  EXPECT_EQ(plain[1].claims[0].text, "She won two Nobel Prizes.");
}

TEST(Lists, ItemsInheritTheirLeadIn) {
  constexpr Case kCases[] = {
      {"Benefits include:\n\n- 30 days of leave\n- free coffee\n",
       "Benefits include 30 days of leave | Benefits include free coffee"},
      {"The kit contains the following items:\n- 2 screws\n- 1 key\n",
       "The kit contains the following items: 2 screws | The kit contains the following items: 1 "
       "key"},
      {"Here are the rules:\n- The office opens at 9 am.\n- Dogs are not allowed.\n",
       "The office opens at 9 am. | Dogs are not allowed."},
      {"Opening hours are:\n\n1. Monday to Friday: 9 to 5\n2. Saturday: 10 to 2\n\nThe shop is "
       "closed "
       "on Sunday.",
       "Opening hours are Monday to Friday: 9 to 5 | Opening hours are Saturday: 10 to 2 | The "
       "shop "
       "is closed on Sunday."},
      {"The rules are as follows:\n* The fee is **5 euros**.\n", "The fee is 5 euros."},
  };
  for (const Case& c : kCases) EXPECT_EQ(Claims(c.text), c.expected) << c.text;
}

TEST(Claim, TextIsFreeOfMarkdown) {
  EXPECT_EQ(Claims("The **fee** is `5` euros, see [the page](https://example.org/a)."),
            "The fee is 5 euros, see the page.");
  EXPECT_EQ(Claims("The area is 5 * 3 = 15 square metres."),
            "The area is 5 * 3 = 15 square metres.");
  EXPECT_EQ(Claims("The fee\nis 5 euros."), "The fee is 5 euros.");
}

TEST(Claim, SpansLieInTheirSentence) {
  const std::string text =
      "Acme was founded in 2009 and employs 214 people. The head is Ada Young, who joined in 2014.";
  std::uint32_t index = 0;
  for (const ExtractedSentence& s : Extractor().Extract(text)) {
    EXPECT_EQ(s.claims.size(), 2U);
    for (const Claim& claim : s.claims) {
      EXPECT_GE(claim.span.begin, s.span.begin);
      EXPECT_LE(claim.span.end, s.span.end);
      EXPECT_EQ(claim.sentence, index);
    }
    ++index;
  }
  const Extraction all = Extractor().Extract(text);
  EXPECT_EQ(all[0].claims[1].span.of(text), "employs 214 people.");
}

TEST(Options, SplittingCanBeTurnedOff) {
  ExtractorOptions options;
  options.split_clauses = false;
  const Extraction all =
      Extractor(options).Extract("Acme was founded in 2009 and employs 214 people.");
  ASSERT_EQ(all[0].claims.size(), 1U);
  EXPECT_EQ(all[0].claims[0].text, "Acme was founded in 2009 and employs 214 people.");
}

TEST(Stream, HandsOutASentenceOneWordAfterItsEnd) {
  const Extractor extractor;
  ExtractorStream stream(extractor);
  Extraction out;
  stream.Feed("The office opens at 9 am. ", out);
  EXPECT_TRUE(out.empty());
  stream.Feed("Dogs ", out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].claims.at(0).text, "The office opens at 9 am.");
  stream.Feed("are welcome.", out);
  EXPECT_EQ(out.size(), 1U);
  stream.Finish(out);
  ASSERT_EQ(out.size(), 2U);
  stream.Feed("A new answer starts at byte 0.", out);
  stream.Finish(out);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[2].span.begin, 0U);
}

TEST(Stream, DoesNotHoldBackAllOfAnUnendingParagraph) {
  const Extractor extractor;
  ExtractorStream stream(extractor);
  Extraction out;
  for (int i = 0; i < 200; ++i)
    stream.Feed("The fee for room " + std::to_string(i) + " is low. ", out);
  EXPECT_GE(out.size(), 198U);
}

std::string AnswerClaim(std::string_view question, std::string_view answer) {
  ExtractorOptions options;
  options.question = question;
  std::string claims;
  for (const ExtractedSentence& sentence : Extractor(options).Extract(answer)) {
    for (const Claim& claim : sentence.claims) {
      if (!claims.empty()) claims += " | ";
      claims += claim.text;
    }
  }
  return claims;
}

TEST(ExtractorQuestionTest, CompletesFragmentsFromTheQuestion) {
  constexpr std::array<std::array<std::string_view, 3>, 16> kCases = {{
      {"When must lost devices be reported?", "Within 24 hours.",
       "Lost devices must be reported within 24 hours."},
      {"Within how many hours must a lost laptop be reported?", "Within 10 business days.",
       "A lost laptop must be reported within 10 business days."},
      {"How many days of paid leave do employees receive?", "4 weeks.",
       "Employees receive 4 weeks of paid leave."},
      {"How many days of paid leave do employees receive?", "27",
       "Employees receive 27 days of paid leave."},
      {"How many days of paid leave do employees receive?", "27 days.",
       "Employees receive 27 days of paid leave."},
      {"Who runs the pension plan?", "Meridian Pensions.",
       "Meridian Pensions runs the pension plan."},
      {"Who must approve overtime?", "The manager.", "The manager must approve overtime."},
      {"What is the daily meal allowance in Belgium?", "45 euros",
       "The daily meal allowance in Belgium is 45 euros."},
      {"In which year was the company founded?", "2009.", "The company was founded in 2009."},
      {"From which day of illness is a doctor's note required?", "The fourth.",
       "A doctor's note is required from the fourth day of illness."},
      {"Is alcohol reimbursed?", "No.", "Alcohol is not reimbursed."},
      {"Is alcohol reimbursed?", "Yes.", "Alcohol is reimbursed."},
      {"Is smoking forbidden inside the buildings?", "Yes.",
       "Smoking is forbidden inside the buildings."},
      {"May employees smoke indoors?", "No.", "Employees may not smoke indoors."},
      {"Do managers receive the bonus?", "No.", "Managers do not receive the bonus."},
      {"Thanks! And where is customer data stored?", "In Frankfurt and Dublin.",
       "Customer data is stored in Frankfurt and Dublin."},
  }};
  for (const auto& [question, answer, claim] : kCases) {
    EXPECT_EQ(AnswerClaim(question, answer), claim) << question << " " << answer;
  }
}

TEST(ExtractorQuestionTest, LeavesSentencesAsTheyAre) {
  constexpr std::string_view kQuestion = "When must lost devices be reported?";
  for (const std::string_view answer :
       {"The company replaces laptops every four years.", "Devices are reported to the IT desk.",
        "Meridian Pensions runs the plan."}) {
    EXPECT_EQ(AnswerClaim(kQuestion, answer), answer);
    EXPECT_EQ(AnswerClaim("", answer), answer);
  }
  EXPECT_EQ(AnswerClaim(kQuestion, "The IT desk is open until 18:00. Within 24 hours."),
            "The IT desk is open until 18:00. | Within 24 hours.");
}

TEST(ExtractorQuestionTest, LetsAnOpeningPronounStandForWhatWasAsked) {
  EXPECT_EQ(AnswerClaim("When must lost devices be reported?", "They must be reported at once."),
            "Lost devices must be reported at once.");
}

TEST(ExtractorQuestionTest, GivesTheSameStreamedAsWhole) {
  ExtractorOptions options;
  options.question = "How many days of leave do employees receive?";
  const Extractor extractor(options);
  constexpr std::string_view kAnswer = "27 days. Part-time employees receive less.\n";
  const Extraction whole = extractor.Extract(kAnswer);
  ExtractorStream stream(extractor);
  Extraction streamed;
  for (const char& c : kAnswer) stream.Feed(std::string_view(&c, 1), streamed);
  stream.Finish(streamed);
  ASSERT_EQ(streamed.size(), whole.size());
  ASSERT_EQ(whole.size(), 2U);
  EXPECT_EQ(whole[0].claims.at(0).text, "Employees receive 27 days of leave.");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(streamed[i].claims.at(0).text, whole[i].claims.at(0).text);
  }
}

TEST(ExtractorQuestionTest, TakesAnyQuestionWithoutHarm) {
  for (const std::string_view question :
       {"?", "Why?", "When?", "What is?", "How many", "Is?", "the the the the?",
        "\xff\xfe is when?", "Which which which which which which?"}) {
    EXPECT_FALSE(AnswerClaim(question, "27 days of leave a year.").empty()) << question;
  }
}

}  // namespace
}  // namespace assay::claims
