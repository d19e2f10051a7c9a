// What one claim says about another: the same, the contrary, or neither.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/text/cues.h"
#include "assay/text/names.h"
#include "assay/text/quantity.h"
#include "assay/text/span.h"

namespace assay::consensus::internal {

struct ContentWord {
  std::string folded;
  text::OppositeForms forms;
};

// A claim, read once.
struct ReadClaim {
  std::string text;
  std::vector<text::Quantity> quantities;
  std::vector<text::Name> names;
  std::vector<ContentWord> words;  // sorted, distinct
  bool negated = false;            // an odd number of negations
};
[[nodiscard]] ReadClaim Read(std::string text);

enum class Relation : std::uint8_t {
  kNone,
  kSupports,  // who says `by` also says `claim`: every fact of `claim` stands in it
  kExcludes,  // both cannot be right
};

// Requires: the two are about the same thing (their vectors are near). O(words + facts^2).
[[nodiscard]] Relation Relate(const ReadClaim& claim, const ReadClaim& by);

// "says 3 days, not 30 days", for two claims of which one excludes the other; empty where the facts
// do not say why.
[[nodiscard]] std::string WhyExcluded(const ReadClaim& claim, const ReadClaim& by);

}  // namespace assay::consensus::internal
