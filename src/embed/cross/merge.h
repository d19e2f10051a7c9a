// From a network's logits to probabilities, and from the windows of a pair to its score.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "assay/embed/cross/card.h"

namespace assay::embed::internal {

// What one window said of one part of the claim.
struct WindowScore {
  float supported = 0;
  float contradicted = 0;
  float same = 0;
  std::vector<float> unsupported;  // of the part's pieces; empty without an output for tokens
};

// logit / temperature to a probability.
[[nodiscard]] float Calibrated(float logit, float temperature);

// Softmax of logits / temperature, columns summed by class. Requires: as many logits as classes.
void ReadRelation(std::span<const float> logits, const CrossEncoderCard::Relation& relation,
                  WindowScore& out);

// The windows of one part: the rules stand in cross_encoder.h. Requires: not empty, pieces alike.
[[nodiscard]] WindowScore MergeWindows(std::span<const WindowScore> windows);
// The parts of one claim. Pieces are those of the parts, one behind the other. Requires: not empty.
[[nodiscard]] WindowScore MergeParts(std::span<const WindowScore> parts);

}  // namespace assay::embed::internal
