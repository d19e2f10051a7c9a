#include "assay/logs/template_miner.h"

#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/core/hash.h"
#include "assay/core/parallel.h"

#include "templates/state_file.h"

namespace assay::logs {
namespace {

TemplateMiner Miner(const MinerOptions& options = {}) {
  auto miner = TemplateMiner::Create(options);
  EXPECT_TRUE(miner) << (miner ? "" : miner.error().message);
  return *std::move(miner);
}

std::vector<std::string> Texts(const TemplateMiner& miner) {
  std::vector<std::string> texts;
  for (const MinedTemplate& one : miner.Templates()) texts.push_back(one.text);
  return texts;
}

// Lines of many forms with words that differ, the same on every run.
std::vector<std::string> SomeLines(std::size_t count) {
  core::SeededRng rng(11);
  const std::vector<std::string> words = {"alpha", "beta", "gamma", "delta", "READY", "DOWN", "x1"};
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < count; ++i) {
    std::string line = fmt::format("service{} ", rng.Below(40));
    for (std::uint64_t left = 1 + rng.Below(7); left > 0; --left) {
      line += rng.Below(3) == 0 ? fmt::format("n={} ", rng.Below(100'000))
                                : words[rng.Below(words.size())] + " ";
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

TEST(TemplateMiner, LinesThatDifferInValuesHaveOneTemplate) {
  TemplateMiner miner = Miner();
  EXPECT_EQ(miner.Add("Received block blk_1 of size 10"), 1);
  EXPECT_EQ(miner.Add("Verification succeeded for blk_1"), 2);
  EXPECT_EQ(miner.Add("Received block blk_-22 of size 9999"), 1);
  const auto found = miner.Find(1);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->text, "Received block <*> of size <*>");
  EXPECT_EQ(found->lines, 2);
  EXPECT_EQ(miner.lines(), 3);
}

TEST(TemplateMiner, AFewWordsAtAPlaceAreTemplatesOfTheirOwnAndManyBecomeAValue) {
  TemplateMiner miner = Miner();
  EXPECT_EQ(miner.Add("Accepted password for ann from host"), 1);
  EXPECT_EQ(miner.Add("Accepted password for bob from host"), 2);
  EXPECT_EQ(miner.Add("Accepted password for cid from host"), 3);
  EXPECT_EQ(miner.template_count(), 3);
  EXPECT_EQ(miner.Add("Accepted password for dan from host"), 1);
  EXPECT_EQ(Texts(miner), std::vector<std::string>{"Accepted password for <*> from host"});
  EXPECT_EQ(miner.Resolve(3), 1);
  EXPECT_EQ(miner.Find(2)->id, 1);
  EXPECT_EQ(miner.Find(2)->lines, 4);
  EXPECT_EQ(miner.Add("Accepted password for bob from host"), 1);
}

TEST(TemplateMiner, StatesInCapitalsStayApart) {
  TemplateMiner miner = Miner();
  const std::vector<std::string> states = {"NEW", "INIT", "READY", "RUNNING", "SHUT_DOWN"};
  for (const auto& state : states) miner.Add("server is now " + state + " again");
  EXPECT_EQ(miner.template_count(), states.size());
}

TEST(TemplateMiner, APlaceWithAValueAndAWordIsOneTemplate) {
  TemplateMiner miner = Miner();
  miner.Add("Error loading /bin/a on this node");
  EXPECT_EQ(miner.Add("Error loading runtime on this node"), 1);
  EXPECT_EQ(Texts(miner), std::vector<std::string>{"Error loading <*> on this node"});
}

TEST(TemplateMiner, UnlikeLinesOfEqualLengthStayApart) {
  TemplateMiner miner = Miner();
  miner.Add("disk is full now");
  EXPECT_EQ(miner.Add("disk was never empty"), 2);
}

TEST(TemplateMiner, TheEmptyLineHasTheEmptyTemplate) {
  TemplateMiner miner = Miner();
  EXPECT_EQ(miner.Add(""), 1);
  EXPECT_EQ(miner.Add("  \r"), 1);
  EXPECT_EQ(miner.Find(1)->text, "");
}

TEST(TemplateMiner, MasksOfTheUserAreValues) {
  TemplateMiner miner = Miner({.masks = {R"(sku-[a-z]+)", R"(<\d+\ssec)"}});
  EXPECT_EQ(miner.Add("sold sku-abc in <5 sec and xsku-q"), 1);
  EXPECT_EQ(miner.Add("sold sku-zz in <9 sec and xsku-qqq"), 1);
  EXPECT_EQ(miner.Find(1)->text, "sold <*> in <*> and x<*>");
}

TEST(TemplateMiner, AddLinesGivesTheIdsOfAddWhateverTheThreads) {
  const std::vector<std::string> lines = SomeLines(5'000);
  const std::vector<std::string_view> views(lines.begin(), lines.end());
  TemplateMiner one = Miner();
  std::vector<std::uint64_t> expected;
  for (const std::string& line : lines) expected.push_back(one.Add(line));
  for (const std::size_t threads : {1U, 4U}) {
    const core::ThreadLimit limit(threads);
    TemplateMiner miner = Miner();
    std::vector<std::uint64_t> ids(lines.size());
    miner.AddLines(views, ids);
    EXPECT_EQ(ids, expected);
    EXPECT_EQ(Texts(miner), Texts(one));
  }
}

TEST(TemplateMiner, EveryLineIsCountedOnceAndEveryIdIsKnown) {
  TemplateMiner miner = Miner();
  std::vector<std::uint64_t> ids;
  for (const std::string& line : SomeLines(5'000)) ids.push_back(miner.Add(line));
  std::uint64_t counted = 0;
  std::set<std::uint64_t> known;
  for (const MinedTemplate& one : miner.Templates()) {
    counted += one.lines;
    known.insert(one.id);
  }
  EXPECT_EQ(counted, ids.size());
  EXPECT_EQ(known.size(), miner.template_count());
  for (const std::uint64_t id : ids) EXPECT_TRUE(known.contains(miner.Resolve(id)));
}

TEST(TemplateMiner, ForgetsWhatWasNotSeenForLongest) {
  TemplateMiner miner = Miner({.max_templates = 16});
  std::vector<std::string> words;
  for (char a = 'a'; a <= 'z'; ++a) words.push_back(std::string(5, a));
  for (const std::string& word : words) {
    miner.Add("a line that is seen again and again");
    miner.Add(word + " begins a line of its own " + word + " " + word + " " + word + " " + word);
    EXPECT_LE(miner.template_count(), 16);
  }
  EXPECT_EQ(miner.Find(1)->lines, words.size());
  const auto forgotten = miner.TakeForgotten();
  ASSERT_FALSE(forgotten.empty());
  EXPECT_EQ(forgotten.front().id, 2);
  EXPECT_EQ(forgotten.front().text.substr(0, 5), "aaaaa");
  EXPECT_FALSE(miner.Find(2));
  EXPECT_TRUE(miner.TakeForgotten().empty());
  std::uint64_t counted = 0;
  for (const MinedTemplate& one : miner.Templates()) counted += one.lines;
  for (const MinedTemplate& one : forgotten) counted += one.lines;
  EXPECT_EQ(counted, miner.lines());
}

TEST(TemplateMiner, StaysWithinItsBoundsOnHostileLines) {
  TemplateMiner miner = Miner({.max_templates = 32});
  core::SeededRng rng(3);
  for (int i = 0; i < 8'000; ++i) {
    std::string line = "go";
    for (int w = 0; w < 5; ++w)
      line += fmt::format(" {:c}{:c}", 97 + static_cast<int>(rng.Below(26)),
                          97 + static_cast<int>(rng.Below(26)));
    miner.Add(line);
    ASSERT_LE(miner.template_count(), 32);
  }
}

TEST(TemplateMiner, OptionsBeyondTheirLimitsAreRefused) {
  EXPECT_EQ(TemplateMiner::Create({.similarity = 0}).error().code, Code::kOutOfRange);
  EXPECT_EQ(TemplateMiner::Create({.similarity = 1.5}).error().code, Code::kOutOfRange);
  EXPECT_EQ(TemplateMiner::Create({.max_templates = 1}).error().code, Code::kOutOfRange);
  EXPECT_EQ(TemplateMiner::Create({.kept_words = 5'000}).error().code, Code::kOutOfRange);
  EXPECT_EQ(TemplateMiner::Create({.masks = {"("}}).error().code, Code::kInvalidArgument);
}

TEST(TemplateState, WhatWasLearnedComesBack) {
  TemplateMiner miner = Miner();
  const std::vector<std::string> lines = SomeLines(5'000);
  for (const std::string& line : lines) miner.Add(line);
  const std::string bytes = miner.Serialize();
  auto restored = TemplateMiner::Restore(bytes, "state");
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(Texts(*restored), Texts(miner));
  EXPECT_EQ(restored->lines(), miner.lines());
  EXPECT_EQ(restored->Serialize(), bytes);
  for (std::uint64_t id = 1; id < 500; ++id) EXPECT_EQ(restored->Resolve(id), miner.Resolve(id));
  const std::uint64_t next = restored->Add("nothing like this was seen before (ever)");
  EXPECT_EQ(next, miner.Add("nothing like this was seen before (ever)"));
}

TEST(TemplateState, DamageIsFoundAndNamed) {
  TemplateMiner miner = Miner();
  for (const std::string& line : SomeLines(50)) miner.Add(line);
  const std::string good = miner.Serialize();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    const auto restored = TemplateMiner::Restore(bad, "the-file");
    ASSERT_FALSE(restored) << at;
    EXPECT_NE(restored.error().message.find("the-file"), std::string::npos);
    EXPECT_FALSE(TemplateMiner::Restore(good.substr(0, at), "the-file"));
  }
}

TEST(TemplateState, AGroupLedByAWordItDoesNotHaveIsRefused) {
  for (const bool led_by_word : {false, true}) {
    std::string learned;
    templates::StateWriter out(learned);
    out.U64(1);  // lines
    out.U64(2);  // the next id
    out.U32(1);  // groups
    out.U64(1);  // born
    out.U8(led_by_word ? 1 : 0);
    out.U32(0);  // tokens
    out.U32(1);  // templates: id, lines, last line
    for (int i = 0; i < 3; ++i) out.U64(1);
    out.U32(0);  // merged
    EXPECT_EQ(TemplateMiner::Restore(templates::SealState({}, learned), "state").has_value(),
              !led_by_word);
  }
}

TEST(TemplateState, IsForTheOptionsThatLearnedIt) {
  TemplateMiner miner = Miner();
  miner.Add("a b c");
  const auto other = TemplateMiner::Restore(miner.Serialize(), "state", {.similarity = 0.7});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::kFailedPrecondition);
}

}  // namespace
}  // namespace assay::logs
