#include "assay/embed/cross/card.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "assay/config/parse.h"
#include "assay/config/reader.h"

namespace assay::embed {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::int64_t kMinTokens = 16;
constexpr std::int64_t kMaxTokens = 8192;
constexpr std::size_t kMaxName = 100;
constexpr double kMinTemperature = 0.01;
constexpr double kMaxTemperature = 100;
// In the order of RelationClass.
constexpr std::array<std::string_view, 4> kClassNames = {"supported", "contradicted", "neutral",
                                                         "not_supported"};

float Temperature(config::Reader& reader) {
  return static_cast<float>(reader.Number("temperature", 1, kMinTemperature, kMaxTemperature));
}

std::string TensorName(config::Reader& reader, std::string_view key, std::string_view fallback) {
  std::string name = reader.String(key, fallback);
  if (name.empty() && reader.Has(key)) reader.Problem(key, "must not be empty");
  return name;
}

std::vector<RelationClass> ReadClasses(config::Reader& reader) {
  std::vector<RelationClass> classes;
  for (const std::string& name : reader.StringList("classes")) {
    const auto found = std::ranges::find(kClassNames, name);
    const auto value = static_cast<RelationClass>(found - kClassNames.begin());
    if (found == kClassNames.end()) {
      reader.Problem("classes", fmt::format("'{}' is no class; use supported, contradicted, "
                                            "neutral or not_supported",
                                            name));
    } else if (std::ranges::find(classes, value) != classes.end()) {
      reader.Problem("classes", fmt::format("'{}' stands there twice", name));
    } else {
      classes.push_back(value);
    }
  }
  if (classes.size() < 2 ||
      std::ranges::find(classes, RelationClass::kSupported) == classes.end()) {
    reader.Problem("classes",
                   "needs 'supported' and at least one other class, in the order of the "
                   "output's columns");
  }
  return classes;
}

// A file beside the card: no path leads out of the folder.
std::string ReadModel(config::Reader& root) {
  std::string model = root.String("model", "");
  const bool is_graph = model.ends_with(".xml") || model.ends_with(".onnx");
  if (root.Has("model") && (!is_graph || model.starts_with('.') || model.contains('/'))) {
    root.Problem("model", "must name a file of this folder that ends in .xml or .onnx");
  }
  return model;
}

void ReadInputs(config::Reader& root, CrossEncoderCard& card) {
  std::optional<config::Reader> inputs = root.Map("inputs");
  if (!inputs) return;
  card.ids = TensorName(*inputs, "ids", card.ids);
  card.mask = TensorName(*inputs, "mask", card.mask);
  card.types = TensorName(*inputs, "types", "");
}

CrossEncoderCard::Mix ReadMix(config::Reader& mixes, std::string_view key) {
  constexpr double kMaxWeight = 100;
  CrossEncoderCard::Mix mix;
  std::optional<config::Reader> reader = mixes.Map(key);
  if (!reader) {
    mixes.Problem(key, "is missing: 'mix' needs documents and sentences");
    return mix;
  }
  const auto weight = [&reader](std::string_view name, float& value) {
    value = static_cast<float>(reader->Number(name, value, -kMaxWeight, kMaxWeight));
  };
  weight("bias", mix.bias);
  weight("verifier", mix.verifier);
  weight("supported", mix.supported);
  weight("contradicted", mix.contradicted);
  weight("words", mix.words);
  return mix;
}

void ReadHeads(config::Reader& root, CrossEncoderCard& card) {
  if (auto relation = root.Map("relation")) {
    card.relation = CrossEncoderCard::Relation{};
    card.relation->output = TensorName(*relation, "output", "relation");
    card.relation->classes = ReadClasses(*relation);
    card.relation->temperature = Temperature(*relation);
  }
  if (auto tokens = root.Map("tokens")) {
    card.tokens = CrossEncoderCard::Tokens{};
    card.tokens->output = TensorName(*tokens, "output", "tokens");
    card.tokens->temperature = Temperature(*tokens);
    card.tokens->threshold = static_cast<float>(tokens->Number("threshold", 0.5, 0, 1));
    card.tokens->claim_risk = static_cast<float>(tokens->Number("claim_risk", 0, 0, 1));
  }
  if (auto pair = root.Map("pair")) {
    card.pair = CrossEncoderCard::Pair{};
    card.pair->output = TensorName(*pair, "output", "pair");
    card.pair->temperature = Temperature(*pair);
  }
  if (auto mix = root.Map("mix")) {
    card.mix = {.documents = ReadMix(*mix, "documents"), .sentences = ReadMix(*mix, "sentences")};
  }
  if (!card.relation && !card.tokens && !card.pair) {
    root.Problem("relation",
                 "the model needs an output: name at least one of relation, tokens and "
                 "pair");
  }
}

}  // namespace

Result<CrossEncoderCard> ParseCard(std::string_view yaml, std::string file) {
  config::ParseOptions options;
  options.max_values = 1000;
  ASSAY_ASSIGN(const config::Document document,
               config::Parse(yaml, std::move(file), config::Syntax::kYaml, options));
  config::Reader root(document);
  CrossEncoderCard card;
  if (root.Integer("format", 0) != kFormat) {
    root.Problem("format", fmt::format("must be {}: another form of card is not read", kFormat));
  }
  card.name = root.RequiredString("name");
  const auto printable = [](char c) {
    return c > ' ' && c < '\x7F';  // it becomes part of keys and reports
  };
  if (root.Has("name") && (card.name.empty() || card.name.size() > kMaxName ||
                           !std::ranges::all_of(card.name, printable))) {
    root.Problem("name",
                 fmt::format("must have 1 to {} characters of ASCII without spaces", kMaxName));
  }
  card.model = ReadModel(root);
  card.max_tokens = static_cast<std::size_t>(root.Integer(
      "max_tokens", static_cast<std::int64_t>(card.max_tokens), kMinTokens, kMaxTokens));
  if (root.String("tokenizer", "wordpiece") != "wordpiece" || !root.Bool("lower_case", true)) {
    root.Problem("tokenizer", "only 'wordpiece' with lower case is read (BERT uncased, vocab.txt)");
  }
  ReadInputs(root, card);
  ReadHeads(root, card);
  ASSAY_TRY(root.Finish());
  return card;
}

}  // namespace assay::embed
