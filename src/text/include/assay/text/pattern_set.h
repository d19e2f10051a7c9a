// assay/text/pattern_set.h: which of many patterns occur in a text, and where.
// Room: text (uses core).  Threads: a compiled set is immutable; any number of threads may use it.
// Method: literals by a SIMD filter over hashed nibbles of a four-byte window (after Teddy,
// Langdale and the Hyperscan authors, 2015-2019), then a hash of the window and a masked
// comparison; regular expressions by a DFA (Thompson 1968; subset construction) that starts only
// where a byte of its trigger class, or one of its required prefixes, stands. All work is linear in
// the text.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/text/span.h"

namespace assay::text {

inline constexpr std::size_t kMaxPatterns = 65'536;
inline constexpr std::size_t kMaxPatternBytes = 4'096;

enum class PatternKind : std::uint8_t { kLiteral, kRegex };

// One pattern. Texts are bytes: case folding, \w, \d, \s and \b know ASCII only, and a character
// beyond ASCII stands for the sequence of its UTF-8 bytes.
//
// A regular expression has: literal bytes, '.', [classes] with ranges and ^, \d \D \w \W \s \S
// \t \n \r \f \v \xHH, escaped punctuation, \b \B, groups ( ) and (?: ), '|', and the repetitions
// * + ? {m} {m,} {m,n} with bounds of at most 1,000. '.' is any byte but a newline. There are no
// anchors, back references, look-around or lazy repetitions (which do not change what occurs).
struct Pattern {
  std::string text;
  PatternKind kind = PatternKind::kLiteral;
  bool ignore_case = true;
  bool whole_word = false;  // literals: no [0-9A-Za-z_] directly before or after the match
};

struct PatternSetOptions {
  // States of all automata together (a state costs four bytes for each class of bytes).
  // More is needed only by wide counted repetitions such as `(\w+ ){50}x`.
  std::size_t max_dfa_states = 10'000;
};

struct PatternMatch {
  std::uint32_t pattern = 0;  // index in the list that was compiled
  Span span;
  friend bool operator==(const PatternMatch&, const PatternMatch&) = default;
};

class PatternSet {
 public:
  // Errors: kInvalidArgument for a malformed, empty or too long pattern, or an expression that
  // matches the empty text (the message names the pattern's index and the byte offset of the
  // fault); kOutOfRange for more than kMaxPatterns; kResourceExhausted if the automata need more
  // than max_dfa_states.
  [[nodiscard]] static Result<PatternSet> Compile(std::span<const Pattern> patterns,
                                                  const PatternSetOptions& options = {});

  PatternSet(PatternSet&&) noexcept;
  PatternSet& operator=(PatternSet&&) noexcept;
  ~PatternSet();

  [[nodiscard]] std::size_t pattern_count() const;
  // 64-bit words that a result takes: pattern p is bit p % 64 of word p / 64. At least 1.
  [[nodiscard]] std::size_t words_per_text() const;

  // Which patterns occur in `text` (at most 4 GiB - 1).
  // Shape: bits [words_per_text()], overwritten.
  void Match(std::string_view text, std::span<std::uint64_t> bits) const;

  // The same for many pieces of one buffer, at the least cost for each: a match lies inside one
  // piece, and a piece's edges are text edges to \b. Bytes outside the pieces are not looked at.
  // Shape: bits [pieces.size() * words_per_text()] row-major, overwritten.
  // Requires: pieces sorted, not overlapping, inside the buffer. `threads` is an upper bound.
  void MatchBatch(std::string_view buffer, std::span<const Span> pieces,
                  std::span<std::uint64_t> bits, std::size_t threads = 1) const;

  // Appends every occurrence of each literal (overlapping ones too) and the leftmost-longest
  // matches of each expression that do not overlap each other; sorted by begin, end, pattern. O(n)
  // and for each expression that occurs O(n * its longest match).
  void FindAll(std::string_view text, std::vector<PatternMatch>& out) const;

 private:
  struct Program;
  explicit PatternSet(std::unique_ptr<const Program> program);
  std::unique_ptr<const Program> program_;
};

}  // namespace assay::text
