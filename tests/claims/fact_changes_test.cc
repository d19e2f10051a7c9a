// The handbook's own sentences: verbatim they are supported, with one fact changed they are not,
// and reworded they still are.
#include "fact_changes.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/claims/verifier.h"
#include "assay/corpus/index.h"
#include "assay/embed/static_encoder.h"

namespace assay::claims {
namespace {

class HandbookTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* const root = std::getenv("ASSAY_SOURCE_DIR");
    const char* const models = std::getenv("ASSAY_MODELS");
    ASSERT_NE(root, nullptr);
    ASSERT_NE(models, nullptr);
    root_ = root;
    core::FileSystem& files = core::FileSystem::Real();
    const std::vector<std::string> folders = {models};
    const auto folder = embed::FindModel(files, folders, embed::kStaticMiniLm);
    if (!folder) GTEST_SKIP() << "no static encoder: " << folder.error().message;
    auto encoder = embed::OpenStaticEncoder(files, *folder);
    ASSERT_TRUE(encoder) << encoder.error().message;
    encoder_ = std::move(*encoder);
    OpenHandbook();
  }

  void OpenHandbook() {
    std::vector<std::pair<std::string, std::string>> pages;
    for (const auto& entry : std::filesystem::directory_iterator(root_ + "/examples/handbook")) {
      if (entry.path().extension() != ".md") continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      pages.emplace_back(entry.path().filename().string(), text.str());
    }
    std::ranges::sort(pages);
    std::vector<corpus::TextSource> sources;
    for (const auto& [name, text] : pages) {
      sources.push_back({name, text, corpus::Format::kMarkdown});
    }
    auto index = corpus::Index::FromTexts(sources, encoder_.get());
    ASSERT_TRUE(index) << index.error().message;
    index_ = *index;
    auto verifier = Verifier::Create(index_, encoder_.get(), encoder_.get());
    ASSERT_TRUE(verifier) << verifier.error().message;
    verifier_.emplace(std::move(*verifier));
  }

  std::vector<std::string> Sentences() const {
    std::vector<std::string> sentences;
    for (std::uint32_t id = 0; id < index_->passage_count(); ++id) {
      const corpus::Passage passage = index_->passage(id);
      for (std::uint32_t i = 0; i < passage.sentence_count; ++i) {
        const corpus::PassageSentence sentence = index_->sentence(id, i);
        if (sentence.block != text::BlockKind::kParagraph) continue;
        sentences.emplace_back(sentence.text.of(passage.text));
      }
    }
    return sentences;
  }

  Judgement Judge(std::string_view claim) {
    auto judgement = verifier_->Verify(claim);
    EXPECT_TRUE(judgement) << claim;
    return judgement ? *judgement : Judgement{};
  }

  std::string root_;
  std::unique_ptr<embed::Encoder> encoder_;
  std::shared_ptr<const corpus::Index> index_;
  std::optional<Verifier> verifier_;
};

TEST_F(HandbookTest, SupportsEverySentenceCopiedVerbatim) {
  for (const std::string& sentence : Sentences()) {
    const Judgement judgement = Judge(sentence);
    EXPECT_EQ(judgement.verdict, Verdict::kSupported) << sentence << "\n" << judgement.reason;
  }
}

TEST_F(HandbookTest, CatchesNineOfTenOneFactChanges) {
  std::array<int, 4> made{};
  std::array<int, 4> caught{};
  for (const std::string& sentence : Sentences()) {
    for (const FactChange& change : ChangesOf(sentence)) {
      const auto kind = static_cast<std::size_t>(change.kind);
      const Judgement judgement = Judge(change.text);
      ++made[kind];
      if (judgement.verdict != Verdict::kSupported) {
        ++caught[kind];
      } else {
        std::cout << "missed: " << change.text << "\n";
      }
    }
  }
  constexpr std::array<std::string_view, 4> kKinds = {"number", "date", "name", "negation"};
  int all_made = 0;
  int all_caught = 0;
  for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
    std::cout << kKinds[kind] << ": " << caught[kind] << " of " << made[kind] << " caught\n";
    EXPECT_GE(made[kind], 10) << kKinds[kind];
    EXPECT_GE(caught[kind] * 10, made[kind] * 9) << kKinds[kind];
    all_made += made[kind];
    all_caught += caught[kind];
  }
  EXPECT_GE(all_made, 200);
  EXPECT_GE(all_caught * 10, all_made * 9);
}

TEST_F(HandbookTest, RaisesFewFalseAlarmsOnParaphrases) {
  std::ifstream file(root_ + "/tests/claims/handbook_paraphrases.txt");
  int read = 0;
  int alarms = 0;
  for (std::string line; std::getline(file, line);) {
    ++read;
    const Judgement judgement = Judge(line);
    if (judgement.verdict == Verdict::kSupported) continue;
    ++alarms;
    std::cout << "false alarm: " << line << " (" << VerdictName(judgement.verdict) << ": "
              << judgement.reason << "; support " << judgement.support << ")\n";
  }
  std::cout << alarms << " false alarms on " << read << " paraphrases\n";
  EXPECT_GE(read, 80);
  EXPECT_LE(alarms * 20, read);  // 5%
}

TEST_F(HandbookTest, SupportsFewSentencesAboutOtherThings) {
  const char* const data = std::getenv("ASSAY_DATA");
  if (data == nullptr) GTEST_SKIP() << "ASSAY_DATA is not set";
  std::ifstream file(std::string(data) + "/nli/sick.jsonl");
  constexpr std::string_view kField = R"("hypothesis":")";
  int read = 0;
  int supported = 0;
  for (std::string line; read < 1000 && std::getline(file, line);) {
    const std::size_t begin = line.find(kField) + kField.size();
    const Judgement judgement = Judge(line.substr(begin, line.find('"', begin) - begin));
    ++read;
    if (judgement.verdict == Verdict::kSupported) ++supported;
  }
  std::cout << supported << " of " << read << " sentences about other things are supported\n";
  EXPECT_EQ(read, 1000);
  EXPECT_LE(supported, 60);
}

}  // namespace
}  // namespace assay::claims
