// The trained model: boosted trees and linear parts over the features of a claim.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

#include "verify/features_internal.h"

namespace assay::claims::internal {

// One decision tree in arrays. A child >= 0 is an inner node, else leaf ~child.
struct Tree {
  std::vector<std::uint16_t> feature;
  std::vector<float> threshold;  // goes left if value <= threshold
  std::vector<std::int32_t> left, right;
  std::vector<float> leaf;
};

struct TreeEnsemble {
  float bias = 0;
  std::vector<Tree> trees;
  // Sum of the reached leaves: log odds.
  [[nodiscard]] float LogOdds(std::span<const float, kFeatureCount> features) const;
};

struct LinearModel {
  float bias = 0;
  std::vector<float> weights;
  // Requires: as many values as weights.
  [[nodiscard]] float LogOdds(std::span<const float> values) const;
};

// What an answer's claims say together; see AnswerFeatures.
inline constexpr std::size_t kAnswerFeatureCount = 8;

struct VerifierModel {
  TreeEnsemble unsupported;        // P(not supported)
  LinearModel unsupported_linear;  // averaged with it where the evidence is a document
  TreeEnsemble contradicted;       // P(contradicted | not supported)
  LinearModel swap;                // over the products, then the distances, of two word vectors
  LinearModel answer;              // P(the answer holds an unsupported claim)
  float answer_threshold = 0.5F;
};

// Reads the text format that models/verifier/train.py writes (docs/formats/verifier-model.md).
// Errors: kDataLoss, naming the line.
[[nodiscard]] Result<VerifierModel> ParseModel(std::string_view text);

// The model in the binary. Lives for ever.
[[nodiscard]] Result<const VerifierModel*> ShippedModel();

// Features of an answer from P(not supported) of its claims; order does not matter.
[[nodiscard]] std::array<float, kAnswerFeatureCount> AnswerFeatures(std::vector<float> risks);

[[nodiscard]] float Sigmoid(float log_odds);

}  // namespace assay::claims::internal
