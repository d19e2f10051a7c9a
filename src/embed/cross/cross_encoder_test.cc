// The whole way on the tiny models of tests/support/tiny_checker.py, against OpenVINO's Python
// interface and NumPy.
#include "assay/embed/cross/cross_encoder.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "assay/core/file_system.h"

#include "temp_dir.h"

namespace assay::embed {
namespace {

struct Expected {
  std::string evidence;
  std::string claim;
  double supported = 0;
  double contradicted = 0;
  double neutral = 0;
  double same = 0;
  std::vector<double> tokens;
};

std::vector<Expected> ReadExpected(const std::string& path) {
  std::vector<Expected> all;
  simdjson::dom::parser parser;
  simdjson::dom::document_stream lines;
  const auto text = simdjson::padded_string::load(path);
  if (text.error() != simdjson::SUCCESS) return all;
  if (parser.parse_many(text.value_unsafe()).get(lines) != simdjson::SUCCESS) return all;
  for (const simdjson::dom::element line : lines) {
    Expected& one = all.emplace_back();
    one.evidence = std::string_view(line["evidence"]);
    one.claim = std::string_view(line["claim"]);
    one.supported = line["supported"];
    one.contradicted = line["contradicted"];
    one.neutral = line["neutral"];
    one.same = line["same"];
    for (const double value : line["tokens"].get_array()) one.tokens.push_back(value);
  }
  return all;
}

void ExpectNear(const PairScore& score, const PairScore& other, float tolerance) {
  EXPECT_NEAR(score.supported, other.supported, tolerance);
  EXPECT_NEAR(score.contradicted, other.contradicted, tolerance);
  EXPECT_NEAR(score.neutral, other.neutral, tolerance);
  EXPECT_NEAR(score.same, other.same, tolerance);
  ASSERT_EQ(score.words.size(), other.words.size());
  for (std::size_t w = 0; w < score.words.size(); ++w) {
    EXPECT_NEAR(score.words[w].unsupported, other.words[w].unsupported, tolerance);
  }
}

void ExpectScore(const PairScore& score, const Expected& expected) {
  EXPECT_NEAR(score.supported, expected.supported, 1e-4);
  EXPECT_NEAR(score.contradicted, expected.contradicted, 1e-4);
  EXPECT_NEAR(score.neutral, expected.neutral, 1e-4);
  EXPECT_NEAR(score.same, expected.same, 1e-4);
  EXPECT_NEAR(score.supported + score.contradicted + score.neutral, 1, 1e-5);
  // A word is as unsupported as its worst piece.
  double worst_word = 0;
  for (const WordScore& word : score.words) {
    worst_word = std::max(worst_word, static_cast<double>(word.unsupported));
    EXPECT_LT(word.span.begin, word.span.end);
    EXPECT_LE(word.span.end, expected.claim.size());
  }
  const auto& tokens = expected.tokens;
  EXPECT_NEAR(worst_word, tokens.empty() ? 0 : std::ranges::max(tokens), 1e-4);
  if (tokens.size() != score.words.size()) return;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    EXPECT_NEAR(score.words[t].unsupported, tokens[t], 1e-4);
  }
}

class CrossEncoderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::string(ASSAY_TINY_CHECKER) + "/checker";
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << "no tiny model in " << folder_;
    auto opened = CrossEncoder::Open(core::FileSystem::Real(), folder_);
    ASSERT_TRUE(opened) << opened.error().message;
    model_ = *std::move(opened);
    expected_ = ReadExpected(std::string(ASSAY_TINY_CHECKER) + "/expected.jsonl");
    ASSERT_GE(expected_.size(), 40U);
    for (const Expected& one : expected_) pairs_.push_back({one.evidence, one.claim});
  }

  [[nodiscard]] std::vector<PairScore> Score(std::span<const TextPair> pairs) const {
    std::vector<PairScore> scores(pairs.size());
    const auto done = model_->Score(pairs, scores);
    EXPECT_TRUE(done) << done.error().message;
    return scores;
  }

  // A copy of the model whose card has `from` replaced by `to`.
  [[nodiscard]] Result<std::unique_ptr<CrossEncoder>> OpenChanged(std::string_view from,
                                                                  std::string_view to) const {
    const assay::testing::TempDir dir;
    for (const char* name : {"model.xml", "model.bin", "vocab.txt"}) {
      std::filesystem::create_symlink(folder_ + "/" + name, dir.path() + "/" + name);
    }
    std::ifstream in(folder_ + "/checker.yaml");
    std::string card((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::size_t at = card.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    card.replace(at, from.size(), to);
    std::ofstream(dir.path() + "/checker.yaml") << card;
    return CrossEncoder::Open(core::FileSystem::Real(), dir.path());
  }

  std::string folder_;
  std::unique_ptr<CrossEncoder> model_;
  std::vector<Expected> expected_;
  std::vector<TextPair> pairs_;
};

TEST_F(CrossEncoderTest, ScoresAreThoseOfOpenVinoThroughPython) {
  const std::vector<PairScore> scores = Score(pairs_);
  std::size_t windowed = 0;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    SCOPED_TRACE(expected_[i].evidence + " | " + expected_[i].claim);
    ExpectScore(scores[i], expected_[i]);
    windowed += expected_[i].evidence.size() > 400 ? 1U : 0U;
  }
  EXPECT_GE(windowed, 5U);
}

TEST_F(CrossEncoderTest, AnOnnxGraphThatTheCardNamesIsReadToo) {
  const std::string folder = std::string(ASSAY_TINY_CHECKER) + "/onnx";
  auto opened = CrossEncoder::Open(core::FileSystem::Real(), folder);
  ASSERT_TRUE(opened) << opened.error().message;
  model_ = *std::move(opened);
  EXPECT_TRUE(model_->name().starts_with("tiny-onnx@"));
  const auto expected = ReadExpected(std::string(ASSAY_TINY_CHECKER) + "/expected_onnx.jsonl");
  ASSERT_EQ(expected.size(), expected_.size());
  const std::vector<PairScore> scores = Score(pairs_);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    SCOPED_TRACE(expected[i].evidence + " | " + expected[i].claim);
    ExpectScore(scores[i], expected[i]);
  }
}

TEST_F(CrossEncoderTest, NoScoreDependsOnTheOtherPairsOfTheCall) {
  const std::vector<PairScore> batch = Score(pairs_);
  std::vector<TextPair> reversed(pairs_.rbegin(), pairs_.rend());
  const std::vector<PairScore> turned = Score(reversed);
  for (std::size_t i = 0; i < pairs_.size(); ++i) {
    SCOPED_TRACE(i);
    ExpectNear(Score(std::span(pairs_).subspan(i, 1))[0], batch[i], 1e-5F);
    ExpectNear(turned[pairs_.size() - 1 - i], batch[i], 1e-5F);
  }
}

TEST_F(CrossEncoderTest, ManyThreadsGetWhatOneGetsWhetherOrNotTheyWaitForOneAnother) {
  const std::vector<PairScore> expected = Score(pairs_);
  for (const std::size_t streams : {1U, 3U}) {
    SCOPED_TRACE(streams);
    auto opened = CrossEncoder::Open(core::FileSystem::Real(), folder_,
                                     {.runtime_folders = {}, .threads = 1, .streams = streams});
    ASSERT_TRUE(opened) << opened.error().message;
    model_ = *std::move(opened);
    std::vector<std::vector<PairScore>> results(4);
    {
      std::vector<std::jthread> threads;
      for (auto& result : results) {
        threads.emplace_back([&] {
          for (int round = 0; round < 3; ++round) result = Score(pairs_);
        });
      }
    }
    for (const auto& result : results) {
      for (std::size_t i = 0; i < pairs_.size(); ++i) ExpectNear(result[i], expected[i], 1e-5F);
    }
  }
}

TEST_F(CrossEncoderTest, IllFormedTextIsReadAndAnOutputOfTheWrongSizeRefused) {
  const TextPair pairs[] = {{"caf\xC3 \xFF\xFE noon", "open \xC3( until \x01"}};
  EXPECT_EQ(Score(pairs)[0].words.size(), 3U);
  std::vector<PairScore> out(2);
  EXPECT_EQ(model_->Score(pairs, out).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(model_->Score({}, {}));
}

TEST_F(CrossEncoderTest, TheNameChangesWithTheCard) {
  EXPECT_TRUE(model_->name().starts_with("tiny@"));
  EXPECT_EQ(model_->name().size(), 5U + 12U);
  const auto other = OpenChanged("temperature: 0.5", "temperature: 0.6");
  ASSERT_TRUE(other) << other.error().message;
  EXPECT_NE((*other)->name(), model_->name());
  const auto same = OpenChanged("name: tiny", "name: tiny");
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ((*same)->name(), model_->name());
}

TEST_F(CrossEncoderTest, TheNameChangesWithTheGraphThatTheCardNames) {
  const assay::testing::TempDir dir;
  const auto name = [&] {
    const auto opened = CrossEncoder::Open(core::FileSystem::Real(), dir.path());
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::string((*opened)->name()) : std::string();
  };
  for (const char* file : {"graph.onnx", "vocab.txt", "checker.yaml"}) {
    std::filesystem::copy_file(std::string(ASSAY_TINY_CHECKER) + "/onnx/" + file,
                               dir.path() + "/" + file);
  }
  const std::string before = name();
  // Field 6 of a ModelProto, doc_string: other bytes, the same graph.
  std::ofstream(dir.path() + "/graph.onnx", std::ios::app) << "\x32\x01!";
  EXPECT_NE(name(), before);
  const std::string with_text = name();
  std::ofstream(dir.path() + "/notes.txt") << "no part of the model";
  EXPECT_EQ(name(), with_text);
}

TEST_F(CrossEncoderTest, ACardThatDoesNotFitTheGraphIsRefusedWithItsField) {
  struct Case {
    std::string_view from, to, part;
  };
  const Case cases[] = {
      {"ids: input_ids", "ids: tokens_in", "inputs.ids: the graph has no input 'tokens_in'"},
      {"mask: attention_mask", "mask: am", "inputs.mask: the graph has no input 'am'"},
      {", types: token_type_ids", "", "inputs: the graph has 3 inputs, the card names 2"},
      {"output: relation", "output: logits", "relation.output: the graph has no output 'logits'"},
      {"output: tokens", "output: words", "tokens.output: the graph has no output 'words'"},
      {"output: pair", "output: same", "pair.output: the graph has no output 'same'"},
      {"[contradicted, supported, neutral]", "[supported, not_supported]",
       "the output 'relation' has 6 values for 2 rows, but 2 a row are wanted"},
  };
  for (const Case& wrong : cases) {
    const auto opened = OpenChanged(wrong.from, wrong.to);
    ASSERT_FALSE(opened) << wrong.to;
    EXPECT_EQ(opened.error().code, Code::kInvalidArgument);
    EXPECT_NE(opened.error().message.find(wrong.part), std::string::npos) << opened.error().message;
    EXPECT_NE(opened.error().message.find("checker.yaml"), std::string::npos);
  }
}

TEST_F(CrossEncoderTest, AMissingFileIsNamed) {
  const assay::testing::TempDir dir;
  const std::string& path = dir.path();
  auto& files = core::FileSystem::Real();
  const auto message = [&] {
    const auto opened = CrossEncoder::Open(files, path);
    return opened ? std::string() : opened.error().message;
  };
  EXPECT_NE(message().find("checker.yaml"), std::string::npos) << message();
  std::filesystem::copy_file(folder_ + "/checker.yaml", path + "/checker.yaml");
  EXPECT_NE(message().find("vocab.txt is missing; only models with the WordPiece"),
            std::string::npos)
      << message();
  std::filesystem::copy_file(folder_ + "/vocab.txt", path + "/vocab.txt");
  EXPECT_NE(message().find("neither model.xml with model.bin nor model.onnx"), std::string::npos)
      << message();
  std::ofstream(path + "/model.xml") << "<net/>";
  EXPECT_NE(message().find("model.bin is missing; it holds the weights of model.xml"),
            std::string::npos)
      << message();
  std::filesystem::remove(path + "/model.xml");
  std::ofstream(path + "/model.onnx") << "no graph";
  EXPECT_NE(message().find("model.onnx is no ONNX model"), std::string::npos) << message();
  std::ofstream(path + "/model.xml") << "no graph";
  EXPECT_NE(message().find("model.xml is no graph of OpenVINO"), std::string::npos) << message();
  std::ofstream(path + "/checker.yaml", std::ios::app) << "model: other.onnx\n";
  EXPECT_NE(message().find("other.onnx is missing, but checker.yaml names it"), std::string::npos)
      << message();
}

TEST_F(CrossEncoderTest, TheCheckerIsFoundWhereModelsAreInstalled) {
  auto& files = core::FileSystem::Real();
  const std::vector<std::string> folders = {"/nonexistent", ASSAY_TINY_CHECKER};
  const auto found = FindChecker(files, folders);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(*found, folder_);
  const assay::testing::TempDir user;
  const std::string larger = user.File("checker-large");
  std::filesystem::create_directory(larger);
  std::ofstream(larger + "/checker.yaml") << "format: 1\n";
  const std::vector<std::string> both = {ASSAY_TINY_CHECKER, user.path()};
  EXPECT_EQ(FindChecker(files, both), larger) << "what a user installs takes over";
  const auto none = FindChecker(files, std::span(folders).first(1));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace assay::embed
