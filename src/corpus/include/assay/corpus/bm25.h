// assay/corpus/bm25.h: ranked keyword search over an inverted index.
// Room: corpus (uses core, text).  Threads: a Bm25 may be searched by many threads, each with its
// own Bm25Scratch. Score: Okapi BM25 (Robertson, Zaragoza 2009) with idf = ln(1 + (N - df + 0.5) /
// (df + 0.5)) and tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean length)). Search: MaxScore
// (Turtle, Flood 1995) over windows of 4,096 rows with per-window bounds (Ding, Suel 2011) and
// dense score accumulators: the exact top k, best first, equal scores by row.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::corpus {

inline constexpr float kBm25K1 = 1.2f;
inline constexpr float kBm25B = 0.75f;
inline constexpr std::size_t kMaxBm25Hits = 4096;

struct Bm25Hit {
  std::uint32_t row = 0;
  float score = 0;  // > 0
};

// Scores are summed as integers of this unit, so that a sum does not depend on its order and equal
// texts get equal scores; the rounding error is below 5e-7 a term.
inline constexpr double kBm25Unit = 1.0 / (1 << 20);

// Working memory of one search; reuse it to avoid allocation.
class Bm25Scratch {
 public:
  Bm25Scratch();
  ~Bm25Scratch();
  Bm25Scratch(Bm25Scratch&&) noexcept;
  Bm25Scratch& operator=(Bm25Scratch&&) noexcept;

 private:
  friend struct Bm25View;
  struct State;
  std::unique_ptr<State> state_;
};

struct Bm25Term {            // 40 bytes, as on disk
  std::uint32_t name_begin;  // in `names`
  std::uint32_t name_bytes;
  std::uint32_t row_count;      // df, at least 1
  std::uint32_t max_impact;     // largest impact of its postings, in kBm25Unit
  std::uint32_t tenth_impact;   // tenth largest, 0 where there are fewer than ten
  std::uint32_t window_begin;   // in `windows`, or kNoWindows for a short list
  std::uint64_t posting_begin;  // in `rows` and `impacts`
  std::uint64_t name_hash;
};
static_assert(sizeof(Bm25Term) == 40);

struct Bm25Window {  // one for each 4,096 rows, for terms of at least kWindowedRows rows
  std::uint32_t posting_offset;  // from Bm25Term::posting_begin
  std::uint32_t max_impact;
};
static_assert(sizeof(Bm25Window) == 8);

// The searchable view of postings that live elsewhere: in an index file or a Bm25Memory.
struct Bm25View {
  static constexpr std::uint32_t kWindowRows = 4096;   // 16 KiB of sums stay in the L1 cache
  static constexpr std::uint32_t kWindowedRows = 256;  // shorter lists are stepped through
  static constexpr std::uint32_t kNoWindows = 0xffffffffu;

  std::span<const std::uint32_t>
      slots;  // hash table of term numbers + 1, a power of two, 0 = empty
  std::span<const Bm25Term> terms;
  std::string_view names;
  std::span<const std::uint32_t> rows;     // rising within a term
  std::span<const std::uint32_t> impacts;  // idf * term weight of each posting, in kBm25Unit
  std::span<const Bm25Window> windows;
  std::uint32_t row_count = 0;

  // Writes the k best rows for a text, which is analysed first. k is capped at kMaxBm25Hits.
  // Requires: CheckBounds() held once.
  void Search(std::string_view query, std::size_t k, Bm25Scratch& scratch,
              std::vector<Bm25Hit>& out) const;
  // The same for analysed tokens; a repeated token counts as often as it stands. Tokens past a
  // total bound of 4,095 (hundreds of rare words) are left out, weakest first.
  void SearchTokens(std::span<const std::string_view> tokens, std::size_t k, Bm25Scratch& scratch,
                    std::vector<Bm25Hit>& out) const;
  // Row of `terms`, or -1. O(1).
  [[nodiscard]] std::int64_t Find(std::string_view token) const;
  // Proves that no search can read outside of the spans, whatever the postings hold.
  // O(terms + windows). Errors: kDataLoss.
  [[nodiscard]] Result<void> CheckBounds() const;
};

// Postings in memory, built row by row.
class Bm25Memory {
 public:
  Bm25Memory();
  ~Bm25Memory();
  Bm25Memory(Bm25Memory&&) noexcept;
  Bm25Memory& operator=(Bm25Memory&&) noexcept;

  // Adds the next row. Views need to live only during the call.
  void AddText(std::string_view text);
  void AddTokens(std::span<const std::string_view> tokens);
  // Computes the impacts; no row may be added after. The view lives as long as this object.
  [[nodiscard]] Bm25View Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace assay::corpus
