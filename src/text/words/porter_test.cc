#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "assay/text/cues.h"

namespace assay::text {
namespace {

// The examples of the paper's sections, each carried through all steps.
TEST(PorterStem, GivesTheStemsOfThePapersExamples) {
  const std::vector<std::pair<std::string, std::string_view>> examples = {
      {"caresses", "caress"},
      {"ponies", "poni"},
      {"ties", "ti"},
      {"cats", "cat"},
      {"feed", "feed"},
      {"agreed", "agre"},
      {"plastered", "plaster"},
      {"bled", "bled"},
      {"motoring", "motor"},
      {"sing", "sing"},
      {"conflated", "conflat"},
      {"troubled", "troubl"},
      {"sized", "size"},
      {"hopping", "hop"},
      {"tanned", "tan"},
      {"falling", "fall"},
      {"hissing", "hiss"},
      {"fizzed", "fizz"},
      {"failing", "fail"},
      {"filing", "file"},
      {"happy", "happi"},
      {"sky", "sky"},
      {"relational", "relat"},
      {"conditional", "condit"},
      {"rational", "ration"},
      {"digitizer", "digit"},
      {"radically", "radic"},
      {"differently", "differ"},
      {"vietnamization", "vietnam"},
      {"operator", "oper"},
      {"feudalism", "feudal"},
      {"decisiveness", "decis"},
      {"hopefulness", "hope"},
      {"formality", "formal"},
      {"sensibility", "sensibl"},
      {"triplicate", "triplic"},
      {"formative", "form"},
      {"electrical", "electr"},
      {"goodness", "good"},
      {"revival", "reviv"},
      {"allowance", "allow"},
      {"airliner", "airlin"},
      {"adjustable", "adjust"},
      {"defensible", "defens"},
      {"irritant", "irrit"},
      {"replacement", "replac"},
      {"adjustment", "adjust"},
      {"dependent", "depend"},
      {"adoption", "adopt"},
      {"communism", "commun"},
      {"activate", "activ"},
      {"homologous", "homolog"},
      {"effective", "effect"},
      {"bowdlerize", "bowdler"},
      {"probate", "probat"},
      {"rate", "rate"},
      {"cease", "ceas"},
      {"controlling", "control"},
      {"roll", "roll"},
      {"generalizations", "gener"},
      {"oscillators", "oscil"},
  };
  for (const auto& [word, stem] : examples) EXPECT_EQ(PorterStem(word), stem) << word;
}

TEST(PorterStem, LeavesShortWordsAndOtherCharactersAlone) {
  for (const char* word : {"", "is", "Cats", "x2s", "na\xC3\xAFves"}) {
    EXPECT_EQ(PorterStem(word), word);
  }
}

TEST(StripPastAndFinalY, KeepsDerivationAndPlural) {
  for (const auto& [word, expected] :
       std::vector<std::pair<std::string, std::string_view>>{{"relational", "relational"},
                                                             {"hoping", "hope"},
                                                             {"hopped", "hop"},
                                                             {"cats", "cats"},
                                                             {"policy", "polici"},
                                                             {"y", "y"},
                                                             {"red", "red"},
                                                             {"need", "need"}}) {
    std::string buffer = word;
    const std::size_t length = StripPastAndFinalY(buffer.data(), buffer.size());
    EXPECT_EQ(std::string_view(buffer).substr(0, length), expected);
  }
}

}  // namespace
}  // namespace assay::text
