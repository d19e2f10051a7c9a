#include "assay/embed/cross/card.h"

#include <string>

#include <gtest/gtest.h>

namespace assay::embed {
namespace {

constexpr std::string_view kWhole =
    "format: 1\n"
    "name: my-checker\n"
    "max_tokens: 256\n"
    "inputs: {ids: i, mask: m, types: t}\n"
    "relation: {output: r, classes: [neutral, supported, contradicted], temperature: 1.5}\n"
    "tokens: {output: w, temperature: 0.8, threshold: 0.4, claim_risk: 0.7}\n"
    "pair: {output: p, temperature: 2}\n"
    "mix:\n"
    "  documents: {bias: -0.5, verifier: 0.7, words: 0.4}\n"
    "  sentences: {supported: 0.1, contradicted: 0.2}\n";

std::string ErrorOf(std::string_view yaml) {
  const auto card = ParseCard(yaml, "models/checker.yaml");
  if (card) return "";
  EXPECT_EQ(card.error().code, Code::kInvalidArgument);
  return card.error().message;
}

std::string With(std::string_view from, std::string_view to) {
  std::string yaml(kWhole);
  const std::size_t at = yaml.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return yaml.replace(at, from.size(), to);
}

TEST(Card, SaysWhatItsFieldsSay) {
  const auto card = ParseCard(kWhole, "checker.yaml");
  ASSERT_TRUE(card) << card.error().message;
  EXPECT_EQ(card->name, "my-checker");
  EXPECT_EQ(card->max_tokens, 256U);
  EXPECT_EQ(card->ids + card->mask + card->types, "imt");
  ASSERT_TRUE(card->relation);
  EXPECT_EQ(card->relation->output, "r");
  EXPECT_EQ(card->relation->classes,
            (std::vector{RelationClass::kNeutral, RelationClass::kSupported,
                         RelationClass::kContradicted}));
  EXPECT_FLOAT_EQ(card->relation->temperature, 1.5F);
  ASSERT_TRUE(card->tokens);
  EXPECT_FLOAT_EQ(card->tokens->temperature, 0.8F);
  EXPECT_FLOAT_EQ(card->tokens->threshold, 0.4F);
  EXPECT_FLOAT_EQ(card->tokens->claim_risk, 0.7F);
  ASSERT_TRUE(card->pair);
  EXPECT_EQ(card->pair->output, "p");
  ASSERT_TRUE(card->mix);
  const CrossEncoderCard::Mix& documents = card->mix->documents;
  EXPECT_FLOAT_EQ(documents.bias, -0.5F);
  EXPECT_FLOAT_EQ(documents.verifier, 0.7F);
  EXPECT_FLOAT_EQ(documents.supported, 0);
  EXPECT_FLOAT_EQ(documents.words, 0.4F);
  const CrossEncoderCard::Mix& sentences = card->mix->sentences;
  EXPECT_FLOAT_EQ(sentences.verifier, 1);
  EXPECT_FLOAT_EQ(sentences.supported, 0.1F);
  EXPECT_FLOAT_EQ(sentences.contradicted, 0.2F);
}

TEST(Card, NamesAGraphBesideItAndNoneElsewhere) {
  EXPECT_EQ(ParseCard(kWhole, "checker.yaml")->model, "");
  for (const std::string_view good : {"model.onnx", "checker.xml", "int8.v2.onnx"}) {
    const auto card = ParseCard(std::string(kWhole) + "model: " + std::string(good), "c.yaml");
    ASSERT_TRUE(card) << card.error().message;
    EXPECT_EQ(card->model, good);
  }
  for (const std::string_view bad :
       {"''", "model", "model.bin", ".xml", "../model.xml", "/models/model.onnx"}) {
    const std::string error = ErrorOf(std::string(kWhole) + "model: " + std::string(bad));
    EXPECT_NE(error.find("models/checker.yaml:11:"), std::string::npos) << bad << ": " << error;
    EXPECT_NE(error.find("model: must name a file of this folder"), std::string::npos) << error;
  }
}

TEST(Card, LeavesOutWhatTheModelLacks) {
  const auto card = ParseCard(
      "format: 1\nname: two-way\nrelation: {classes: [supported, not_supported]}\n", "c.yaml");
  ASSERT_TRUE(card) << card.error().message;
  EXPECT_EQ(card->max_tokens, 512U);
  EXPECT_EQ(card->ids, "input_ids");
  EXPECT_EQ(card->mask, "attention_mask");
  EXPECT_EQ(card->types, "");
  EXPECT_FALSE(card->tokens || card->pair || card->mix);
  EXPECT_EQ(card->relation->output, "relation");
  EXPECT_FLOAT_EQ(card->relation->temperature, 1);
}

TEST(Card, NamesFileLineAndFieldOfEveryMistake) {
  struct Case {
    std::string yaml;
    std::string_view part;
  };
  const Case cases[] = {
      {With("format: 1", "format: 2"), "models/checker.yaml:1:9: format: must be 1"},
      {With("name: my-checker\n", ""), "name"},
      {With("my-checker", "'my checker'"), "models/checker.yaml:2:7: name: must have 1 to 100"},
      {With("256", "4"), "models/checker.yaml:3:13: max_tokens: is 4, but must be from 16 to 8192"},
      {With("256", "many"), "models/checker.yaml:3:13: max_tokens"},
      {With("ids: i", "ids: ''"), "models/checker.yaml:4:15: inputs.ids: must not be empty"},
      {With("mask: m", "masks: m"), "masks"},
      {With("[neutral", "[entailed"), "relation.classes: 'entailed' is no class"},
      {With("[neutral", "[supported"), "relation.classes: 'supported' stands there twice"},
      {With("supported, contradicted]", "contradicted]"), "relation.classes: needs 'supported'"},
      {With("1.5", "0"), "models/checker.yaml:5"},
      {With("1.5", ".nan"), "relation.temperature"},
      {With("words: 0.4", "words: 400"), "mix.documents.words"},
      {With("bias:", "biases:"), "biases"},
      {With("sentences:", "sentence:"), "mix.sentences: is missing"},
      {With("threshold: 0.4", "threshold: 4"), "tokens.threshold"},
      {With("claim_risk: 0.7", "claim_risk: 7"), "tokens.claim_risk"},
      {With("name:", "tokenizer: sentencepiece\nname:"), "only 'wordpiece'"},
      {With("name:", "lower_case: false\nname:"), "only 'wordpiece' with lower case"},
      {"format: 1\nname: x\n", "needs an output"},
      {"", "models/checker.yaml"},
      {"[1, 2]", "models/checker.yaml"},
      {"format: [", "models/checker.yaml:2:1"},
  };
  for (const Case& wrong : cases) {
    EXPECT_NE(ErrorOf(wrong.yaml).find(wrong.part), std::string::npos) << wrong.yaml << "\n"
                                                                       << ErrorOf(wrong.yaml);
  }
}

}  // namespace
}  // namespace assay::embed
