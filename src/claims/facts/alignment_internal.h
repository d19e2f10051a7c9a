// The claim's words laid against one sentence of evidence, in order.
#pragma once
#include <cstdint>
#include <vector>

#include "statement/statement_internal.h"
#include "statement/words_internal.h"

namespace assay::claims::internal {

struct AlignedPair {
  std::uint32_t claim = 0;     // token index
  std::uint32_t evidence = 0;  // token index
  bool equal = false;          // same stem; else near in meaning
};

// What stands between two neighbouring pairs of equal words on both sides.
struct Slot {
  std::uint32_t claim_begin = 0, claim_end = 0;
  std::uint32_t evidence_begin = 0, evidence_end = 0;
  bool closed_left = false, closed_right = false;  // an equal pair stands there
};

struct Alignment {
  std::vector<AlignedPair> pairs;  // both indices rise
  std::vector<Slot> slots;         // in order; at least one side holds a token
};

// Heaviest common subsequence of near words (Needleman and Wunsch 1970 without gap cost), weighted
// by rarity. O(claim * evidence) time and memory; evidence beyond kMaxAlignedTokens is ignored.
inline constexpr std::size_t kMaxAlignedTokens = 400;
[[nodiscard]] Alignment Align(const Statement& claim, const Statement& evidence,
                              const WordTable& words);

}  // namespace assay::claims::internal
