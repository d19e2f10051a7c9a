#include "assay/text/cues.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/text/segment.h"

namespace assay::text {
namespace {

struct Parsed {
  std::string text;
  std::vector<Span> words;
  std::vector<Cue> cues;
};

Parsed Parse(std::string text) {
  Parsed parsed{std::move(text), {}, {}};
  SplitWords(parsed.text, parsed.words);
  FindCues(parsed.text, parsed.words, parsed.cues);
  return parsed;
}

std::string WordsOf(const Parsed& parsed, std::uint32_t begin, std::uint32_t end) {
  if (begin >= end) return "";
  return std::string(Span{parsed.words[begin].begin, parsed.words[end - 1].end}.of(parsed.text));
}

// The reach of the first cue of a kind, or "-" where there is none.
std::string ScopeOf(const std::string& text, CueKind kind) {
  const Parsed parsed = Parse(text);
  for (const Cue& cue : parsed.cues) {
    if (cue.kind == kind) return WordsOf(parsed, cue.scope_begin, cue.scope_end);
  }
  return "-";
}

bool Has(const std::string& text, CueKind kind) {
  return ScopeOf(text, kind) != "-";
}

struct ScopeCase {
  const char* text;
  const char* scope;
};

TEST(Negation, ReachesToTheEndOfTheClause) {
  constexpr ScopeCase kCases[] = {
      {"Dogs are not allowed in the office.", "in the office"},
      {"The plan does not cover dental care, but it covers vision.", "cover dental care"},
      {"We don't ship on Sundays.", "ship on Sundays"},
      {"It isn\xE2\x80\x99t open.", "open"},
      {"There is no fee for returns.", "fee for returns"},
      {"He never signed the contract because he was ill.", "signed the contract"},
      {"You can enter without a badge, the guard knows you.", "a badge"},
      {"The device fails to start; the fan runs.", "start"},
      {"The shop no longer sells paper.", "sells paper"},
      {"Neither team scored.", "team scored"},
      {"She was unable to attend the meeting.", "attend the meeting"},
      {"A lack of funds delayed the work.", "funds delayed the work"},
      {"He does not smoke and he drinks tea.", "smoke"},
      {"None of the seats are free.", "the seats are free"},
      {"The fund cannot be used for travel which is paid already.", "be used for travel"},
      {"Refunds are not issued if the seal is broken.", "issued"},
  };
  for (const ScopeCase& c : kCases) {
    EXPECT_EQ(ScopeOf(c.text, CueKind::kNegation), c.scope) << c.text;
  }
}

TEST(Negation, IsNotSeenInPhrasesThatOnlyLookLikeIt) {
  for (const char* text :
       {"It is not only fast, it is cheap.", "No doubt the shop is open.",
        "No, the shop opens at nine.", "No. 5 is the best seller.", "He came last but not least.",
        "The knot is tight.", "Nothing but rain fell."}) {
    EXPECT_FALSE(Has(text, CueKind::kNegation)) << text;
  }
}

TEST(Negation, CountsTwiceToAnAssertion) {
  const Parsed once = Parse("Smoking is forbidden here.");
  EXPECT_TRUE(IsNegated(once.cues, 0));
  const Parsed twice = Parse("He never failed to pay.");
  EXPECT_TRUE(IsNegated(twice.cues, 2));
  EXPECT_FALSE(IsNegated(twice.cues, 4));
  const Parsed plain = Parse("He paid the bill, but she did not.");
  EXPECT_FALSE(IsNegated(plain.cues, 1));
}

TEST(Modality, TellsDutyPermissionAndBan) {
  EXPECT_TRUE(Has("Employees must wear a badge.", CueKind::kObligation));
  EXPECT_TRUE(Has("A receipt is required.", CueKind::kObligation));
  EXPECT_TRUE(Has("Employees may work from home.", CueKind::kPermission));
  EXPECT_TRUE(Has("Unused days may be carried over.", CueKind::kPermission));
  EXPECT_FALSE(Has("Unused days may be carried over.", CueKind::kHedge));
  EXPECT_TRUE(Has("The train may be late.", CueKind::kHedge));
  EXPECT_TRUE(Has("You must not park here.", CueKind::kProhibition));
  EXPECT_TRUE(Has("You cannot park here.", CueKind::kProhibition));
  EXPECT_TRUE(Has("You cannot park here.", CueKind::kNegation));
  EXPECT_TRUE(Has("Pets are not permitted.", CueKind::kProhibition));
  EXPECT_FALSE(Has("The office closes on 1 May 2024.", CueKind::kPermission));
  EXPECT_FALSE(Has("The office closes in May.", CueKind::kPermission));
}

TEST(Hedge, CoversTheUsualWords) {
  for (const char* text :
       {"It might rain.", "The vase is possibly Roman.", "He reportedly left.",
        "The data appears to be lost.", "The deal could fail.", "Delays are likely."}) {
    EXPECT_TRUE(Has(text, CueKind::kHedge)) << text;
  }
  EXPECT_FALSE(Has("It rained for two days.", CueKind::kHedge));
}

struct ValueCase {
  const char* text;
  CueKind kind;
  int value;
  const char* scope;
};

TEST(Comparison, HasDirectionAndReach) {
  const auto up = static_cast<int>(Direction::kUp);
  const auto down = static_cast<int>(Direction::kDown);
  const auto least = static_cast<int>(Direction::kAtLeast);
  const auto most = static_cast<int>(Direction::kAtMost);
  const ValueCase cases[] = {
      {"It costs more than 5 dollars, he said.", CueKind::kComparative, up, "5 dollars"},
      {"Sales were higher than last year.", CueKind::kComparative, up, ""},
      {"Fewer than ten people came.", CueKind::kComparative, down, "ten people came"},
      {"At least 3 days of notice are needed.", CueKind::kComparative, least, "3 days of notice"},
      {"Up to 20 guests fit.", CueKind::kComparative, most, "20 guests fit"},
      {"Reply within 30 days.", CueKind::kComparative, most, "30 days"},
      {"No more than 4 items are allowed.", CueKind::kComparative, most, "4 items"},
      {"It is the largest city in Peru.", CueKind::kSuperlative, up, "city in Peru"},
      {"It has the fewest seats.", CueKind::kSuperlative, down, "seats"},
  };
  for (const ValueCase& c : cases) {
    const Parsed parsed = Parse(c.text);
    const Cue* found = nullptr;
    for (const Cue& cue : parsed.cues) {
      if (cue.kind == c.kind && found == nullptr) found = &cue;
    }
    ASSERT_NE(found, nullptr) << c.text;
    EXPECT_EQ(found->value, c.value) << c.text;
    if (*c.scope != '\0') {
      EXPECT_EQ(WordsOf(parsed, found->scope_begin, found->scope_end), c.scope) << c.text;
    }
  }
}

TEST(Quantifiers, AreOrderedBySize) {
  const auto of = [](const char* text) {
    for (const Cue& cue : Parse(text).cues) {
      if (cue.kind == CueKind::kQuantifier) return cue.quantifier();
    }
    ADD_FAILURE() << "no quantifier in " << text;
    return Quantifier::kSome;
  };
  EXPECT_EQ(of("All staff get leave."), Quantifier::kAll);
  EXPECT_EQ(of("Every room has a desk."), Quantifier::kAll);
  EXPECT_EQ(of("Most rooms have a desk."), Quantifier::kMost);
  EXPECT_EQ(of("Many rooms have a desk."), Quantifier::kMany);
  EXPECT_EQ(of("Some rooms have a desk."), Quantifier::kSome);
  EXPECT_EQ(of("At least one room has a desk."), Quantifier::kSome);
  EXPECT_EQ(of("Few rooms have a desk."), Quantifier::kFew);
  EXPECT_EQ(of("No room has a desk."), Quantifier::kNone);
  EXPECT_EQ(of("Only managers may sign."), Quantifier::kOnly);
  EXPECT_LT(Quantifier::kFew, Quantifier::kMost);
}

TEST(Antonyms, HoldAcrossInflections) {
  constexpr std::array<std::array<const char*, 2>, 30> kPairs = {{
      {"increase", "decrease"},   {"rose", "fell"},
      {"increased", "dropped"},   {"before", "after"},
      {"allowed", "forbidden"},   {"won", "lost"},
      {"includes", "excluded"},   {"open", "closed"},
      {"opens", "closes"},        {"first", "last"},
      {"Higher", "lower"},        {"paid", "unpaid"},
      {"possible", "impossible"}, {"agree", "disagrees"},
      {"legal", "illegal"},       {"refundable", "non-refundable"},
      {"careful", "careless"},    {"accepts", "rejects"},
      {"maximum", "minimum"},     {"mandatory", "optional"},
      {"bought", "sold"},         {"arrived", "departed"},
      {"male", "female"},         {"north", "south"},
      {"began", "ended"},         {"enabled", "disabled"},
      {"with", "without"},        {"regular", "irregular"},
      {"happy", "unhappy"},       {"indoor", "outdoor"},
  }};
  for (const auto& [a, b] : kPairs) {
    EXPECT_TRUE(AreAntonyms(a, b)) << a << " " << b;
    EXPECT_TRUE(AreAntonyms(b, a)) << b << " " << a;
  }
}

TEST(Antonyms, AreNotSeenInLookalikes) {
  constexpr std::array<std::array<const char*, 2>, 14> kPairs = {{
      {"form", "inform"},
      {"cover", "discover"},
      {"port", "import"},
      {"increase", "rose"},
      {"rise", "grow"},
      {"vest", "invest"},
      {"house", "garden"},
      {"til", "until"},
      {"same", "same"},
      {"play", "display"},
      {"side", "inside"},
      {"count", "discount"},
      {"press", "impress"},
      {"mand", "demand"},
  }};
  for (const auto& [a, b] : kPairs) EXPECT_FALSE(AreAntonyms(a, b)) << a << " " << b;
}

TEST(Antonyms, WordsThatWereReadBeforeAreComparedAlike) {
  const std::string long_word = "un" + std::string(70, 'a');
  const std::vector<std::string> words = {"rose",     "fell",       "Paid",    "unpaid",
                                          "careful",  "careless",   "in",      "off",
                                          "inform",   "allowed",    "forbids", "invest",
                                          "possible", "impossible", long_word, long_word.substr(2),
                                          ""};
  std::size_t opposites = 0;
  for (const std::string& a : words) {
    for (const std::string& b : words) {
      const bool wanted = AreAntonyms(a, b);
      EXPECT_EQ(AreAntonyms(ReadOppositeForms(a), ReadOppositeForms(b)), wanted) << a << " " << b;
      opposites += wanted ? 1U : 0U;
    }
  }
  EXPECT_GE(opposites, 8U);
}

TEST(Antonyms, NoWordIsItsOwnOpposite) {
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) GTEST_SKIP() << "ASSAY_DATA is not set";
  std::ifstream lines(std::string(data) + "/bench/sentences.txt");
  std::string line;
  std::vector<Span> words;
  for (int i = 0; i < 3000 && std::getline(lines, line); ++i) {
    words.clear();
    SplitWords(line, words);
    for (const Span word : words) {
      EXPECT_FALSE(AreAntonyms(word.of(line), word.of(line))) << word.of(line);
    }
  }
}

std::string LemmaOf(std::string_view word) {
  std::string out(word.size() + 4, '\0');
  out.resize(Lemma(word, out));
  return out;
}

TEST(LemmaTest, ReducesInflections) {
  constexpr std::array<std::array<const char*, 2>, 22> kCases = {{
      {"rose", "rise"},
      {"policies", "policy"},
      {"allowed", "allow"},
      {"stopped", "stop"},
      {"closed", "close"},
      {"closing", "close"},
      {"boxes", "box"},
      {"classes", "class"},
      {"running", "run"},
      {"Employees", "employee"},
      {"days", "day"},
      {"carried", "carry"},
      {"was", "be"},
      {"children", "child"},
      {"submitted", "submit"},
      {"rated", "rate"},
      {"status", "status"},
      {"this", "this"},
      {"process", "process"},
      {"used", "use"},
      {"company's", "company"},
      {"provides", "provide"},
  }};
  for (const auto& [word, lemma] : kCases) EXPECT_EQ(LemmaOf(word), lemma) << word;
}

bool Question(const std::string& text) {
  const Parsed parsed = Parse(text);
  return IsQuestion(parsed.text, parsed.words);
}
bool Instruction(const std::string& text) {
  const Parsed parsed = Parse(text);
  return IsInstruction(parsed.text, parsed.words);
}

TEST(Requests, QuestionsAreFound) {
  EXPECT_TRUE(Question("Do you need more?"));
  EXPECT_TRUE(Question("\"Is it open?\""));
  EXPECT_TRUE(Question("can I return it"));
  EXPECT_FALSE(Question("What you pay is what you get."));
  EXPECT_FALSE(Question("The shop is open."));
}

TEST(Requests, InstructionsAreFound) {
  for (const char* text :
       {"Click on Save.", "Please send the form to HR.", "Make sure the door is shut.",
        "Do not open the case.", "Don't panic.", "Let's go.", "Then add the flour.",
        "If you have questions, contact your manager.", "Preheat the oven to 200 degrees.",
        "Be sure to save.", "In the Control Panel, click on Power Options."}) {
    EXPECT_TRUE(Instruction(text)) << text;
  }
  for (const char* text :
       {"Use of force is forbidden.", "Contact details are on page 3.", "The oven is hot.",
        "Work began in May.", "Employees must report accidents.", "Sales rose by 5%.",
        "If you are ill, you get paid leave.", "In 2020, sales rose by 5%.",
        "Record sales were reached in 2020."}) {
    EXPECT_FALSE(Instruction(text)) << text;
  }
}

TEST(FindCuesTest, SpansStayInsideTheSentenceOnRandomText) {
  std::mt19937 random(7);
  const std::array<std::string, 16> parts = {"not",  "no",    "may",  "be",   ",",    ".",
                                             "at",   "least", "n't",  "more", "than", "but",
                                             "\xFF", "5",     "only", "all"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (auto i = random() % 20; i > 0; --i) {
      text += parts[random() % parts.size()];
      if (random() % 4 != 0) text += ' ';
    }
    const Parsed parsed = Parse(text);
    std::uint32_t last = 0;
    for (const Cue& cue : parsed.cues) {
      ASSERT_LE(last, cue.begin_word);
      ASSERT_LT(cue.begin_word, cue.end_word);
      ASSERT_LE(cue.end_word, parsed.words.size());
      ASSERT_LE(cue.scope_begin, cue.scope_end);
      ASSERT_LE(cue.scope_end, parsed.words.size());
      last = cue.begin_word;
    }
  }
}

}  // namespace
}  // namespace assay::text
