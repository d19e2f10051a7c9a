// One-fact changes of a sentence: what a language model gets wrong while the rest is right.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace assay::claims {

enum class ChangeKind { kNumber, kDate, kName, kNegation };

struct FactChange {
  ChangeKind kind = ChangeKind::kNumber;
  std::string text;  // the sentence with one fact changed
};

// All changes of one sentence, in order of their place. Deterministic. A change never gives a value
// that the sentence holds already.
[[nodiscard]] std::vector<FactChange> ChangesOf(std::string_view sentence);

}  // namespace assay::claims
