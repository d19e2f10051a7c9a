// assay/embed/cross/card.h: what checker.yaml says about a cross-encoder.
// Room: embed (uses core, config).  Threads: pure function.
// Form: docs/formats/checker-model.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::embed {

// What a column of the relation's logits stands for. kNotSupported is for models that do not tell
// "contradicted" from "not mentioned".
enum class RelationClass : std::uint8_t { kSupported, kContradicted, kNeutral, kNotSupported };

struct CrossEncoderCard {
  // Logits [batch, classes]: does the evidence support the claim?
  struct Relation {
    std::string output;
    std::vector<RelationClass> classes;  // of the columns; kSupported and at least one other
    float temperature = 1;               // logits are divided by it, [0.01, 100]
  };
  // Logits [batch, length]: this token of the claim is unsupported.
  struct Tokens {
    std::string output;
    float temperature = 1;
    float threshold = 0.5F;  // probability from which a word counts as unsupported, [0, 1]
    // Probability that a claim is not supported from which its words are marked, [0, 1]. In doubt
    // the claims room marks none.
    float claim_risk = 0;
  };
  // Logit [batch, 1]: both texts have the same answer.
  struct Pair {
    std::string output;
    float temperature = 1;
  };
  // Log odds that a claim is not supported, from its log odds by facts and similarity and from what
  // the model says: weights of a logistic regression. The claims room reads it.
  struct Mix {
    float bias = 0;
    float verifier = 1;      // of the log odds by facts and similarity
    float supported = 0;     // of the log odds of 1 - supported
    float contradicted = 0;  // of the log odds of contradicted
    float words = 0;         // of the log odds of the least borne out word
  };
  struct Mixes {
    Mix documents;  // where the evidence has four sentences or more
    Mix sentences;  // where it has fewer
  };

  std::string name;
  std::string model;             // file of the graph; empty: model.xml, or else model.onnx
  std::size_t max_tokens = 512;  // of a pair, [CLS] and both [SEP] included; 16 to 8192
  std::string ids = "input_ids";
  std::string mask = "attention_mask";
  std::string types;  // empty: the graph has no such input
  std::optional<Relation> relation;
  std::optional<Tokens> tokens;
  std::optional<Pair> pair;
  std::optional<Mixes> mix;
};

// Reads a card; `file` names it in errors. Errors: kInvalidArgument with file, line and field, all
// problems at once: unknown fields, wrong kinds, values out of range, another format or tokenizer,
// no output at all.
[[nodiscard]] Result<CrossEncoderCard> ParseCard(std::string_view yaml, std::string file);

}  // namespace assay::embed
