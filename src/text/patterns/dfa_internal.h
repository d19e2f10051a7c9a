// Deterministic automata that run several regular expressions at once.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "patterns/regex_internal.h"

namespace assay::text::patterns {

enum class DfaMode : std::uint8_t {
  // A match may begin at any byte. Resting states are left only by a byte of the trigger set, so a
  // scan can go from a rest directly to the next trigger.
  kSearch,
  // A match begins where the run begins. The resting state is the dead one.
  kAnchored,
};

// Reading a byte reports what had matched *before* it, because \b looks one byte ahead; so the end
// of the text is a symbol of its own. States are offsets of rows in `next`.
struct Dfa {
  std::array<std::uint8_t, 256> class_of{};  // byte -> column
  std::uint32_t end_class = 0;               // column of the end of the text
  std::uint32_t row_shift = 0;               // a row has 1 << row_shift columns
  std::array<std::uint32_t, 2> start{};      // by: is the byte before the start a word byte?
  // By column; behind the column of the end, a word in two columns: the expressions, as bits,
  // that the step into this state reported.
  std::vector<std::uint32_t> next;

  // Rows 0 and 1 rest: nothing is in progress. (Row 1: the last byte was a word byte.)
  [[nodiscard]] bool Rests(std::uint32_t state) const { return state < (2U << row_shift); }
  [[nodiscard]] std::uint32_t Step(std::uint32_t state, std::uint8_t byte) const {
    return next[state + class_of[byte]];
  }
  [[nodiscard]] std::uint32_t End(std::uint32_t state) const { return next[state + end_class]; }
  [[nodiscard]] std::uint64_t Matched(std::uint32_t state) const {
    std::uint64_t expressions = 0;
    std::memcpy(&expressions, next.data() + std::size_t{state} + end_class + 1,
                sizeof(expressions));
    return expressions;
  }
  [[nodiscard]] std::size_t state_count() const { return next.size() >> row_shift; }
};

// At most 64 expressions; expression i reports bit i. `triggers` (for kSearch) must hold the first
// bytes of all of them, and may hold more. Empty when more than `max_states` would be needed.
[[nodiscard]] std::optional<Dfa> BuildDfa(std::span<const RegexNode* const> expressions,
                                          DfaMode mode, const ByteSet& triggers,
                                          std::size_t max_states);

}  // namespace assay::text::patterns
