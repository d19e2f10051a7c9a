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

class Bm25View;

// Working memory of one search; reuse it to avoid allocation.
class Bm25Scratch {
 public:
  Bm25Scratch();
  ~Bm25Scratch();
  Bm25Scratch(Bm25Scratch&&) noexcept;
  Bm25Scratch& operator=(Bm25Scratch&&) noexcept;

 private:
  friend class Bm25View;
  struct State;
  std::unique_ptr<State> state_;
};

// The searchable view of postings that live elsewhere (an index file, or a Bm25Memory).
class Bm25View {
 public:
  struct Term {                // 32 bytes, as on disk
    std::uint32_t name_begin;  // in `names`
    std::uint32_t name_bytes;
    std::uint32_t rows;           // df
    float max_impact;             // idf * largest term weight
    std::uint64_t posting_begin;  // in `rows` and `impacts`
    std::uint32_t window_begin;   // in `windows`, or kNoWindows for a short list
    std::uint32_t reserved;
  };
  struct Window {  // one per kWindowRows rows, for terms of at least kWindowedRows rows
    std::uint32_t posting_offset;  // from Term::posting_begin
    float max_impact;
  };
  static constexpr std::uint32_t kWindowRows = 4096;
  static constexpr std::uint32_t kWindowedRows = 256;
  static constexpr std::uint32_t kNoWindows = 0xffffffffu;

  std::span<const std::uint32_t>
      slots;  // hash table of term numbers + 1, a power of two, 0 = empty
  std::span<const Term> terms;
  std::string_view names;
  std::span<const std::uint32_t> rows;  // rising within a term
  std::span<const float> impacts;       // idf * term weight, beside `rows`
  std::span<const Window> windows;
  std::uint32_t row_count = 0;

  // The k best rows for the analysed query; a repeated query term counts as often as it stands.
  // Requires: CheckBounds() held once. k is capped at kMaxBm25Hits.
  void Search(std::string_view query, std::size_t k, Bm25Scratch& scratch,
              std::vector<Bm25Hit>& out) const;
  // The same for tokens that were analysed already.
  void SearchTokens(std::span<const std::string_view> tokens, std::size_t k, Bm25Scratch& scratch,
                    std::vector<Bm25Hit>& out) const;
  // Number of the term, or -1.
  [[nodiscard]] std::int64_t Find(std::string_view token) const;
  // Proves that no search can read outside of the spans. O(terms + windows + postings / 4096), plus
  // O(postings) where `deep`. Errors: kDataLoss.
  [[nodiscard]] Result<void> CheckBounds(bool deep) const;
};

}  // namespace assay::corpus
