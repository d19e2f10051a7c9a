// A compiled pattern set, and the scan that runs it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "assay/text/pattern_set.h"

#include "patterns/dfa_internal.h"
#include "patterns/literal_table_internal.h"

namespace assay::text::patterns {

inline constexpr std::size_t kMaxTriggeredDfas = 64;  // a scan keeps a place for each

// Expressions without a rare prefix: one automaton that starts at trigger bytes. Bit i of a report
// is pattern base_id + i, so that a report is shifted into the result without a loop.
struct TriggeredDfa {
  Dfa dfa;
  std::uint32_t base_id = 0;
};

// An expression every match of which begins with one of some literals.
struct PrefixedRegex {
  std::uint32_t id = 0;
  Dfa dfa;  // anchored
};

// What FindAll needs of one expression.
struct RegexPositions {
  std::uint32_t id = 0;
  Dfa backward;  // search, of the reversed expression: reports where matches begin
  Dfa forward;   // anchored
};

// Membership of a byte by its nibbles: bit (high & 7) of low[high >> 3][low nibble].
struct NibbleClass {
  std::array<std::array<std::uint8_t, 16>, 2> low{};
  bool any = false;
  bool any_high = false;  // has bytes of 0x80 and above
};

struct ScanProgram {
  LiteralTable literals;
  NibbleClass triggers;
  std::vector<TriggeredDfa> triggered;
  std::vector<PrefixedRegex> prefixed;
  std::vector<RegexPositions> positions;
  std::size_t pattern_count = 0;
  std::size_t words_per_text = 1;
};

// Sets the bit of every pattern that occurs in a piece, and clears the others.
// Dispatches once to the best SIMD target of the CPU.
void ScanPieces(const ScanProgram& program, std::string_view buffer, std::span<const Span> pieces,
                std::uint64_t* bits);

// The same for the whole of `text`, and appends the places of the literals to `literals`.
void ScanPositions(const ScanProgram& program, std::string_view text, std::uint64_t* bits,
                   std::vector<PatternMatch>& literals);

}  // namespace assay::text::patterns
