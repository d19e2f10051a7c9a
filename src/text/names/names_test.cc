#include "assay/text/names.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace assay::text {
namespace {

std::string NamesIn(const std::string& text) {
  std::vector<Name> names;
  FindNames(text, names);
  std::string joined;
  for (const Name& name : names) {
    if (!joined.empty()) joined += "; ";
    joined += name.span.of(text);
  }
  return joined;
}

struct NamesCase {
  const char* text;
  const char* names;
};

TEST(FindNames, ReadsCapitalisedRuns) {
  constexpr NamesCase kCases[] = {
      {"Ada Lovelace met Charles Babbage in London.", "Ada Lovelace; Charles Babbage; London"},
      {"He studied at the University of California, Berkeley.",
       "University of California; Berkeley"},
      {"The Bank of England raised rates.", "Bank of England"},
      {"She works for the Centers for Disease Control.", "Centers for Disease Control"},
      {"They saw Vincent van Gogh and Leonardo da Vinci.", "Vincent van Gogh; Leonardo da Vinci"},
      {"Apple's new phone costs more.", "Apple"},
      {"Full-time employees of Apple get more.", "Apple"},
      {"Well-known firms came. Long-term loans are dear.", ""},
      {"Coca-Cola pays more.", "Coca-Cola"},
      {"Jean-Luc Picard came.", "Jean-Luc Picard"},
      {"The shop of Marks & Spencer is closed.", "Marks & Spencer"},
      {"J. K. Rowling wrote it.", "J. K. Rowling"},
      {"George W. Bush lost.", "George W. Bush"},
      {"We asked Mary O'Brien and Jean-Luc Picard.", "Mary O'Brien; Jean-Luc Picard"},
      {"I met Zo\xC3\xAB M\xC3\xBCller in Z\xC3\xBCrich.",
       "Zo\xC3\xAB M\xC3\xBCller; Z\xC3\xBCrich"},
      {"New York and New Zealand are far apart.", "New York; New Zealand"},
      {"We bought it from Acme, Inc. last year.", "Acme, Inc"},
      {"On Monday, 3 May, Theresa May resigned.", "Theresa May"},
  };
  for (const NamesCase& c : kCases) EXPECT_EQ(NamesIn(c.text), c.names) << c.text;
}

TEST(FindNames, FirstWordsOfSentencesNeedSupport) {
  constexpr NamesCase kCases[] = {
      {"The shop is open. However, it closes at five.", ""},
      {"Employees get leave. Managers approve it.", ""},
      {"Paris is a city.", "Paris"},
      {"In Paris it rains.", "Paris"},
      {"Running helps. Walking too.", ""},
      {"Time is short. We read Time every week.", "Time; Time"},
      {"I think it is May. In March it rained.", ""},
      {"Visit Berlin soon.", "Berlin"},
  };
  for (const NamesCase& c : kCases) EXPECT_EQ(NamesIn(c.text), c.names) << c.text;
}

TEST(FindNames, TitlesAreNoPartOfTheName) {
  EXPECT_EQ(NamesIn("We saw Dr. Smith and President Lincoln."), "Smith; Lincoln");
  EXPECT_EQ(NamesIn("Mr. John Brown left."), "John Brown");
  std::vector<Name> names;
  FindNames("The letter came from Mrs. Dalloway and Mr. Darcy.", names);
  ASSERT_EQ(names.size(), 2U);
  EXPECT_EQ(names[0].traits, kTraitPerson | kTraitFemale);
  EXPECT_EQ(names[1].traits, kTraitPerson | kTraitMale);
}

TEST(FindNames, AddressesAndCodesAreNames) {
  const std::string text =
      "Write to help@example.org or see https://example.org/a?b=1, buy the RTX-4090 or the X200.";
  std::vector<Name> names;
  FindNames(text, names);
  ASSERT_EQ(names.size(), 4U) << NamesIn(text);
  EXPECT_EQ(names[0].kind, NameKind::kEmail);
  EXPECT_EQ(names[0].span.of(text), "help@example.org");
  EXPECT_EQ(names[1].kind, NameKind::kUrl);
  EXPECT_EQ(names[1].span.of(text), "https://example.org/a?b=1");
  EXPECT_EQ(names[2].kind, NameKind::kCode);
  EXPECT_EQ(names[2].span.of(text), "RTX-4090");
  EXPECT_EQ(names[3].span.of(text), "X200");
  EXPECT_EQ(NamesIn("It took 30km and the 1990s on the 2nd day at 10am."), "");
}

TEST(FindNames, AcronymsLinkToTheirLongForm) {
  const std::string text =
      "The World Health Organization (WHO) met. WHO said no. The U.S. agreed. America paid.";
  std::vector<Name> names;
  FindNames(text, names);
  ASSERT_EQ(names.size(), 5U);
  EXPECT_EQ(names[1].kind, NameKind::kAcronym);
  EXPECT_EQ(names[1].same_as, 0U);
  EXPECT_EQ(names[2].same_as, 0U);
  EXPECT_EQ(names[3].same_as, 3U);
  EXPECT_EQ(names[4].same_as, 3U);
}

TEST(SameNameTest, HoldsForWaysToWriteOneName) {
  constexpr std::array<std::array<const char*, 2>, 27> kPairs = {{
      {"Curie", "Marie Curie"},
      {"Marie", "Marie Curie"},
      {"M. Curie", "Marie Curie"},
      {"Dr. Smith", "John Smith"},
      {"John Q. Smith", "John Smith"},
      {"U.S.", "United States"},
      {"US", "the United States of America"},
      {"USA", "U.S.A."},
      {"UK", "United Kingdom"},
      {"Britain", "U.K."},
      {"WHO", "World Health Organization"},
      {"W.H.O.", "World Health Organization"},
      {"DoJ", "Department of Justice"},
      {"Apple", "Apple Inc."},
      {"Apple's", "apple"},
      {"M\xC3\xBCnchen", "Munchen"},
      {"Jean-Luc Picard", "Jean Luc Picard"},
      {"The Beatles", "Beatles"},
      {"President Obama", "Barack Obama"},
      {"J.K. Rowling", "J. K. Rowling"},
      {"J. Rowling", "Joanne Rowling"},
      {"O'Brien",
       "O\xE2\x80\x99"
       "Brien"},
      {"EU", "European Union"},
      {"UN", "United Nations"},
      {"NASA", "National Aeronautics and Space Administration"},
      {"George Bush", "George W. Bush"},
      {"NATO's", "NATO"},
  }};
  for (const auto& [a, b] : kPairs) {
    EXPECT_TRUE(SameName(a, b)) << a << " | " << b;
    EXPECT_TRUE(SameName(b, a)) << b << " | " << a;
  }
}

TEST(SameNameTest, TellsDifferentNamesApart) {
  constexpr std::array<std::array<const char*, 2>, 18> kPairs = {{
      {"Marie Curie", "Pierre Curie"},
      {"York", "New York"},
      {"University", "University of California"},
      {"University of California", "University of Colorado"},
      {"WTO", "World Health Organization"},
      {"us", "United States"},
      {"RTX-4090", "RTX-4080"},
      {"Paris", "London"},
      {"Bank of America", "Bank of England"},
      {"Department of Health", "Department of Mental Health"},
      {"North Korea", "South Korea"},
      {"Korea", "North Korea"},
      {"World Bank", "Bank"},
      {"John Smith", "Jane Smith"},
      {"United States", "United Nations"},
      {"Virginia", "West Virginia"},
      {"Microsoft", "Micron"},
      {"", "Paris"},
  }};
  for (const auto& [a, b] : kPairs) {
    EXPECT_FALSE(SameName(a, b)) << a << " | " << b;
    EXPECT_FALSE(SameName(b, a)) << b << " | " << a;
  }
}

TEST(SameNameTest, IsReflexiveAndSymmetricOnRealNames) {
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) GTEST_SKIP() << "ASSAY_DATA is not set";
  std::ifstream lines(std::string(data) + "/claim_decomposition/factscore.jsonl");
  std::string line;
  std::vector<std::string> all;
  for (int i = 0; i < 150 && std::getline(lines, line); ++i) {
    std::vector<Name> names;
    FindNames(line, names);
    for (const Name& name : names) all.emplace_back(name.span.of(line));
  }
  ASSERT_GT(all.size(), 300U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(SameName(all[i], all[i])) << all[i];
    const std::string& other = all[(i * 7 + 3) % all.size()];
    EXPECT_EQ(SameName(all[i], other), SameName(other, all[i])) << all[i] << " | " << other;
  }
}

TEST(NormalizeNameTest, GivesTheComparedForm) {
  EXPECT_EQ(NormalizeName("Dr. Zo\xC3\xAB M\xC3\xBCller's"), "zoe muller");
  EXPECT_EQ(NormalizeName("U.S."), "united states");
  EXPECT_EQ(NormalizeName("the Beatles"), "beatles");
  EXPECT_EQ(NormalizeName(""), "");
}

TEST(IsAcronymOfTest, SmallWordsAreFree) {
  EXPECT_TRUE(IsAcronymOf("WHO", "World Health Organization"));
  EXPECT_TRUE(IsAcronymOf("DOJ", "Department of Justice"));
  EXPECT_TRUE(IsAcronymOf("DJ", "Department of Justice"));
  EXPECT_FALSE(IsAcronymOf("WTO", "World Health Organization"));
  EXPECT_FALSE(IsAcronymOf("W", "World"));
}

TEST(FindNames, SpansAreInOrderAndInsideOnRandomBytes) {
  std::mt19937 random(11);
  const std::array<std::string, 14> parts = {"Ada",           "of", "The", "U.S.", "'s",
                                             "\xE2\x80\x99s", "@",  ".",   ", ",   "-",
                                             "\xFF",          "7",  "WHO", "://"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto i = random() % 16; i > 0; --i) {
      text += parts[random() % parts.size()];
      if (random() % 3 != 0) text += ' ';
    }
    std::vector<Name> names;
    FindNames(text, names);
    std::uint32_t end = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
      ASSERT_LE(end, names[i].span.begin);
      ASSERT_LT(names[i].span.begin, names[i].span.end);
      ASSERT_LE(names[i].span.end, text.size());
      ASSERT_LE(names[i].same_as, i);
      end = names[i].span.end;
    }
  }
}

}  // namespace
}  // namespace assay::text
