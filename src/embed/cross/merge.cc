#include "cross/merge.h"

#include <algorithm>
#include <cmath>

namespace assay::embed::internal {

float Calibrated(float logit, float temperature) {
  return static_cast<float>(1 / (1 + std::exp(-static_cast<double>(logit) / temperature)));
}

void ReadRelation(std::span<const float> logits, const CrossEncoderCard::Relation& relation,
                  WindowScore& out) {
  const double largest = std::ranges::max(logits);
  double total = 0;
  double supported = 0;
  double contradicted = 0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    const double weight = std::exp((logits[c] - largest) / relation.temperature);
    total += weight;
    if (relation.classes[c] == RelationClass::kSupported) supported += weight;
    if (relation.classes[c] == RelationClass::kContradicted) contradicted += weight;
  }
  out.supported = static_cast<float>(supported / total);
  out.contradicted = static_cast<float>(contradicted / total);
}

WindowScore MergeWindows(std::span<const WindowScore> windows) {
  WindowScore merged = windows.front();
  for (const WindowScore& window : windows.subspan(1)) {
    merged.supported = std::max(merged.supported, window.supported);
    merged.contradicted = std::max(merged.contradicted, window.contradicted);
    merged.same = std::max(merged.same, window.same);
    for (std::size_t i = 0; i < merged.unsupported.size(); ++i) {
      merged.unsupported[i] = std::min(merged.unsupported[i], window.unsupported[i]);
    }
  }
  merged.contradicted = std::min(merged.contradicted, 1 - merged.supported);
  return merged;
}

WindowScore MergeParts(std::span<const WindowScore> parts) {
  WindowScore merged = parts.front();
  for (const WindowScore& part : parts.subspan(1)) {
    merged.supported = std::min(merged.supported, part.supported);
    merged.contradicted = std::max(merged.contradicted, part.contradicted);
    merged.same = std::min(merged.same, part.same);
    merged.unsupported.insert(merged.unsupported.end(), part.unsupported.begin(),
                              part.unsupported.end());
  }
  merged.contradicted = std::min(merged.contradicted, 1 - merged.supported);
  return merged;
}

}  // namespace assay::embed::internal
